import type * as CloudFormation from "@aws-sdk/client-cloudformation";
import type { Context } from "../../../aws/context.ts";
import type { OperationInput } from "../../../aws/sdk-types.ts";
import { operations } from "../../../aws/service.ts";
import { onStack } from "../access.ts";
import { obsoleted } from "../change-sets/forget.ts";
import { noStack, stackExists, validation } from "../errors.ts";
import { isInProgress, type OnFailure, type Operation, type Stack, type StackResource } from "../model.ts";
import { takeSignal } from "../resource-signals.ts";
import { settle } from "../settle.ts";
import { refuseNoUpdates } from "../difference.ts";
import {
  checkRole,
  checkUpdatable,
  newStack,
  prepareStack,
  startCreate,
  startDelete,
  startUpdate,
} from "../start-stack.ts";
import { checkStackPolicy } from "../stack-policy.ts";
import { existingStack, findStack } from "../store.ts";
import { readUrl } from "../template/source.ts";
import { cancel } from "../cancel.ts";
import { keptOf } from "../template/prepare.ts";

const MAX_POLICY_BYTES = 16_384;

export const stacks = operations<typeof CloudFormation, any>()({
  CreateStack: {
    permissions: onStack("CreateStack"),
    async run(ctx, input) {
      const name = checkedStackName(String(input.StackName));
      const found = await findStack(ctx, name);
      const there = found?.value;
      if (there && there.status !== "REVIEW_IN_PROGRESS") {
        if (input.ClientRequestToken && there.token === input.ClientRequestToken) return { StackId: there.arn };
        throw stackExists(name);
      }
      if (input.OnFailure !== undefined && input.DisableRollback !== undefined) {
        throw validation("Either DisableRollback or OnFailure can be specified, not both.");
      }
      const policy = await policyText(ctx, input.StackPolicyBody, input.StackPolicyURL);
      const stack: Stack = {
        ...(there ?? newStack(ctx, name)),
        terminationProtection: input.EnableTerminationProtection ?? false,
        ...(policy ? { policy } : {}),
      };
      const prepared = await prepareStack(ctx, stack, input, true).catch(keptOf);
      await checkRole(ctx, input.RoleARN);
      const onFailure: OnFailure = input.DisableRollback
        ? "DO_NOTHING"
        : ((input.OnFailure as OnFailure | undefined) ?? "ROLLBACK");
      const start = {
        roleArn: input.RoleARN,
        onFailure,
        timeoutMinutes: input.TimeoutInMinutes,
        token: input.ClientRequestToken,
        also: there && (await obsoleted(ctx, there)),
      };
      const started = await startCreate(ctx, stack, prepared, start, found?.rev);
      await settle(ctx, started.uuid);
      return { StackId: started.arn };
    },
  },
  UpdateStack: {
    permissions: onStack("UpdateStack"),
    async run(ctx, input) {
      const found = await existingStack(ctx, String(input.StackName), (name) =>
        validation(`Stack [${name}] does not exist`),
      );
      const stack = found.value;
      if (input.ClientRequestToken && stack.token === input.ClientRequestToken) return { StackId: stack.arn };
      checkUpdatable(stack);
      const { StackPolicyDuringUpdateBody, StackPolicyDuringUpdateURL } = input;
      const policyMeanwhile = await policyText(ctx, StackPolicyDuringUpdateBody, StackPolicyDuringUpdateURL);
      const policyAfter = await policyText(ctx, input.StackPolicyBody, input.StackPolicyURL);
      const prepared = await prepareStack(ctx, stack, input, true).catch(keptOf);
      if ("template" in prepared) await refuseNoUpdates(ctx, stack, prepared);
      await checkRole(ctx, input.RoleARN ?? stack.roleArn);
      const start = {
        roleArn: input.RoleARN,
        onFailure: input.DisableRollback ? ("DO_NOTHING" as const) : undefined,
        token: input.ClientRequestToken,
        policyMeanwhile,
        policyAfter,
        also: await obsoleted(ctx, stack),
      };
      await startUpdate(ctx, found, prepared, start);
      await settle(ctx, stack.uuid);
      return { StackId: stack.arn };
    },
  },
  DeleteStack: {
    permissions: onStack("DeleteStack"),
    async run(ctx, input) {
      const found = await findStack(ctx, String(input.StackName));
      if (!found || found.value.status === "DELETE_COMPLETE") return {};
      await deleteStack(ctx, found, input);
      await settle(ctx, found.value.uuid);
      return {};
    },
  },
  CancelUpdateStack: {
    permissions: onStack("CancelUpdateStack"),
    async run(ctx, input) {
      const { value: stack } = await existingStack(ctx, String(input.StackName));
      if (stack.status !== "UPDATE_IN_PROGRESS")
        throw validation("CancelUpdateStack cannot be called from current stack status");
      await cancel(ctx, stack, "rollback");
      return {};
    },
  },
  SignalResource: {
    permissions: onStack("SignalResource"),
    async run(ctx, input) {
      const { value: stack } = await existingStack(ctx, String(input.StackName), noStack);
      const logicalId = String(input.LogicalResourceId);
      const found = await ctx.records.get<StackResource>("resource", `${stack.uuid}/${logicalId}`);
      if (!found) throw validation(`Resource ${logicalId} does not exist for stack ${stack.name}`);
      const status = input.Status === "FAILURE" ? "FAILURE" : "SUCCESS";
      await takeSignal(ctx, stack, found.value, { status, uniqueId: String(input.UniqueId) });
      return {};
    },
  },
  UpdateTerminationProtection: {
    permissions: onStack("UpdateTerminationProtection"),
    async run(ctx, input) {
      const { value: stack } = await existingStack(ctx, String(input.StackName));
      if (stack.parent)
        throw validation(
          `Termination Protection cannot be changed for a nested stack [${stack.name}]. Change it for its root stack.`,
        );
      await ctx.records.update<Stack>("stack", stack.uuid, (s) => ({
        ...s,
        terminationProtection: input.EnableTerminationProtection === true,
      }));
      return { StackId: stack.arn };
    },
  },
  SetStackPolicy: {
    permissions: onStack("SetStackPolicy"),
    async run(ctx, input) {
      const { value: stack } = await existingStack(ctx, String(input.StackName));
      if (input.StackPolicyBody !== undefined && input.StackPolicyURL !== undefined)
        throw validation("You cannot specify both StackPolicyURL and StackPolicyBody");
      const policy = await policyText(ctx, input.StackPolicyBody, input.StackPolicyURL);
      if (policy === undefined) throw validation("Either StackPolicyBody or StackPolicyURL must be specified.");
      await ctx.records.update<Stack>("stack", stack.uuid, (s) => ({ ...s, policy }));
      return {};
    },
  },
  GetStackPolicy: {
    permissions: onStack("GetStackPolicy"),
    async run(ctx, input) {
      const { value: stack } = await existingStack(ctx, String(input.StackName));
      const operation = isInProgress(stack.status)
        ? (await ctx.records.get<Operation>("operation", stack.operation ?? ""))?.value
        : undefined;
      const policy = operation?.policyMeanwhile ?? stack.policy;
      return policy ? { StackPolicyBody: policy } : {};
    },
  },
});

async function policyText(
  ctx: Context<any>,
  body: string | undefined,
  url: string | undefined,
): Promise<string | undefined> {
  const text = body ?? (url === undefined ? undefined : await readUrl(ctx, url, MAX_POLICY_BYTES));
  if (text !== undefined) checkStackPolicy(text);
  return text;
}

const STACK_NAME = /^[a-zA-Z][-a-zA-Z0-9]*$/;

function checkedStackName(name: string): string {
  const broken = (rule: string): Error =>
    validation(`1 validation error detected: Value '${name}' at 'stackName' failed to satisfy constraint: ${rule}`);
  if (!STACK_NAME.test(name))
    throw broken("Member must satisfy regular expression pattern: [a-zA-Z][-a-zA-Z0-9]*|arn:[-a-zA-Z0-9:/._+]*");
  if (name.length > 128) throw broken("Member must have length less than or equal to 128");
  return name;
}

type DeleteInput = OperationInput<typeof CloudFormation, "DeleteStack">;

async function deleteStack(
  ctx: Context<any>,
  found: NonNullable<Awaited<ReturnType<typeof findStack>>>,
  input: DeleteInput,
): Promise<void> {
  const { value: stack } = found;
  if (stack.terminationProtection)
    throw validation(`Stack [${stack.name}] cannot be deleted while TerminationProtection is enabled`);
  if (stack.status === "DELETE_IN_PROGRESS") return;
  if (stack.status === "CREATE_IN_PROGRESS") return cancel(ctx, stack, "delete");
  if (isInProgress(stack.status))
    throw validation(`Stack [${stack.arn}] cannot be deleted while in status ${stack.status}`);
  const force = input.DeletionMode === "FORCE_DELETE_STACK";
  if ((input.RetainResources?.length || force) && stack.status !== "DELETE_FAILED") {
    const what = force ? "DeletionMode FORCE_DELETE_STACK" : "RetainResources";
    throw validation(
      `Invalid operation on stack [${stack.arn}]. ${what} can be used only for stacks in DELETE_FAILED state. Stack is in state [${stack.status}].`,
    );
  }
  if (input.RoleARN) await checkRole(ctx, input.RoleARN);
  await startDelete(ctx, found, {
    roleArn: input.RoleARN,
    token: input.ClientRequestToken,
    spare: input.RetainResources,
    force,
  });
}
