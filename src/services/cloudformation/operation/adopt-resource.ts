import type { ResourceType } from "../../../aws/service.ts";
import type { ResourceDeclaration } from "../../../engines/cloudformation/index.ts";
import type { JsonObject } from "../../../engines/yaml/index.ts";
import { isThere } from "../drift/detect.ts";
import type { ResourceState, StackResource } from "../model.ts";
import { reasonOf, StepFailed } from "./failure.ts";
import { liveProperties } from "./live-properties.ts";
import type { StackRun } from "./stack-run.ts";
import { inheritedTags, takesTags, updateTagged } from "./stack-tags.ts";

/** An existing resource on its way into the stack. */
export interface Adoption {
  readonly run: StackRun;
  readonly declared: ResourceDeclaration;
  readonly type: ResourceType;
  readonly existing: StackResource | undefined;
  readonly next: JsonObject;
  readonly dependsOn: readonly string[];
  readonly physicalId: string;
}

/** Takes a resource that exists already into the stack, as it is but for the stack's tags. Answers whether that succeeded. */
export async function adoptResource(adoption: Adoption): Promise<boolean> {
  const { run, declared, existing, next, physicalId } = adoption;
  const { logicalId } = declared;
  const { step, retried } = run.step(existing, "create", run.seal(next));
  const base = { logicalId, type: declared.type, physicalId, former: { operation: run.operation.id } };
  const started: StackResource = { ...base, status: "IMPORT_IN_PROGRESS", updated: run.ctx.now(), step };
  if (!retried)
    await run.save({
      resource: started,
      events: [run.event(started, "IMPORT_IN_PROGRESS", "Resource import started.")],
    });
  try {
    const state = await adopted(adoption, step.properties, step.token, retried);
    const tagged = takesTags(adoption.type);
    const resource: StackResource = {
      ...base,
      status: tagged ? "UPDATE_COMPLETE" : "IMPORT_COMPLETE",
      updated: run.ctx.now(),
      state,
    };
    const events = [run.event(resource, "IMPORT_COMPLETE", "Resource import completed.")];
    if (tagged) {
      const reason = "Apply stack-level tags to imported resource if applicable.";
      events.push(run.event(resource, "UPDATE_IN_PROGRESS", reason), run.event(resource, "UPDATE_COMPLETE"));
    }
    await run.save({ resource, events });
    return true;
  } catch (error) {
    if (run.ctx.signal.aborted) throw error;
    run.halt.abort();
    const reason = reasonOf(error, step.token);
    const failed: StackResource = { ...base, status: "IMPORT_FAILED", reason, updated: run.ctx.now() };
    await run.save({ resource: failed, events: [run.event(failed, "IMPORT_FAILED", reason)] });
    return false;
  }
}

async function adopted(
  { run, declared, type, next, dependsOn, physicalId }: Adoption,
  properties: string,
  token: string,
  retried: boolean,
): Promise<ResourceState> {
  const ctx = run.contextOf(declared.logicalId, token, retried);
  const live = await liveProperties(ctx, next);
  if (!(await isThere(ctx, declared.type, physicalId)))
    throw new StepFailed(`Resource of type '${declared.type}' with identifier '${physicalId}' was not found.`);
  const stackTags = inheritedTags(run.stack, declared, run.stack.revision?.tags ?? []);
  if (takesTags(type) && stackTags.length > 0)
    await updateTagged(ctx, type, physicalId, { properties: live, stackTags }, { properties: live, stackTags: [] });
  return {
    type: declared.type,
    physicalId,
    properties,
    attributes: run.seal((await type.attributes?.(ctx, physicalId, live)) ?? {}),
    ref: type.ref?.(physicalId, live) ?? physicalId,
    dependsOn,
    deletionPolicy: String(declared.deletionPolicy ?? "Delete"),
    updateReplacePolicy: String(declared.updateReplacePolicy ?? "Delete"),
    ...(declared.metadata === undefined ? {} : { metadata: declared.metadata }),
  };
}
