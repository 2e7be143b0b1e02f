import type * as CloudFormation from "@aws-sdk/client-cloudformation";
import type { Context } from "../../../aws/context.ts";
import { operations } from "../../../aws/service.ts";
import { onAll, onStack } from "../access.ts";
import { driftOfResource, driftsOfResources, driftsOfStacks } from "../drift/shown.ts";
import { noStack, validation } from "../errors.ts";
import { EVENTS_PAGE, EXPORTS_PAGE, RESOURCES_PAGE, STACK_OUTPUTS, STACKS } from "../limits.ts";
import type { Export, Stack, StackEvent, StackResource } from "../model.ts";
import { existingStack, resourcesOf } from "../store.ts";
import { eventView, resourceView, stackView, summaryView } from "../views.ts";

const STACKS_PAGE = 100;
const ACCOUNT_LIMITS = [
  { Name: "StackLimit", Value: STACKS },
  { Name: "StackOutputsLimit", Value: STACK_OUTPUTS },
];

export const describe = operations<typeof CloudFormation, any>()({
  DescribeStacks: {
    permissions: onStack("DescribeStacks"),
    async run(ctx, input) {
      if (input.StackName) {
        const { value: stack } = await existingStack(ctx, input.StackName);
        return { Stacks: [stackView(ctx, stack, (await driftsOfStacks(ctx, [stack])).get(stack.uuid))] };
      }
      const { page, next } = await pageOfStacks(ctx, input.NextToken, (s) => s.status !== "DELETE_COMPLETE");
      const drifts = await driftsOfStacks(ctx, page);
      return { Stacks: page.map((s) => stackView(ctx, s, drifts.get(s.uuid))), ...next };
    },
  },
  ListStacks: {
    permissions: (_input, ctx) => onStack("ListStacks")({}, ctx),
    async run(ctx, input) {
      const wanted = new Set<string>(input.StackStatusFilter ?? []);
      const { page, next } = await pageOfStacks(ctx, input.NextToken, (s) => wanted.size === 0 || wanted.has(s.status));
      const drifts = await driftsOfStacks(ctx, page);
      return { StackSummaries: page.map((s) => summaryView(s, drifts.get(s.uuid))), ...next };
    },
  },
  DescribeStackEvents: {
    permissions: onStack("DescribeStackEvents"),
    async run(ctx, input) {
      const { value: stack } = await existingStack(ctx, String(input.StackName), noStack);
      const prefix = `${stack.uuid}/`;
      const after = input.NextToken === undefined ? {} : { after: `${prefix}${input.NextToken}` };
      const events = await ctx.records.list<StackEvent>("event", {
        prefix,
        reverse: true,
        limit: EVENTS_PAGE + 1,
        ...after,
      });
      const page = events.slice(0, EVENTS_PAGE);
      return {
        StackEvents: page.map((e) => eventView(ctx, stack, e.value)),
        ...(events.length > EVENTS_PAGE ? { NextToken: page.at(-1)!.id.slice(prefix.length) } : {}),
      };
    },
  },
  DescribeStackResource: {
    permissions: onStack("DescribeStackResource"),
    async run(ctx, input) {
      const { value: stack } = await existingStack(ctx, String(input.StackName), (name) =>
        validation(`Stack '${name}' does not exist`),
      );
      const found = await ctx.records.get<StackResource>("resource", `${stack.uuid}/${input.LogicalResourceId}`);
      if (!found) throw validation(`Resource ${input.LogicalResourceId} does not exist for stack ${input.StackName}`);
      const resource = found.value;
      const metadata = resource.state?.metadata;
      const drift = await driftOfResource(ctx, stack, resource.logicalId);
      return {
        StackResourceDetail: {
          StackName: stack.name,
          StackId: stack.arn,
          ...resourceView(resource, drift),
          LastUpdatedTimestamp: new Date(resource.updated),
          Metadata: JSON.stringify(metadata ?? {}),
        },
      };
    },
  },
  DescribeStackResources: {
    permissions: onStack("DescribeStackResources"),
    async run(ctx, input) {
      const stack = input.StackName
        ? (await existingStack(ctx, input.StackName)).value
        : await stackOfResource(ctx, input.PhysicalResourceId);
      const all = await resourcesOf(ctx, stack.uuid);
      const wanted = all.filter((r) => !input.LogicalResourceId || r.logicalId === input.LogicalResourceId);
      if (input.LogicalResourceId && wanted.length === 0)
        throw validation(
          `Resource ${input.LogicalResourceId} does not exist for stack ${input.StackName ?? stack.name}`,
        );
      const drifts = await driftsOfResources(ctx, stack);
      return {
        StackResources: wanted.slice(0, RESOURCES_PAGE).map((r) => ({
          StackName: stack.name,
          StackId: stack.arn,
          ...resourceView(r, drifts.get(r.logicalId)),
          Timestamp: new Date(r.updated),
        })),
      };
    },
  },
  ListStackResources: {
    permissions: onStack("ListStackResources"),
    async run(ctx, input) {
      const { value: stack } = await existingStack(ctx, String(input.StackName));
      const prefix = `${stack.uuid}/`;
      const after = input.NextToken === undefined ? {} : { after: `${prefix}${input.NextToken}` };
      const rows = await ctx.records.list<StackResource>("resource", { prefix, limit: RESOURCES_PAGE + 1, ...after });
      const page = rows.slice(0, RESOURCES_PAGE);
      const drifts = await driftsOfResources(ctx, stack);
      return {
        StackResourceSummaries: page.map((r) => ({
          ...resourceView(r.value, drifts.get(r.value.logicalId)),
          LastUpdatedTimestamp: new Date(r.value.updated),
        })),
        ...(rows.length > RESOURCES_PAGE ? { NextToken: page.at(-1)!.id.slice(prefix.length) } : {}),
      };
    },
  },
  DescribeAccountLimits: {
    permissions: onAll("DescribeAccountLimits"),
    run: () => Promise.resolve({ AccountLimits: ACCOUNT_LIMITS.map((limit) => ({ ...limit })) }),
  },
  ListExports: {
    permissions: onAll("ListExports"),
    async run(ctx, input) {
      const rows = await ctx.records.list<Export>("export", {
        limit: EXPORTS_PAGE + 1,
        ...(input.NextToken ? { after: input.NextToken } : {}),
      });
      const page = rows.slice(0, EXPORTS_PAGE);
      return {
        Exports: page.map(({ value }) => ({ ExportingStackId: value.stackArn, Name: value.name, Value: value.value })),
        ...(rows.length > EXPORTS_PAGE ? { NextToken: page.at(-1)!.id } : {}),
      };
    },
  },
  ListImports: {
    permissions: onAll("ListImports"),
    async run(ctx, input) {
      const prefix = `${input.ExportName}\n`;
      const rows = await ctx.records.list<{ name: string }>("import", { prefix });
      if (rows.length === 0) throw validation(`Export '${input.ExportName}' is not imported by any stack.`);
      return { Imports: rows.map((r) => r.value.name) };
    },
  },
});

/** The newest stacks first. */
async function pageOfStacks(ctx: Context<any>, token: string | undefined, shown: (stack: Stack) => boolean) {
  const all = (await ctx.records.list<Stack>("stack")).map((s) => s.value).filter(shown);
  all.sort((a, b) => b.created - a.created || (a.uuid < b.uuid ? -1 : 1));
  const from = token === undefined ? 0 : all.findIndex((s) => s.uuid === token) + 1;
  const page = all.slice(from, from + STACKS_PAGE);
  return { page, next: all.length > from + STACKS_PAGE ? { NextToken: page.at(-1)!.uuid } : {} };
}

async function stackOfResource(ctx: Context<any>, physicalId: string | undefined): Promise<Stack> {
  if (!physicalId) throw validation("Either StackName or PhysicalResourceId must be specified.");
  const rows = await ctx.records.list<StackResource>("resource");
  const found = rows.find((r) => r.value.physicalId === physicalId && r.value.status !== "DELETE_COMPLETE");
  if (!found) throw validation(`Stack for ${physicalId} does not exist`);
  return (await ctx.records.get<Stack>("stack", found.id.split("/")[0]!))!.value;
}
