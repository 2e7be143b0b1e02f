import type { JsonObject } from "../../../engines/yaml/index.ts";
import { codeOf } from "../../../kernel/aws-error.ts";
import { CLEAN_UP_TRIES } from "../limits.ts";
import type { Leftover, StackResource } from "../model.ts";
import { removeLeftover, unseal } from "../store.ts";
import { implementationOf } from "../template/prepare.ts";
import { reasonOf } from "./failure.ts";
import { reversed } from "./graph.ts";
import { liveProperties } from "./live-properties.ts";
import type { StackRun } from "./stack-run.ts";
import { withRoom } from "./with-room.ts";

/** Something that is to go: a resource of the stack, or what an update or a failure left behind. */
export type Doomed = { readonly resource: StackResource; readonly retain: boolean } | { readonly leftover: Leftover };

export interface RemoveOptions {
  /** Keep the row with its last status (a deleted stack still lists its resources), or forget it. */
  readonly remember: boolean;
  /** Give up a resource that cannot be removed, with an event, as a clean-up does. */
  readonly giveUp: boolean;
}

/** Removes in the reverse of the order of creation; answers the logical ids of what could not be removed. */
export async function removeAll(run: StackRun, doomed: readonly Doomed[], options: RemoveOptions): Promise<string[]> {
  const byKey = new Map(
    doomed.map((d) => ["leftover" in d ? `${d.leftover.logicalId}/${d.leftover.token}` : d.resource.logicalId, d]),
  );
  const keysOf = new Map<string, string[]>();
  for (const [key, d] of byKey) {
    const id = "leftover" in d ? d.leftover.logicalId : d.resource.logicalId;
    keysOf.set(id, [...(keysOf.get(id) ?? []), key]);
  }
  const needs = new Map<string, string[]>();
  for (const [key, d] of byKey) {
    const on = "leftover" in d ? d.leftover.dependsOn : (d.resource.state?.dependsOn ?? []);
    needs.set(
      key,
      on.flatMap((id) => keysOf.get(id) ?? []),
    );
  }
  // What is only half made has no end of its own: its removal is told of with what it left behind.
  const halfMade = new Set(doomed.flatMap((d) => ("leftover" in d ? [d.leftover.logicalId] : [])));
  const work = async (key: string): Promise<boolean> => {
    const d = byKey.get(key)!;
    return "leftover" in d
      ? removeOne(run, asResource(d.leftover), d.leftover.retain, options, d.leftover)
      : removeOne(run, d.resource, d.retain, { ...options, quiet: halfMade.has(d.resource.logicalId) });
  };
  const { failed, skipped } = await run.inOrder(reversed(needs), work, true);
  const name = (key: string): string => key.split("/")[0]!;
  const names = [...failed].map(name);
  // What is left without a failure waits for itself: templates change, and so may the direction of a dependency.
  if (failed.size === 0 || options.giveUp) for (const key of skipped) if (!(await work(key))) names.push(name(key));
  return names;
}

const asResource = (l: Leftover): StackResource => ({
  logicalId: l.logicalId,
  type: l.type,
  physicalId: l.physicalId,
  status: "",
  updated: 0,
  state: {
    type: l.type,
    physicalId: l.physicalId,
    properties: l.properties,
    attributes: "",
    ref: l.physicalId,
    dependsOn: l.dependsOn,
    deletionPolicy: "Delete",
    updateReplacePolicy: "Delete",
  },
});

async function removeOne(
  run: StackRun,
  resource: StackResource,
  retain: boolean,
  options: RemoveOptions & { readonly quiet?: boolean },
  leftover?: Leftover,
): Promise<boolean> {
  const finish = async (status: string, reason?: string, quiet = false): Promise<void> => {
    const { step: _ended, state: _state, reason: _reason, ...rest } = resource;
    const row: StackResource = { ...rest, status, updated: run.ctx.now(), ...(reason ? { reason } : {}) };
    const events = quiet ? [] : [run.event(resource, status, reason)];
    if (leftover) await run.save({ events, also: [removeLeftover(run.ctx, run.stack.uuid, leftover)] });
    else if (options.remember) await run.save({ resource: row, events });
    else await run.save({ gone: row.logicalId, events });
  };
  if (retain) return finish("DELETE_SKIPPED").then(() => true);
  if (!resource.state)
    return finish(
      "DELETE_COMPLETE",
      undefined,
      options.quiet || !resource.status || resource.status === "DELETE_COMPLETE",
    ).then(() => true);
  for (let tries = 1; ; tries++) {
    const error = await tryRemove(run, resource, leftover);
    if (!error) return finish("DELETE_COMPLETE").then(() => true);
    if (options.giveUp && tries < CLEAN_UP_TRIES) continue;
    if (options.giveUp) return finish("DELETE_FAILED", error.reason).then(() => true);
    const row: StackResource = { ...resource, status: "DELETE_FAILED", reason: error.reason, updated: run.ctx.now() };
    await run.save({ ...(leftover ? {} : { resource: row }), events: [run.event(row, "DELETE_FAILED", error.reason)] });
    return false;
  }
}

/** One try; answers why it failed. */
async function tryRemove(
  run: StackRun,
  resource: StackResource,
  leftover: Leftover | undefined,
): Promise<{ reason: string } | undefined> {
  const { type: typeName, physicalId, properties } = resource.state!;
  const { step, retried } = run.step(resource, "delete", properties);
  if (!retried) {
    const started: StackResource = { ...resource, status: "DELETE_IN_PROGRESS", updated: run.ctx.now(), step };
    await run.save({ ...(leftover ? {} : { resource: started }), events: [run.event(started, "DELETE_IN_PROGRESS")] });
  }
  const type = implementationOf(run.ctx, typeName);
  try {
    if (!type) throw new Error(`the resource type ${typeName} is gone`);
    const ctx = run.contextOf(resource.logicalId, step.token, retried);
    const stored = unseal<JsonObject>(run.ctx, properties);
    // A secret that is gone must not keep its reader alive.
    const live = await liveProperties(ctx, stored).catch(() => stored);
    await withRoom(run, () => type.remove(ctx, physicalId, live));
    return undefined;
  } catch (error) {
    if (run.ctx.signal.aborted) throw error;
    const reason = reasonOf(error, step.token);
    if (codeOf(error) === undefined)
      run.ctx.platform.log.error("a resource could not be removed", { type: typeName, physicalId, error });
    return { reason };
  }
}
