import type * as CloudFormation from "@aws-sdk/client-cloudformation";
import type { Context } from "../../../aws/context.ts";
import { operations } from "../../../aws/service.ts";
import { STACK_SETS_PAGE } from "../limits.ts";
import { asAdministrator } from "../stack-sets/deploy.ts";
import { hasEnded, invalidOperation, noInstance, noOperation, type SetOperation } from "../stack-sets/model.ts";
import { pageFrom } from "../stack-sets/page.ts";
import { instanceSummary, instanceView, operationSummary, operationView } from "../stack-sets/shown.ts";
import { instanceFor, startSetOperation, targetsOf } from "../stack-sets/start.ts";
import { instancesOf, OPERATIONS, operationsOf, stackSetOf } from "../stack-sets/store.ts";
import { checkOverrides, onStackSet } from "./stack-sets.ts";

export const stackInstances = operations<typeof CloudFormation, any>()({
  CreateStackInstances: {
    permissions: onStackSet("CreateStackInstances"),
    run: (ctx, input) => deployInstances(ctx, "CREATE", input),
  },
  UpdateStackInstances: {
    permissions: onStackSet("UpdateStackInstances"),
    run: (ctx, input) => deployInstances(ctx, "UPDATE", input),
  },
  DeleteStackInstances: {
    permissions: onStackSet("DeleteStackInstances"),
    async run(ctx, input) {
      const { value: set } = await stackSetOf(ctx, String(input.StackSetName));
      const targets = targetsOf(input);
      const id = input.OperationId ?? ctx.platform.ids.uuid();
      const there = await instancesOf(ctx, set.id);
      const instances = there
        .filter((one) => targets.some((t) => t.account === one.account && t.region === one.region))
        .map((one) => ({ ...one, detailed: "PENDING" as const, lastOperation: id }));
      const OperationId = await startSetOperation(ctx, set, {
        action: "DELETE",
        targets,
        instances,
        id,
        preferences: input.OperationPreferences,
        retain: input.RetainStacks === true,
      });
      return { OperationId };
    },
  },
  DescribeStackInstance: {
    permissions: onStackSet("DescribeStackInstance"),
    async run(ctx, input) {
      const { value: set } = await stackSetOf(ctx, String(input.StackSetName));
      const { StackInstanceAccount: account, StackInstanceRegion: region } = input;
      const found = (await instancesOf(ctx, set.id)).find((one) => one.account === account && one.region === region);
      if (!found) throw noInstance(`${set.name}:${account}:${region}`);
      return { StackInstance: instanceView(ctx, set, found) };
    },
  },
  ListStackInstances: {
    permissions: onStackSet("ListStackInstances"),
    async run(ctx, input) {
      const { value: set } = await stackSetOf(ctx, String(input.StackSetName));
      const { StackInstanceAccount: account, StackInstanceRegion: region, Filters = [] } = input;
      const shown = (await instancesOf(ctx, set.id)).filter(
        (one) =>
          (account === undefined || one.account === account) &&
          (region === undefined || one.region === region) &&
          Filters.every(({ Name, Values = "" }) => {
            if (Name === "DETAILED_STATUS") return Values.split(",").includes(one.detailed);
            if (Name === "LAST_OPERATION_ID") return Values === one.lastOperation;
            return Values === "NOT_CHECKED";
          }),
      );
      const { page, next } = pageFrom(
        shown,
        (one) => `${one.account}/${one.region}`,
        input.NextToken,
        input.MaxResults ?? STACK_SETS_PAGE,
      );
      return { Summaries: page.map(instanceSummary), ...next };
    },
  },
  DescribeStackSetOperation: {
    permissions: onStackSet("DescribeStackSetOperation"),
    async run(ctx, input) {
      const { value: set } = await stackSetOf(ctx, String(input.StackSetName));
      const found = await ctx.records.get<SetOperation>(OPERATIONS, `${set.id}/${input.OperationId}`);
      if (!found) throw noOperation(input.OperationId);
      return { StackSetOperation: operationView(found.value) };
    },
  },
  ListStackSetOperations: {
    permissions: onStackSet("ListStackSetOperations"),
    async run(ctx, input) {
      const { value: set } = await stackSetOf(ctx, String(input.StackSetName));
      const all = await operationsOf(ctx, set.id);
      const { page, next } = pageFrom(all, (one) => one.id, input.NextToken, input.MaxResults ?? STACK_SETS_PAGE);
      return { Summaries: page.map(operationSummary), ...next };
    },
  },
  ListStackSetOperationResults: {
    permissions: onStackSet("ListStackSetOperationResults"),
    async run(ctx, input) {
      const { value: set } = await stackSetOf(ctx, String(input.StackSetName));
      const found = await ctx.records.get<SetOperation>(OPERATIONS, `${set.id}/${input.OperationId}`);
      if (!found) throw noOperation(input.OperationId);
      const wanted = (input.Filters ?? []).map((filter) => String(filter.Values));
      const all = found.value.results.filter((one) => wanted.length === 0 || wanted.includes(one.status));
      const { page, next } = pageFrom(
        all,
        (one) => `${one.account}/${one.region}`,
        input.NextToken,
        input.MaxResults ?? STACK_SETS_PAGE,
      );
      return {
        Summaries: page.map(({ account, region, status, reason }) => ({
          Account: account,
          Region: region,
          Status: status,
          ...(reason === undefined ? {} : { StatusReason: reason }),
          OrganizationalUnitId: "",
        })),
        ...next,
      };
    },
  },
  StopStackSetOperation: {
    permissions: onStackSet("StopStackSetOperation"),
    async run(ctx, input) {
      const { value: set } = await stackSetOf(ctx, String(input.StackSetName));
      const id = `${set.id}/${input.OperationId}`;
      const found = await ctx.records.get<SetOperation>(OPERATIONS, id);
      if (!found) throw noOperation(input.OperationId);
      if (hasEnded(found.value.status))
        throw invalidOperation(`Operation ${input.OperationId} cannot be stopped in its status ${found.value.status}`);
      await ctx.records.update<SetOperation>(OPERATIONS, id, (now) => stopped(now, ctx.now()));
      return {};
    },
  },
});

/** An operation that is asked to stop; one that has not begun is over at once. */
function stopped(operation: SetOperation, ended: number): SetOperation | undefined {
  if (hasEnded(operation.status)) return undefined;
  if (operation.status !== "QUEUED") return { ...operation, status: "STOPPING" };
  const results = operation.results.map((one) => ({ ...one, status: "CANCELLED" as const }));
  return { ...operation, status: "STOPPED", ended, results };
}

/** Creates or updates instances; an update is of instances that are there. */
async function deployInstances(
  ctx: Context,
  action: "CREATE" | "UPDATE",
  input: CloudFormation.CreateStackInstancesInput | CloudFormation.UpdateStackInstancesInput,
) {
  const { value: set } = await stackSetOf(ctx, String(input.StackSetName));
  const targets = targetsOf(input);
  checkOverrides(ctx, set, input.ParameterOverrides);
  await asAdministrator(ctx, set.administrationRole);
  const id = input.OperationId ?? ctx.platform.ids.uuid();
  const there = await instancesOf(ctx, set.id);
  const instances = targets.map((target) => {
    const before = there.find((one) => one.account === target.account && one.region === target.region);
    if (action === "UPDATE" && !before) throw noInstance(`${set.name}:${target.account}:${target.region}`);
    return instanceFor(ctx, set, target, before, input.ParameterOverrides, id);
  });
  const wanted = { action, targets, instances, id, preferences: input.OperationPreferences };
  return { OperationId: await startSetOperation(ctx, set, wanted) };
}
