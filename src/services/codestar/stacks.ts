import type { Stack, StackResource } from "@aws-sdk/client-cloudformation";
import type { Context } from "../../aws/context.ts";
import { AwsError, codeOf } from "../../kernel/aws-error.ts";
import { PROJECT_TAG } from "../../kernel/project-tag.ts";
import { POLL_MS, STACK_LIMIT_MS } from "./limits.ts";
import { applicationStack, projectArn, toolchainStack } from "./model.ts";

const MAX_PAGES = 200;

/** CloudFormation says ValidationError of a stack that it does not have. */
const isMissing = (error: unknown): boolean =>
  (codeOf(error) === "ValidationError" && /does not exist/.test((error as AwsError).message)) ||
  codeOf(error) === "StackNotFoundException";

/** A stack by name or id, or undefined where there is none (or none any more). */
export async function findStack(ctx: Context<any>, StackName: string): Promise<Stack | undefined> {
  try {
    const { Stacks = [] } = await ctx.call("cloudformation", "DescribeStacks", { StackName });
    const [stack] = Stacks;
    return stack?.StackStatus === "DELETE_COMPLETE" ? undefined : stack;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/** The resources of a stack; none where there is no such stack. */
export async function resourcesOf(ctx: Context<any>, StackName: string): Promise<StackResource[]> {
  try {
    return (await ctx.call("cloudformation", "DescribeStackResources", { StackName })).StackResources ?? [];
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

/** Polls until nothing is under way in the stack, and answers it; undefined where it is gone. */
export async function settled(ctx: Context<any>, stackName: string): Promise<Stack | undefined> {
  const { clock } = ctx.platform;
  const end = clock.now() + STACK_LIMIT_MS;
  while (clock.now() < end) {
    const stack = await findStack(ctx, stackName);
    // A stack that has a change set and nothing else waits for that one to be executed.
    if (!stack || stack.StackStatus === "REVIEW_IN_PROGRESS" || !String(stack.StackStatus).endsWith("_IN_PROGRESS"))
      return stack;
    await clock.sleep(POLL_MS, ctx.signal);
  }
  throw new AwsError(
    "ProjectCreationFailedException",
    `The stack ${stackName} was still at work after ${STACK_LIMIT_MS / 60_000} minutes.`,
    400,
  );
}

/** Why a stack failed: the first resource that did, and what it said. */
export async function reasonOf(ctx: Context<any>, stackName: string): Promise<string> {
  const { StackEvents = [] } = await ctx.call("cloudformation", "DescribeStackEvents", { StackName: stackName });
  const failures = StackEvents.filter(
    (e) => String(e.ResourceStatus).endsWith("_FAILED") && !/cancelled/i.test(e.ResourceStatusReason ?? ""),
  ).reverse();
  const first = failures.find((e) => e.ResourceType !== "AWS::CloudFormation::Stack") ?? failures[0];
  if (!first) return `The stack ${stackName} was not made.`;
  return `${first.LogicalResourceId} (${first.ResourceType}): ${first.ResourceStatusReason ?? first.ResourceStatus}`;
}

/** Names of the stacks that a project's pipelines deployed: the usual one, and any that carries the project's tag. */
export async function applicationStacks(ctx: Context<any>, id: string): Promise<string[]> {
  const names = new Set<string>();
  const arn = projectArn(ctx, id);
  let NextToken: string | undefined;
  for (let pages = 0; pages < MAX_PAGES; pages++) {
    const answer = await ctx.call("cloudformation", "DescribeStacks", NextToken ? { NextToken } : {});
    for (const stack of answer.Stacks ?? []) {
      const isTagged = stack.Tags?.some((tag) => tag.Key === PROJECT_TAG && tag.Value === arn);
      const isDeleted = stack.StackStatus === "DELETE_COMPLETE";
      if (
        !isDeleted &&
        stack.StackName !== toolchainStack(id) &&
        (isTagged || stack.StackName === applicationStack(id))
      )
        names.add(String(stack.StackName));
    }
    NextToken = answer.NextToken;
    if (!NextToken) break;
  }
  return [...names];
}
