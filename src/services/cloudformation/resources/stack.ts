import { authorize } from "../../../aws/authorize.ts";
import type { ResourceContext, ResourceType } from "../../../aws/service.ts";
import type { Stored } from "../../../aws/records.ts";
import { stacks } from "../api/stacks.ts";
import { plannedStack } from "../change-sets/planned.ts";
import { READY_MS } from "../limits.ts";
import { isInProgress, uuidOfArn, type Parent, type Revision, type Stack } from "../model.ts";
import { nestedInput } from "../nested-input.ts";
import { StepFailed } from "../operation/failure.ts";
import type { StepContext } from "../operation/step-context.ts";
import { settle } from "../settle.ts";
import { difference } from "../difference.ts";
import { newStack, prepareStack, startCreate, startDelete, startUpdate } from "../start-stack.ts";
import { existingStack, findStack } from "../store.ts";

/** Attribute under which the revision of a nested stack is kept, so that a rollback of its parent can go back to it. */
export const REVISION = "Starling::Revision";

/** AWS::CloudFormation::Stack: a stack inside a stack. */
export const nestedStack: ResourceType = {
  type: "AWS::CloudFormation::Stack",
  async create(ctx, properties) {
    const above = (await existingStack(ctx, ctx.stackId)).value;
    const planned = await plannedStack(ctx, above);
    const name = planned?.stack.value.name ?? ctx.physicalName({ maxLength: 128 });
    const made = await findStack(ctx, name);
    if (made && made.value.status !== "REVIEW_IN_PROGRESS" && ctx.retried) return made.value.arn;
    const input = nestedInput(ctx.stackTags, above, name, properties);
    await authorize(ctx, stacks.CreateStack, input);
    const parent: Parent = {
      parentId: above.arn,
      rootId: above.parent?.rootId ?? above.arn,
      depth: (above.parent?.depth ?? 0) + 1,
    };
    const stack = planned?.stack.value ?? newStack(ctx, name, parent);
    const prepared = await prepareStack(ctx, stack, input, true, planned?.text);
    const start = { roleArn: above.roleArn, timeoutMinutes: properties["TimeoutInMinutes"], token: ctx.token };
    const started = await startCreate(ctx, stack, prepared, { ...start, ...planned?.start }, planned?.stack.rev ?? 0);
    return started.arn;
  },
  async ready(ctx, id) {
    await settled(ctx, id);
    const { value: stack } = await existingStack(ctx, id);
    if (isInProgress(stack.status)) return false;
    if (/ROLLBACK|FAILED|DELETE/.test(stack.status) && !stack.status.startsWith("UPDATE_ROLLBACK_COMPLETE"))
      throw notSuccessful(stack, "created");
    return true;
  },
  async update(ctx, id, next) {
    const found = await existingStack(ctx, id);
    const above = (await existingStack(ctx, ctx.stackId)).value;
    if (found.value.token !== ctx.token) {
      const input = nestedInput(ctx.stackTags, above, id, next);
      await authorize(ctx, stacks.UpdateStack, input);
      const planned = await plannedStack(ctx, above);
      const prepared = await prepareStack(ctx, found.value, input, true, planned?.text);
      if (!(await difference(ctx, found.value, prepared)).any) return;
      await startUpdate(ctx, found, prepared, { roleArn: above.roleArn, token: ctx.token, ...planned?.start });
    }
    await untilUpdated(ctx, id);
  },
  async remove(ctx, id) {
    const found = await findStack(ctx, id);
    if (!found || found.value.status === "DELETE_COMPLETE") return;
    await authorize(ctx, stacks.DeleteStack, { StackName: id });
    if (!isInProgress(found.value.status)) await startDelete(ctx, found, { token: ctx.token });
    const stack = await ended(ctx, id);
    if (stack.status !== "DELETE_COMPLETE") throw notSuccessful(stack, "deleted");
  },
  async attributes(ctx, id) {
    const { value: stack } = await existingStack(ctx, id);
    return {
      Outputs: Object.fromEntries(stack.outputs.map((o) => [o.OutputKey, o.OutputValue])),
      [REVISION]: stack.revision,
    };
  },
};

/** Takes a nested stack back to a revision that it had, whatever its template's place holds now. */
export async function restoreNestedStack(
  ctx: ResourceContext,
  id: string,
  revision: Revision | undefined,
): Promise<void> {
  const found = await existingStack(ctx, id);
  if (!revision || found.value.revision?.templateId === revision.templateId) return;
  if (found.value.token !== ctx.token) await startUpdate(ctx, found, { revision }, { token: ctx.token });
  await untilUpdated(ctx, id);
}

/** Waits a little for the stack's operation to end. */
const settled = (ctx: ResourceContext, arn: string): Promise<unknown> =>
  (ctx as StepContext).waits(() => settle(ctx, uuidOfArn(arn)));

async function ended(ctx: ResourceContext, id: string): Promise<Stack> {
  const end = ctx.now() + READY_MS;
  for (;;) {
    await settled(ctx, id);
    ctx.signal.throwIfAborted();
    const found: Stored<Stack> = await existingStack(ctx, id);
    if (!isInProgress(found.value.status)) return found.value;
    if (ctx.now() > end) throw new StepFailed(`Embedded stack ${id} did not end within ${READY_MS / 60_000} minutes.`);
  }
}

async function untilUpdated(ctx: ResourceContext, id: string): Promise<void> {
  const stack = await ended(ctx, id);
  if (stack.status !== "UPDATE_COMPLETE") throw notSuccessful(stack, "updated");
}

function notSuccessful(stack: Stack, verb: string): StepFailed {
  return new StepFailed(`Embedded stack ${stack.arn} was not successfully ${verb}: ${stack.reason ?? stack.status}`);
}
