import { authorize } from "../../../aws/authorize.ts";
import type { Context } from "../../../aws/context.ts";
import { AwsError } from "../../../kernel/aws-error.ts";
import { stacks } from "../api/stacks.ts";
import { difference } from "../difference.ts";
import { validation } from "../errors.ts";
import { isInProgress, type Stack } from "../model.ts";
import { settle } from "../settle.ts";
import { newStack, prepareStack, startCreate, startDelete, startUpdate } from "../start-stack.ts";
import { findStack } from "../store.ts";
import type { StackInstance, StackSet, Target } from "./model.ts";
import { openParameters } from "./store.ts";

/** The account's execution role, in the region of a target: assumed by the administration role, as both trust policies say. */
export async function executionContext(
  ctx: Context<any>,
  { administrationRole, executionRole }: Pick<StackSet, "administrationRole" | "executionRole">,
  { account, region }: Target,
): Promise<Context<any>> {
  const administrator = await asAdministrator(ctx, administrationRole);
  const refused = (): Error =>
    validation(
      `Account ${account} should have '${executionRole}' role with trust relationship to Role '${nameOf(administrationRole)}'.`,
    );
  // There are no other accounts here.
  if (account !== ctx.account) throw refused();
  try {
    const { Credentials } = await administrator.call("sts", "AssumeRole", {
      RoleArn: `arn:aws:iam::${account}:role/${executionRole}`,
      RoleSessionName: ctx.platform.ids.uuid(),
    });
    const found = await ctx.platform.identity.credentials(Credentials!.AccessKeyId!, Credentials!.SessionToken);
    return ctx.as(found!.principal).inRegion(region);
  } catch (error) {
    if (error instanceof AwsError) throw refused();
    throw error;
  }
}

/** As the administration role of a stack set; refused where CloudFormation may not assume it. */
export async function asAdministrator(ctx: Context<any>, role: string): Promise<Context<any>> {
  try {
    return await ctx.asRole(role, "AWSCloudFormationStackSets");
  } catch (error) {
    if (!(error instanceof AwsError)) throw error;
    throw validation(
      `Account ${ctx.account} should have '${nameOf(role)}' role with trust relationship to CloudFormation service.`,
    );
  }
}

const nameOf = (roleArn: string): string => roleArn.slice(roleArn.lastIndexOf("/") + 1);

/** Makes or updates the stack of an instance. Answers the stack's ARN; `undefined` where it is to be asked again, as that takes its time. */
export async function deployInstance(
  ctx: Context<any>,
  set: StackSet,
  instance: StackInstance,
  operation: string,
  made: (stackId: string) => Promise<void>,
): Promise<string | undefined> {
  const overrides = openParameters(ctx, instance.overrides);
  const own = openParameters(ctx, set.parameters);
  const input = {
    StackName: instance.stackName,
    Parameters: [...own.filter((p) => !overrides.some((o) => o.ParameterKey === p.ParameterKey)), ...overrides],
    Capabilities: [...set.capabilities],
    Tags: set.tags.map((tag) => ({ ...tag })),
  };
  let found = await findStack(ctx, instance.stackName);
  if (found && found.value.token !== operation && isInProgress(found.value.status))
    throw validation(`Stack ${found.value.arn} is in ${found.value.status} state and can not be updated.`);
  if (found && found.value.token !== operation && NEVER_MADE.test(found.value.status)) {
    if (!(await removeInstance(ctx, instance, operation))) return undefined;
    found = undefined;
  }
  if (found?.value.token === operation) return outcome(found.value);
  if (!found) {
    await authorize(ctx, stacks.CreateStack, input);
    const stack = newStack(ctx, instance.stackName);
    const prepared = await prepareStack(ctx, stack, input, true, set.template);
    await made(stack.arn);
    await startCreate(ctx, stack, prepared, { token: operation });
  } else {
    await authorize(ctx, stacks.UpdateStack, input);
    const prepared = await prepareStack(ctx, found.value, input, true, set.template);
    if (!(await difference(ctx, found.value, prepared)).any) return found.value.arn;
    await startUpdate(ctx, found, prepared, { token: operation });
  }
  const stack = await settled(ctx, instance.stackName);
  if (!stack) throw validation(`Stack ${instance.stackName} was deleted`);
  return outcome(stack);
}

/** The ARN of a stack that is made or updated; `undefined` while it is not yet. */
function outcome(stack: Stack): string | undefined {
  if (stack.status === "CREATE_COMPLETE" || stack.status === "UPDATE_COMPLETE") return stack.arn;
  if (isInProgress(stack.status)) return undefined;
  throw inState(stack);
}

const inState = (stack: Stack): AwsError =>
  validation(`Stack ${stack.arn} is in ${stack.status} state: ${stack.reason ?? ""}`.trim());

const NEVER_MADE = /^(ROLLBACK_COMPLETE|ROLLBACK_FAILED|CREATE_FAILED|DELETE_FAILED)$/;

/** Deletes the stack of an instance. Answers whether it is gone; where it is not yet, it is to be asked again. */
export async function removeInstance(ctx: Context<any>, instance: StackInstance, operation: string): Promise<boolean> {
  const found = await findStack(ctx, instance.stackName);
  if (!found || found.value.status === "DELETE_COMPLETE") return true;
  await authorize(ctx, stacks.DeleteStack, { StackName: instance.stackName });
  if (isInProgress(found.value.status)) return false;
  // It was this operation that began to delete it.
  if (found.value.token === operation) throw inState(found.value);
  await startDelete(ctx, found, { token: operation });
  const stack = await settled(ctx, instance.stackName);
  if (!stack || stack.status === "DELETE_COMPLETE") return true;
  if (isInProgress(stack.status)) return false;
  throw inState(stack);
}

/** The stack after the little while that most operations take. */
async function settled(ctx: Context<any>, name: string): Promise<Stack | undefined> {
  const found = await findStack(ctx, name);
  if (!found || !isInProgress(found.value.status)) return found?.value;
  await settle(ctx, found.value.uuid);
  ctx.signal.throwIfAborted();
  return (await findStack(ctx, name))?.value;
}
