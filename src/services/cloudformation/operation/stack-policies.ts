import type { StackResource } from "../model.ts";
import { deniedByPolicy, type UpdateAction } from "../stack-policy.ts";
import { StepFailed } from "./failure.ts";
import type { StackRun } from "./stack-run.ts";

type Named = Pick<StackResource, "logicalId" | "type">;

const denied = (run: StackRun, action: UpdateAction, resource: Named): string | undefined =>
  deniedByPolicy(run.operation.policyMeanwhile ?? run.stack.policy, action, resource);

/** Refuses a change of a resource that the stack's policy does not allow. */
export function refuseDenied(run: StackRun, action: UpdateAction, resource: Named): void {
  const reason = denied(run, action, resource);
  if (reason !== undefined) throw new StepFailed(reason);
}

/** Of the resources that are to go after an update, those that the stack's policy keeps: they have failed to update. */
export async function refuseRemovals(run: StackRun, gone: readonly StackResource[]): Promise<ReadonlySet<string>> {
  const kept = new Set<string>();
  for (const resource of gone) {
    const reason = resource.state && denied(run, "Update:Delete", resource);
    if (!reason) continue;
    kept.add(resource.logicalId);
    if (resource.status === "UPDATE_FAILED" && resource.former?.operation === run.operation.id) continue;
    const status = "UPDATE_FAILED";
    const former = { operation: run.operation.id, state: resource.state! };
    await run.save({
      resource: { ...resource, status, reason, former, updated: run.ctx.now() },
      events: [run.event(resource, status, reason)],
    });
  }
  return kept;
}
