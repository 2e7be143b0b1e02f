import type { Statement } from "../../../ports/database.ts";
import {
  activeResources,
  dependencyGraph,
  findReferences,
  type ResourceDeclaration,
  resolveValue,
  type Scope,
  TemplateError,
  type Template,
} from "../../../engines/cloudformation/index.ts";
import { ownValue } from "../../../kernel/own-value.ts";
import { forgotten } from "../change-sets/forget.ts";
import { attributeOf } from "../attributes.ts";
import type { ChangeSet, StackResource } from "../model.ts";
import { allExports, inputsOf, leftoversOf, templateOf } from "../store.ts";
import { storedScope } from "../template/prepare.ts";
import { deployResource, isUnderWay } from "./deploy-resource.ts";
import { failureOf, StepFailed } from "./failure.ts";
import { dropExports, finishOutputs, setImports } from "./outputs.ts";
import { removeAll, type Doomed } from "./remove-resource.ts";
import { restoreResource } from "./restore-resource.ts";
import { refuseRemovals } from "./stack-policies.ts";
import type { StackRun } from "./stack-run.ts";
import { beginWatch, pauseWatch, tripped } from "./watch-triggers.ts";

/** A template with everything that its functions read, live resources included. */
interface Plan {
  readonly template: Template;
  readonly scope: Scope;
  readonly imported: Set<string>;
}

async function planOf(run: StackRun): Promise<Plan> {
  const { ctx, stack } = run;
  const revision = stack.revision!;
  const template = await templateOf(ctx, stack.uuid, revision);
  const exports = await allExports(ctx);
  const imported = new Set<string>();
  const scope: Scope = {
    ...storedScope(ctx, template, inputsOf(ctx, revision), stack, revision.notificationArns),
    partial: false,
    ref: (id) => run.resources.get(id)?.state?.ref,
    getAtt: (id, name) => attributeOf(ctx, run.resources.get(id), name),
    importValue(name) {
      imported.add(name);
      return exports.get(name)?.value;
    },
  };
  return { template, scope, imported };
}

/** Brings every resource to what the template says; then outputs and exports. */
export async function apply(run: StackRun): Promise<void> {
  try {
    if (run.operation.untransformed !== undefined) return await giveUp(run, run.operation.untransformed);
    const plan = await planOf(run);
    const active = activeResources(plan);
    for (const resource of active.values()) resolveValue(resource.properties, { ...plan.scope, partial: true });
    // What the former template imports stays, until it is clear which of both holds.
    const used = await setImports(run, plan.imported, true);
    if (used.length > 0) await run.ctx.records.write(used);
    const gone = goneOf(run, active);
    const kept = await refuseRemovals(run, gone);
    if (kept.size > 0) return await failedResources(run, kept);
    const graph = graphOf(plan.template, active);
    const work = (id: string): Promise<boolean> => deployResource(run, active.get(id)!, plan.scope, graph.get(id)!);
    const interrupted = [...active.keys()].filter((id) => isUnderWay(run, run.resources.get(id)));
    await run.inOrder(new Map(interrupted.map((id) => [id, []])), work, true);
    const { failed, skipped } = await run.inOrder(graph, work);
    if (failed.size > 0 || skipped.size > 0) return await failedResources(run, failed);
    if (await run.cancelled()) return await failedResources(run, new Set());
    if (await beginWatch(run, gone.length > 0)) return;
    await finish(run, plan);
  } catch (error) {
    await giveUpOn(run, error);
  }
}

/** Looks at the rollback triggers, again and again with no worker held in between, until they let the operation end. */
export async function watch(run: StackRun): Promise<void> {
  try {
    const reason = await tripped(run);
    if (reason !== undefined || (await run.cancelled())) return await failedResources(run, new Set());
    if (await pauseWatch(run)) return;
    await finish(run, await planOf(run));
  } catch (error) {
    await giveUpOn(run, error);
  }
}

/** A failure of the template or of a resource ends the operation; what else went wrong is tried again. */
async function giveUpOn(run: StackRun, error: unknown): Promise<void> {
  if (!(error instanceof StepFailed || error instanceof TemplateError) || run.ctx.signal.aborted) throw error;
  await giveUp(run, `${error.message.replace(/\.$/, "")}. `);
}

/** Once the resources are as they are to be: outputs, exports, and the end of the operation or its last phase. */
async function finish(run: StackRun, plan: Plan): Promise<void> {
  const { outputs, statements: also } = await finishOutputs(run, plan.template, plan.scope);
  also.push(...(await setImports(run, plan.imported)));
  if (run.operation.importing) return run.enter("done", "IMPORT_COMPLETE", undefined, { stack: { outputs }, also });
  if (run.operation.kind === "create")
    return run.enter("done", "CREATE_COMPLETE", undefined, { stack: { outputs }, also });
  const { policyAfter: policy } = run.operation;
  const stack = { outputs, ...(policy === undefined ? {} : { policy }) };
  return run.enter("clean-up", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", undefined, { stack, also });
}

/** What each resource waits for: what its properties and its update policy (a deployment group) refer to. */
function graphOf(template: Template, active: ReadonlyMap<string, ResourceDeclaration>): Map<string, string[]> {
  const graph = new Map<string, string[]>();
  for (const [id, needs] of dependencyGraph(template)) {
    const policy = findReferences(template.resources[id]?.updatePolicy ?? null).map((r) => r.name);
    if (active.has(id))
      graph.set(
        id,
        [...new Set([...needs, ...policy])].filter((n) => active.has(n) && n !== id),
      );
  }
  return graph;
}

async function failedResources(run: StackRun, failed: ReadonlySet<string>): Promise<void> {
  const of = (status: string): string[] => [...failed].filter((id) => run.resources.get(id)?.status === status);
  const [created, updated, imported] = [of("CREATE_FAILED"), of("UPDATE_FAILED"), of("IMPORT_FAILED")];
  return giveUp(run, run.watch.reason ?? failureOf({ created, updated, imported }));
}

/** What follows a failure: a rollback, a deletion, or leaving everything as it is. */
async function giveUp(run: StackRun, failure: string): Promise<void> {
  const { operation } = run;
  const how = await run.cancelled();
  const reason = failure || (how ? "" : "The stack's timeout was reached. ");
  if (operation.importing)
    return run.enter("rollback", "IMPORT_ROLLBACK_IN_PROGRESS", reason, { operation: { failure } });
  if (operation.kind === "create") {
    const removal = { operation: { failure }, stack: { removing: run.ctx.now() } };
    if (how === "delete" || operation.onFailure === "DELETE")
      return run.enter("remove", "DELETE_IN_PROGRESS", reason.trim() || undefined, removal);
    if (operation.onFailure === "DO_NOTHING") return run.enter("done", "CREATE_FAILED", reason);
    return run.enter("rollback", "ROLLBACK_IN_PROGRESS", `${reason}Rollback requested by user.`, removal);
  }
  if (operation.onFailure === "DO_NOTHING" && !how) return run.enter("done", "UPDATE_FAILED", reason);
  return run.enter("rollback", "UPDATE_ROLLBACK_IN_PROGRESS", how && !failure ? undefined : reason, {
    operation: { failure },
  });
}

/** The stack's resources that its template no longer has. */
const goneOf = (run: StackRun, active: ReadonlyMap<string, unknown>): StackResource[] =>
  [...run.resources.values()].filter((r) => !active.has(r.logicalId));

/** What a successful update no longer needs goes. */
export async function cleanUp(run: StackRun): Promise<void> {
  const plan = await planOf(run);
  const active = activeResources(plan);
  const gone = goneOf(run, active);
  const leftovers = await leftoversOf(run.ctx, run.stack.uuid);
  await removeAll(run, [...gone.map(doomed), ...leftovers.map((leftover) => ({ leftover }))], {
    remember: false,
    giveUp: true,
  });
  await run.enter("done", "UPDATE_COMPLETE");
}

const doomed = (resource: StackResource): Doomed => ({ resource, retain: resource.state?.deletionPolicy === "Retain" });

/** A failed creation takes everything away again; a failed update gives everything back its former values. */
export async function rollBack(run: StackRun): Promise<void> {
  if (run.operation.importing) return rollBackImport(run);
  if (run.operation.kind === "create")
    return removeEverything(run, { done: "ROLLBACK_COMPLETE", failed: "ROLLBACK_FAILED" });
  const touched = [...run.resources.values()].filter((r) => r.former?.operation === run.operation.id && r.former.state);
  const needs = new Map(touched.map((r) => [r.logicalId, [...r.former!.state!.dependsOn]]));
  const spare = new Set(run.operation.spare);
  const { failed } = await run.inOrder(needs, (id) => restoreResource(run, id, spare.has(id)), true);
  if (failed.size > 0)
    return run.enter("done", "UPDATE_ROLLBACK_FAILED", failureOf({ created: [], updated: [...failed] }));
  const { former, formerRole } = run.operation;
  const stack = { ...(former ? { revision: former } : {}), ...(formerRole ? { roleArn: formerRole } : {}) };
  return run.enter("rollback-clean-up", "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS", undefined, { stack });
}

/** Resources that were taken in stay as they are; the stack no longer has them. */
async function rollBackImport(run: StackRun): Promise<void> {
  for (const resource of [...run.resources.values()].filter((r) => r.former?.operation === run.operation.id)) {
    const statuses = ["IMPORT_ROLLBACK_IN_PROGRESS", "IMPORT_ROLLBACK_COMPLETE"];
    await run.save({ gone: resource.logicalId, events: statuses.map((status) => run.event(resource, status)) });
  }
  await run.enter("done", "IMPORT_ROLLBACK_COMPLETE", undefined, { stack: { revision: run.operation.former } });
}

/** Whether a resource was there before this operation took it in: it is not this operation's to remove. */
const wasTakenIn = (run: StackRun, { logicalId }: StackResource): boolean =>
  ownValue(run.operation.imports, logicalId) !== undefined;

/** What the failed update had made goes. */
export async function rollBackCleanUp(run: StackRun): Promise<void> {
  const made = [...run.resources.values()].filter((r) => r.former?.operation === run.operation.id && !r.former.state);
  const leftovers = await leftoversOf(run.ctx, run.stack.uuid);
  const unmade = made.map((resource) => (wasTakenIn(run, resource) ? { resource, retain: true } : doomed(resource)));
  await removeAll(run, [...unmade, ...leftovers.map((leftover) => ({ leftover }))], {
    remember: false,
    giveUp: true,
  });
  const plan = await planOf(run);
  for (const resource of activeResources(plan).values())
    resolveValue(resource.properties, { ...plan.scope, partial: true });
  await run.enter("done", "UPDATE_ROLLBACK_COMPLETE", undefined, { also: await setImports(run, plan.imported) });
}

/** Deletes the stack. */
export const remove = (run: StackRun): Promise<void> =>
  removeEverything(run, { done: "DELETE_COMPLETE", failed: "DELETE_FAILED" });

type Ends = {
  readonly done: "ROLLBACK_COMPLETE" | "DELETE_COMPLETE";
  readonly failed: "ROLLBACK_FAILED" | "DELETE_FAILED";
};

async function removeEverything(run: StackRun, { done, failed: failedStatus }: Ends): Promise<void> {
  const deleting = done === "DELETE_COMPLETE";
  let also: Statement[];
  try {
    also = await dropExports(run);
  } catch (error) {
    if (!(error instanceof StepFailed)) throw error;
    return run.enter("done", failedStatus, error.message);
  }
  const spare = new Set(run.operation.spare);
  const resources = [...run.resources.values()].filter(
    (r) => r.status !== "DELETE_COMPLETE" && r.status !== "DELETE_SKIPPED",
  );
  const leftovers = await leftoversOf(run.ctx, run.stack.uuid);
  const all: Doomed[] = [
    ...resources.map((resource) => ({
      resource,
      retain: spare.has(resource.logicalId) || wasTakenIn(run, resource) || keeps(resource, deleting),
    })),
    ...leftovers.map((leftover) => ({ leftover })),
  ];
  const failed = await removeAll(run, all, { remember: true, giveUp: run.operation.force === true });
  if (failed.length > 0)
    return run.enter("done", failedStatus, `The following resource(s) failed to delete: [${failed.join(", ")}]. `);
  also.push(...(await setImports(run, new Set())));
  if (!deleting) return run.enter("done", done, undefined, { also, stack: { outputs: [] } });
  const { records } = run.ctx;
  const sets = await records.list<ChangeSet>("change-set", { prefix: `${run.stack.uuid}/` });
  // What was executed is still told of a stack that is deleted.
  for (const set of sets)
    if (set.value.executionStatus !== "EXECUTE_COMPLETE") also.push(...(await forgotten(run.ctx, set)));
  also.push(records.remove("stack-name", run.stack.name));
  return run.enter("done", done, undefined, { also, stack: { deleted: run.ctx.now() } });
}

/** `RetainExceptOnCreate` lets go what a failed creation has made. */
const keeps = (resource: StackResource, deleting: boolean): boolean => {
  const policy = resource.state?.deletionPolicy;
  return policy === "Retain" || (deleting && policy === "RetainExceptOnCreate");
};
