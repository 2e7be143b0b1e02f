import type { JsonObject } from "../../../engines/yaml/index.ts";
import { nestedStack, restoreNestedStack, REVISION } from "../resources/stack.ts";
import type { Leftover, Revision, StackResource, Tag } from "../model.ts";
import { leftoversOf, putLeftover, removeLeftover, unseal } from "../store.ts";
import { implementationOf } from "../template/prepare.ts";
import { isDenied, reasonOf } from "./failure.ts";
import { liveProperties } from "./live-properties.ts";
import type { StackRun } from "./stack-run.ts";
import { inheritedTags, updateTagged } from "./stack-tags.ts";
import { untilReady } from "./until-ready.ts";
import { withRoom } from "./with-room.ts";

/** Gives a resource back what it was before this operation. Answers whether that succeeded. */
export async function restoreResource(run: StackRun, logicalId: string, skip: boolean): Promise<boolean> {
  const resource = run.resources.get(logicalId);
  const former = resource?.former?.state;
  if (!resource || !former || !resource.state) return true;
  if (resource.state.physicalId !== former.physicalId) return swapBack(run, resource);
  // What an update was to bring about may be there in part, whether or not it came to its end.
  const attempted = resource.step?.properties ?? resource.state.properties;
  const untouched =
    (attempted === former.properties && former.type !== nestedStack.type) || resource.step?.action === "replace";
  if (untouched || skip) return settle(run, resource);
  return updateBack(run, resource, attempted);
}

/** The row as it was. */
async function settle(run: StackRun, resource: StackResource): Promise<boolean> {
  const { step: _ended, former, reason: _reason, ...rest } = resource;
  const touched = resource.status === "UPDATE_FAILED" || resource.status === "UPDATE_IN_PROGRESS";
  const row: StackResource = {
    ...rest,
    physicalId: former!.state!.physicalId,
    state: former!.state!,
    ...(touched ? { status: "UPDATE_COMPLETE", updated: run.ctx.now() } : {}),
  };
  await run.save({ resource: row, events: touched ? [run.event(row, "UPDATE_COMPLETE")] : [] });
  return true;
}

/** The replaced resource still lives: it is the stack's again, and the new one is what is left behind. */
async function swapBack(run: StackRun, resource: StackResource): Promise<boolean> {
  const { ctx, stack, operation } = run;
  const former = resource.former!.state!;
  const { physicalId, properties, dependsOn, type } = resource.state!;
  const { logicalId } = resource;
  const kept = (await leftoversOf(ctx, stack.uuid)).filter(
    (l) => l.logicalId === logicalId && l.physicalId === former.physicalId,
  );
  const unwanted: Leftover = {
    operation: operation.id,
    logicalId,
    type,
    token: ctx.platform.ids.uuid(),
    physicalId,
    properties,
    dependsOn,
    retain: false,
  };
  const { step: _ended, former: _done, reason: _reason, ...rest } = resource;
  const row: StackResource = {
    ...rest,
    physicalId: former.physicalId,
    state: former,
    status: "UPDATE_COMPLETE",
    updated: ctx.now(),
  };
  await run.save({
    resource: row,
    events: [run.event(row, "UPDATE_IN_PROGRESS"), run.event(row, "UPDATE_COMPLETE")],
    also: [...kept.map((l) => removeLeftover(ctx, stack.uuid, l)), putLeftover(ctx, stack.uuid, unwanted)],
  });
  return true;
}

async function updateBack(run: StackRun, resource: StackResource, attempted: string): Promise<boolean> {
  const former = resource.former!.state!;
  const restoring = resource.status === "UPDATE_FAILED" ? { ...resource, status: "" } : resource;
  const { step, retried } = run.step(restoring, "restore", attempted);
  const started: StackResource = { ...resource, status: "UPDATE_IN_PROGRESS", updated: run.ctx.now(), step };
  if (!retried) await run.save({ resource: started, events: [run.event(started, "UPDATE_IN_PROGRESS")] });
  const type = implementationOf(run.ctx, former.type);
  try {
    if (!type?.update) throw new Error(`the resource type ${former.type} cannot be updated any more`);
    const ctx = run.contextOf(resource.logicalId, step.token, retried);
    const [next, previous] = [
      await liveProperties(ctx, unseal<JsonObject>(run.ctx, former.properties)),
      await liveProperties(ctx, unseal<JsonObject>(run.ctx, attempted)),
    ];
    const nested = former.type === nestedStack.type;
    if (nested)
      await restoreNestedStack(
        ctx,
        former.physicalId,
        unseal<Record<string, Revision>>(run.ctx, former.attributes)[REVISION],
      );
    const tagged = (properties: JsonObject, tags: readonly Tag[] = []) => ({
      properties,
      stackTags: inheritedTags(run.stack, resource, tags),
    });
    const id = nested
      ? former.physicalId
      : (
          await withRoom(run, () =>
            updateTagged(
              ctx,
              type,
              former.physicalId,
              tagged(next, run.operation.former?.tags),
              tagged(previous, run.stack.revision?.tags),
            ),
          )
        ).id;
    await untilReady(run, type, ctx, id, next, "Resource update cancelled");
    const attributes = run.seal((await type.attributes?.(ctx, id, next)) ?? {});
    const { step: _ended, former: _done, reason: _reason, ...rest } = started;
    const row: StackResource = {
      ...rest,
      physicalId: id,
      state: { ...former, physicalId: id, attributes },
      status: "UPDATE_COMPLETE",
      updated: run.ctx.now(),
    };
    await run.save({ resource: row, events: [run.event(row, "UPDATE_COMPLETE")] });
    return true;
  } catch (error) {
    if (run.ctx.signal.aborted) throw error;
    // The role that was refused the change is refused the way back as well; there is nothing to take back.
    if (resource.step?.unchanged && isDenied(error)) return settle(run, started);
    const reason = reasonOf(error, step.token);
    const row: StackResource = { ...started, status: "UPDATE_FAILED", reason, updated: run.ctx.now() };
    await run.save({ resource: row, events: [run.event(row, "UPDATE_FAILED", reason)] });
    return false;
  }
}
