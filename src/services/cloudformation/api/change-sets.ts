import type * as CloudFormation from "@aws-sdk/client-cloudformation";
import type { Stored } from "../../../aws/records.ts";
import { operations, type Permission } from "../../../aws/service.ts";
import { AwsError } from "../../../kernel/aws-error.ts";
import { onStack } from "../access.ts";
import { changeSetOf } from "../change-sets/store.ts";
import { createChangeSet, type CreateInput } from "../change-sets/create.ts";
import { execute } from "../change-sets/execute.ts";
import { forgotten } from "../change-sets/forget.ts";
import { changeView, headOf, settingsOf, type KeptChange } from "../change-sets/shown.ts";
import { invalidChangeSet, noStack } from "../errors.ts";
import type { ChangeSet, Stack } from "../model.ts";
import { masker } from "../masker.ts";
import { settle } from "../settle.ts";
import { existingStack, unseal } from "../store.ts";

const PAGE = 100;

export const changeSets = operations<typeof CloudFormation, any>()({
  CreateChangeSet: {
    permissions: async (input, ctx) => [...(await onStack("CreateChangeSet")(input, ctx)), ...importTypes(input)],
    run: (ctx, input) => createChangeSet(ctx, input),
  },
  DescribeChangeSet: {
    permissions: onStack("DescribeChangeSet"),
    async run(ctx, input) {
      const { value: set } = await changeSetOf(ctx, input.StackName, String(input.ChangeSetName));
      const stack = (await ctx.records.get<Stack>("stack", set.stack))!.value;
      const all = unseal<KeptChange[]>(ctx, set.changes);
      const from = Number(input.NextToken ?? 0) || 0;
      const page = all.slice(from, from + PAGE);
      const mask = input.IncludePropertyValues ? masker(ctx, [set.revision, stack.revision]) : undefined;
      return {
        ...headOf(set, stack),
        ...settingsOf(ctx, set),
        Changes: page.map((c) => ({
          Type: "Resource" as const,
          ResourceChange: changeView(c, mask),
        })),
        ...(all.length > from + PAGE ? { NextToken: String(from + PAGE) } : {}),
      };
    },
  },
  ListChangeSets: {
    permissions: onStack("ListChangeSets"),
    async run(ctx, input) {
      const { value: stack } = await existingStack(ctx, String(input.StackName), noStack);
      const rows = await ctx.records.list<ChangeSet>("change-set", { prefix: `${stack.uuid}/` });
      return { Summaries: rows.map(({ value }) => headOf(value, stack)) };
    },
  },
  DeleteChangeSet: {
    permissions: onStack("DeleteChangeSet"),
    async run(ctx, input) {
      let found: Stored<ChangeSet>;
      try {
        found = await changeSetOf(ctx, input.StackName, String(input.ChangeSetName));
      } catch (error) {
        if (
          error instanceof AwsError &&
          error.code === "ChangeSetNotFound" &&
          !String(input.ChangeSetName).startsWith("arn:")
        )
          return {};
        throw error;
      }
      const { value: set } = found;
      if (set.executionStatus === "EXECUTE_IN_PROGRESS")
        throw invalidChangeSet(
          `ChangeSet [${set.arn}] cannot be deleted in its current execution status of [EXECUTE_IN_PROGRESS]`,
        );
      if (set.parentId !== undefined)
        throw invalidChangeSet(
          `ChangeSet [${set.arn}] belongs to a nested stack: delete its root change set [${set.rootId}]`,
        );
      await ctx.records.write(await forgotten(ctx, found));
      return {};
    },
  },
  ExecuteChangeSet: {
    permissions: onStack("ExecuteChangeSet"),
    async run(ctx, input) {
      const found = await changeSetOf(ctx, input.StackName, String(input.ChangeSetName));
      const uuid = await execute(ctx, found, input);
      await settle(ctx, uuid);
      return {};
    },
  },
  DescribeChangeSetHooks: {
    permissions: onStack("DescribeChangeSetHooks"),
    // Hooks are registered with extensions, of which there are none here.
    async run(ctx, input) {
      const { value: set } = await changeSetOf(ctx, input.StackName, String(input.ChangeSetName));
      const stack = (await ctx.records.get<Stack>("stack", set.stack))!.value;
      return {
        ChangeSetId: set.arn,
        ChangeSetName: set.name,
        Hooks: [],
        Status: "PLANNED" as const,
        StackId: stack.arn,
        StackName: stack.name,
      };
    },
  },
});

const importTypes = (input: CreateInput): Permission[] => {
  const types = (input.ResourcesToImport ?? []).map((r) => String(r.ResourceType));
  if (types.length === 0) return [];
  return [
    {
      action: "cloudformation:CreateChangeSet",
      resource: "*",
      conditions: { "cloudformation:ImportResourceTypes": types },
    },
  ];
};
