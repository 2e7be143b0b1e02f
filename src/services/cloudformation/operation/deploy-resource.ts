import { isDeepStrictEqual } from "node:util";
import { refusedIn } from "../../../aws/refused-members.ts";
import type { ResourceType } from "../../../aws/service.ts";
import {
  brokenConstraints,
  checkProperties,
  propertiesFailure,
  propertySchema,
  resolveProperties,
  resolveValue,
  resourceSchema,
  type ResourceDeclaration,
  type Scope,
} from "../../../engines/cloudformation/index.ts";
import type { JsonObject, JsonValue } from "../../../engines/yaml/index.ts";
import { ownValue } from "../../../kernel/own-value.ts";
import type { FormerResource, Leftover, ResourceState, StackResource, Step, Tag } from "../model.ts";
import { putLeftover, unseal } from "../store.ts";
import { implementationOf } from "../template/prepare.ts";
import { adoptResource } from "./adopt-resource.ts";
import { shiftAlias } from "./alias-deployment.ts";
import { resolvedDeclaration } from "./declarations.ts";
import { isDenied, reasonOf, StepCancelled, StepFailed } from "./failure.ts";
import { liveProperties } from "./live-properties.ts";
import { refusal } from "./refused-properties.ts";
import { refuseDenied } from "./stack-policies.ts";
import type { StackRun } from "./stack-run.ts";
import type { StepContext } from "./step-context.ts";
import { inheritedTags, refuseReservedTags, takesTags, updateTagged } from "./stack-tags.ts";
import { untilReady } from "./until-ready.ts";
import { tripped } from "./watch-triggers.ts";
import { ignoredNote, watchReads } from "./watched-properties.ts";

const CANCELLED = { create: "Resource creation cancelled", update: "Resource update cancelled" } as const;
const RENAME = (name: unknown): string =>
  `CloudFormation cannot update a stack when a custom-named resource requires replacing. Rename ${String(name)} and update the stack again.`;

/** One resource on its way to what the template says. */
interface Job {
  readonly run: StackRun;
  readonly declared: ResourceDeclaration;
  readonly type: ResourceType;
  readonly existing: StackResource | undefined;
  readonly next: JsonObject;
  readonly dependsOn: readonly string[];
  readonly updatePolicy: JsonValue | undefined;
}

/** Brings a resource to what the template says: creates, updates, replaces it or leaves it. Answers whether that succeeded. */
export async function deployResource(
  run: StackRun,
  declared: ResourceDeclaration,
  scope: Scope,
  dependsOn: readonly string[],
): Promise<boolean> {
  const { logicalId } = declared;
  const existing = run.resources.get(logicalId);
  // After a restart: what this operation has brought to an end is not done again.
  if (existing?.former?.operation === run.operation.id) {
    if (existing.status.endsWith("_FAILED")) return false;
    if (!existing.step) return true;
  }
  const action = existing?.state ? "update" : "create";
  try {
    // A step that was under way when the process was killed comes to its end first: nobody else knows what it has made.
    const stops = !isUnderWay(run, existing);
    if (stops && (await run.cancelled())) throw new StepCancelled(CANCELLED[action]);
    if (stops && run.late) throw new StepCancelled(`${CANCELLED[action]}: the stack's timeout was reached`);
    if (stops && (await tripped(run))) throw new StepCancelled(CANCELLED[action]);
    const type = implementationOf(run.ctx, declared.type);
    if (!type) throw new StepFailed(`Starling does not implement the resource type ${declared.type} yet.`);
    const { properties, diagnostics } = checkProperties(declared, resolveProperties(declared.properties, scope));
    if (diagnostics.length > 0) {
      const messages = diagnostics.map((d) => d.message);
      throw new StepFailed(propertiesFailure(logicalId, messages));
    }
    const updatePolicy = declared.updatePolicy === undefined ? undefined : resolveValue(declared.updatePolicy, scope);
    return await bring({
      run,
      declared: resolvedDeclaration(declared, scope),
      type,
      existing,
      next: properties,
      dependsOn,
      updatePolicy,
    });
  } catch (error) {
    if (run.ctx.signal.aborted) throw error;
    await fail(run, declared, existing, action, error, "");
    return false;
  }
}

/** Whether a step of this operation was begun for the resource and has no end yet. */
export const isUnderWay = (run: StackRun, resource: StackResource | undefined): boolean =>
  resource?.step?.operation === run.operation.id && !resource.status.endsWith("_FAILED");

async function bring(job: Job): Promise<boolean> {
  const { run, existing, type, next } = job;
  const resumed = existing?.step?.operation === run.operation.id;
  if (!existing?.state) {
    if (!resumed) refuseBroken(job);
    const physicalId = ownValue(run.operation.imports, job.declared.logicalId);
    if (physicalId !== undefined) return adoptResource({ ...job, physicalId });
    return create(job, "create");
  }
  if (resumed && existing.step?.action === "replace") return create(job, "replace");
  const attempted =
    existing.status === "UPDATE_FAILED" && existing.step ? existing.step.properties : existing.state.properties;
  const previous = unseal<JsonObject>(run.ctx, attempted);
  const changed = [...new Set([...Object.keys(next), ...Object.keys(previous)])].filter(
    (name) => !isDeepStrictEqual(next[name], previous[name]),
  );
  const nested = type.type === "AWS::CloudFormation::Stack";
  const retagged = takesTags(type) && !isDeepStrictEqual(run.stack.revision!.tags, run.operation.former?.tags);
  if (changed.length === 0 && !resumed && !nested && !retagged) return keep(job);
  if (!resumed) refuseBroken(job);
  const replaces = mustReplace(type, changed);
  if (!resumed && changed.length > 0) refuseDenied(run, replaces ? "Update:Replace" : "Update:Modify", job.declared);
  if (replaces) {
    refuseSameName(type.type, next, previous);
    return create(job, "replace");
  }
  return update(job, previous);
}

/** Refuses values that the type's schema does not allow; a resource that stays as it is, is not looked at again. */
function refuseBroken({ declared, type, next }: Job): void {
  refuseReservedTags(declared.type, next);
  const refused = refusedIn(type.refuses ?? {}, next);
  if (refused.length > 0) throw new StepFailed(refusal(declared.type, refused));
  const messages = brokenConstraints(declared.type, next);
  if (messages.length > 0) throw new StepFailed(propertiesFailure(declared.logicalId, messages));
}

/** Nothing to do but to take over what only the stack itself reads. */
async function keep({ run, declared, existing, dependsOn }: Job): Promise<boolean> {
  const state = { ...existing!.state!, ...attributesOf(declared), dependsOn };
  if (!isDeepStrictEqual(state, existing!.state)) {
    const former: FormerResource = { operation: run.operation.id, state: existing!.state! };
    await run.save({ resource: { ...existing!, state, former, updated: run.ctx.now() } });
  }
  return true;
}

function mustReplace(type: ResourceType, changed: readonly string[]): boolean {
  if (!type.update) return changed.length > 0;
  const schema = resourceSchema(type.type);
  return changed.some(
    (name) =>
      type.replaceOn?.includes(name) || (schema && propertySchema(schema.properties, name)?.replacement === "yes"),
  );
}

/** A resource with a name of its own cannot be there twice, as it must be until the old one is removed. */
function refuseSameName(type: string, next: JsonObject, previous: JsonObject): void {
  const [name, ...others] = resourceSchema(type)?.identifier ?? [];
  if (name === undefined || others.length > 0 || next[name] === undefined) return;
  if (next[name] === previous[name]) throw new StepFailed(RENAME(next[name]));
}

const attributesOf = (declared: ResourceDeclaration) => ({
  deletionPolicy: String(declared.deletionPolicy ?? "Delete"),
  updateReplacePolicy: String(declared.updateReplacePolicy ?? "Delete"),
  ...(declared.metadata === undefined ? {} : { metadata: declared.metadata }),
});

async function create(job: Job, action: "create" | "replace"): Promise<boolean> {
  const { run, declared, type, existing, next } = job;
  const { logicalId } = declared;
  const word = action === "create" ? "CREATE" : "UPDATE";
  const base = { logicalId, type: declared.type };
  const { step, retried } = run.step(existing, action, run.seal(next));
  const former: FormerResource = { operation: run.operation.id, ...(existing?.state ? { state: existing.state } : {}) };
  const started: StackResource = {
    ...existing,
    ...base,
    status: `${word}_IN_PROGRESS`,
    updated: run.ctx.now(),
    step,
    former,
  };
  if (!retried) {
    const reason =
      action === "replace"
        ? "Requested update requires the creation of a new physical resource; hence creating one."
        : undefined;
    await run.save({ resource: started, events: [run.event(started, `${word}_IN_PROGRESS`, reason)] });
  }
  const ctx = run.contextOf(logicalId, step.token, retried, declared.creationPolicy);
  let id: string | undefined;
  try {
    const live = await liveProperties(ctx, next);
    const watched = watchReads(live);
    id = await type.create(ctx, watched.properties);
    const ignored = ignoredNote(watched.unread());
    const initiated = run.event(
      { ...base, step, physicalId: id },
      `${word}_IN_PROGRESS`,
      "Resource creation Initiated",
    );
    if (type.ready) {
      await run.save({
        resource: { ...started, ...(action === "create" ? { physicalId: id } : {}) },
        events: [initiated],
      });
      await untilReady(run, type, ctx, id, live, CANCELLED.create);
    }
    const state = await stateOf(job, ctx, id, live, step);
    const also =
      action === "replace"
        ? [putLeftover(run.ctx, run.stack.uuid, leftoverOf(run, existing!, state.updateReplacePolicy))]
        : [];
    const { step: _ended, reason: _reason, ...rest } = started;
    const resource: StackResource = {
      ...rest,
      physicalId: id,
      status: `${word}_COMPLETE`,
      updated: run.ctx.now(),
      state,
    };
    const events = [...(type.ready ? [] : [initiated]), run.event(resource, resource.status, ignored)];
    await run.save({ resource, events, also });
    return true;
  } catch (error) {
    if (run.ctx.signal.aborted) throw error;
    const made = id ?? halfMade(ctx, declared, next);
    const { dependsOn } = job;
    await fail(
      run,
      declared,
      started,
      action,
      error,
      step.token,
      made === undefined ? undefined : { id: made, dependsOn },
    );
    return false;
  }
}

async function update(job: Job, previous: JsonObject): Promise<boolean> {
  const { run, declared, type, existing, next } = job;
  const was = existing!.state!;
  const { step, retried } = run.step(existing, "update", run.seal(next));
  const former: FormerResource = { operation: run.operation.id, state: was };
  const started: StackResource = { ...existing!, status: "UPDATE_IN_PROGRESS", updated: run.ctx.now(), step, former };
  if (!retried) await run.save({ resource: started, events: [run.event(started, "UPDATE_IN_PROGRESS")] });
  const ctx = run.contextOf(declared.logicalId, step.token, retried);
  try {
    const [live, before] = [await liveProperties(ctx, next), await liveProperties(ctx, previous)];
    if (type.type === "AWS::Lambda::Alias") await shiftAlias(run, ctx, job.updatePolicy, live, before);
    const tagged = (properties: JsonObject, tags: readonly Tag[] = []) => ({
      properties,
      stackTags: inheritedTags(run.stack, declared, tags),
    });
    const { id, ignored } = await updateTagged(
      ctx,
      type,
      was.physicalId,
      tagged(live, run.stack.revision!.tags),
      tagged(before, run.operation.former?.tags),
    );
    await untilReady(run, type, ctx, id, live, CANCELLED.update);
    const state = await stateOf(job, ctx, id, live, step);
    const also =
      id === was.physicalId
        ? []
        : [putLeftover(run.ctx, run.stack.uuid, leftoverOf(run, existing!, state.updateReplacePolicy))];
    const { step: _ended, reason: _reason, ...rest } = started;
    const resource: StackResource = {
      ...rest,
      physicalId: id,
      status: "UPDATE_COMPLETE",
      updated: run.ctx.now(),
      state,
    };
    const events = [run.event(resource, "UPDATE_COMPLETE", ignoredNote(ignored))];
    await run.save({ resource, events, also });
    return true;
  } catch (error) {
    if (run.ctx.signal.aborted) throw error;
    const unchanged = !retried && !ctx.changed && isDenied(error);
    const tried = unchanged ? { ...started, step: { ...step, unchanged } } : started;
    await fail(run, declared, tried, "update", error, step.token);
    return false;
  }
}

async function stateOf(
  { run, declared, type, dependsOn }: Job,
  ctx: StepContext,
  id: string,
  live: JsonObject,
  step: Step,
): Promise<ResourceState> {
  return {
    type: declared.type,
    physicalId: id,
    properties: step.properties,
    attributes: run.seal((await type.attributes?.(ctx, id, live)) ?? {}),
    ref: type.ref?.(id, live) ?? id,
    dependsOn,
    ...attributesOf(declared),
  };
}

function leftoverOf(run: StackRun, existing: StackResource, policy: string): Leftover {
  const { type, physicalId, properties, dependsOn } = existing.state!;
  const { logicalId } = existing;
  return {
    operation: run.operation.id,
    logicalId,
    type,
    token: run.ctx.platform.ids.uuid(),
    physicalId,
    properties,
    dependsOn,
    retain: policy === "Retain",
  };
}

/** The id that a resource must have whose creation failed half way: by its own name, or the one we gave it. */
function halfMade(ctx: StepContext, declared: ResourceDeclaration, next: JsonObject): string | undefined {
  if (!ctx.changed) return undefined;
  const [name, ...others] = resourceSchema(declared.type)?.identifier ?? [];
  const own = name !== undefined && others.length === 0 ? next[name] : undefined;
  return typeof own === "string" ? own : ctx.named;
}

async function fail(
  run: StackRun,
  declared: ResourceDeclaration,
  existing: StackResource | undefined,
  action: "create" | "update" | "replace",
  error: unknown,
  token: string,
  made?: { readonly id: string; readonly dependsOn: readonly string[] },
): Promise<void> {
  run.halt.abort();
  const reason = reasonOf(error, token);
  if (reason.includes("HandlerErrorCode: InternalFailure"))
    run.ctx.platform.log.error("a resource type failed", { type: declared.type, logicalId: declared.logicalId, error });
  const status = action === "create" ? "CREATE_FAILED" : "UPDATE_FAILED";
  const { logicalId, type } = declared;
  const former =
    existing?.former?.operation === run.operation.id
      ? existing.former
      : { operation: run.operation.id, ...(existing?.state ? { state: existing.state } : {}) };
  const physicalId = existing?.state?.physicalId ?? made?.id;
  const resource: StackResource = {
    ...existing,
    logicalId,
    type,
    status,
    reason,
    updated: run.ctx.now(),
    former,
    ...(physicalId === undefined ? {} : { physicalId }),
  };
  const also =
    made === undefined
      ? []
      : [
          putLeftover(run.ctx, run.stack.uuid, {
            operation: run.operation.id,
            logicalId,
            type,
            token,
            physicalId: made.id,
            properties: existing!.step!.properties,
            dependsOn: made.dependsOn,
            retain: false,
          }),
        ];
  await run.save({ resource, events: [run.event(resource, status, reason)], also });
}
