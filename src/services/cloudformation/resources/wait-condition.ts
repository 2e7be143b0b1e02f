import type { ResourceContext, ResourceType } from "../../../aws/service.ts";
import { WAIT_SECONDS } from "../limits.ts";
import { StepFailed } from "../operation/failure.ts";
import type { StepContext } from "../operation/step-context.ts";
import { forgetResourceSignals, resourceSignals, wantedSignals, type WantedSignals } from "../resource-signals.ts";
import { forgetSignals, handleOf, signalsOf, waitUrl } from "../wait-signals.ts";

/** AWS::CloudFormation::WaitConditionHandle: a URL that takes signals. Templates that need one resource, and no more, use it as well. */
export const waitConditionHandle: ResourceType = {
  type: "AWS::CloudFormation::WaitConditionHandle",
  create: async (ctx) => waitUrl(ctx, ctx.token),
  update: async () => undefined,
  async remove(ctx, id) {
    const handle = handleOf(ctx, id);
    if (handle) await forgetSignals(ctx, handle);
  },
  attributes: async (_ctx, id) => ({ Id: id }),
};

interface Wait {
  /** When it has waited long enough. */
  readonly end: number;
}

const KIND = "wait-condition";

/** The step that made a wait condition: the last part of its id. */
const tokenOf = (id: string): string => id.slice(id.lastIndexOf("/") + 1);

/** Whether a CreationPolicy has what it waits for. */
async function hasSignals(ctx: ResourceContext, { count }: WantedSignals, late: boolean): Promise<boolean> {
  const signals = await resourceSignals(ctx, ctx.token);
  const failed = signals.find((signal) => signal.status === "FAILURE");
  if (failed) throw new StepFailed(`Received FAILURE signal with UniqueId ${failed.uniqueId}`);
  if (signals.length >= count) return true;
  if (late) throw new StepFailed(`Failed to receive ${count} resource signal(s) within the specified duration`);
  return false;
}

/**
 * AWS::CloudFormation::WaitCondition: is made when as many signals have come as the template says, to its handle or, with
 * a CreationPolicy, by SignalResource.
 */
export const waitCondition: ResourceType = {
  type: "AWS::CloudFormation::WaitCondition",
  async create(ctx, { Handle, Timeout }) {
    const policy = wantedSignals((ctx as StepContext).creationPolicy);
    if (policy && (Handle !== undefined || Timeout !== undefined))
      throw new StepFailed("A wait condition with a CreationPolicy must not specify Handle or Timeout.");
    const seconds = policy?.seconds ?? Number(Timeout ?? 0);
    if (!policy && !handleOf(ctx, String(Handle ?? "")))
      throw new StepFailed(`Invalid wait condition handle: ${String(Handle)}`);
    if (!(seconds >= 1 && seconds <= WAIT_SECONDS))
      throw new StepFailed(`Timeout of a wait condition must be from 1 to ${WAIT_SECONDS} seconds.`);
    const id = `${ctx.stackId}/${ctx.logicalId}/${ctx.token}`;
    const known = await ctx.records.get<Wait>(KIND, id);
    if (!known) await ctx.records.create(KIND, id, { end: ctx.now() + seconds * 1000 } satisfies Wait);
    return id;
  },
  async ready(ctx, id, { Handle, Count }) {
    const wait = await ctx.records.get<Wait>(KIND, id);
    const late = wait !== undefined && ctx.now() >= wait.value.end;
    const policy = wantedSignals((ctx as StepContext).creationPolicy);
    if (policy) return hasSignals(ctx, policy, late);
    const wanted = Number(Count ?? 1);
    const signals = await signalsOf(ctx, handleOf(ctx, String(Handle)) ?? "");
    const failed = signals.find((s) => s.Status === "FAILURE");
    if (failed)
      throw new StepFailed(
        `WaitCondition received failed message: '${failed.Reason}' for uniqueId: ${failed.UniqueId}`,
      );
    if (signals.length >= wanted) return true;
    if (!late) return false;
    throw new StepFailed(`WaitCondition timed out. Received ${signals.length} conditions when expecting ${wanted}`);
  },
  async update() {
    throw new StepFailed("Update to resource type AWS::CloudFormation::WaitCondition is not supported.");
  },
  async remove(ctx, id) {
    await ctx.records.write(ctx.records.remove(KIND, id));
    await forgetResourceSignals(ctx, tokenOf(id));
  },
  async attributes(ctx, id, { Handle }) {
    const signals = await signalsOf(ctx, handleOf(ctx, String(Handle)) ?? "");
    return { Id: id, Data: JSON.stringify(Object.fromEntries(signals.map((s) => [s.UniqueId, s.Data]))) };
  },
};
