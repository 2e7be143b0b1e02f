import type * as CloudFormation from "@aws-sdk/client-cloudformation";
import type { Context } from "../../../aws/context.ts";
import { operations } from "../../../aws/service.ts";
import { onStack } from "../access.ts";
import { checkResource, DRIFTS, type Detection, type ResourceDrift, type StoredDrift } from "../drift/detect.ts";
import { readerOf } from "../drift/readers.ts";
import { validation } from "../errors.ts";
import type { Stack, StackResource } from "../model.ts";
import { existingStack, unseal } from "../store.ts";

const PAGE = 100;
const MAY_BE_LOOKED_AT = new Set([
  "CREATE_COMPLETE",
  "UPDATE_COMPLETE",
  "UPDATE_ROLLBACK_COMPLETE",
  "UPDATE_ROLLBACK_FAILED",
  "IMPORT_COMPLETE",
  "IMPORT_ROLLBACK_COMPLETE",
]);

export const driftOperations = operations<typeof CloudFormation, any>()({
  DetectStackDrift: {
    permissions: onStack("DetectStackDrift"),
    async run(ctx, input) {
      const stack = await stackToLookAt(ctx, input.StackName);
      const only = (input.LogicalResourceIds ?? []).map(String);
      for (const logicalId of only) await resourceOf(ctx, stack, logicalId);
      const latest = (await ctx.records.get<Detection>("drift", stack.uuid))?.value;
      if (latest?.status === "DETECTION_IN_PROGRESS")
        throw validation(`Drift detection is already in progress for stack [ ${stack.arn} ]`);
      const detection: Detection = {
        id: ctx.platform.ids.uuid(),
        stack: stack.uuid,
        stackArn: stack.arn,
        started: ctx.now(),
        principal: ctx.principal,
        only,
        status: "DETECTION_IN_PROGRESS",
      };
      await ctx.records.write(
        ctx.records.put("drift-detection", detection.id, detection),
        ctx.records.put("drift", stack.uuid, detection),
        latest ? ctx.records.remove("drift-detection", latest.id) : [],
        ctx.enqueue(DRIFTS, { id: detection.id }),
      );
      return { StackDriftDetectionId: detection.id };
    },
  },
  DescribeStackDriftDetectionStatus: {
    permissions: async (input, ctx) => {
      const found = await ctx.records.get<Detection>("drift-detection", String(input.StackDriftDetectionId));
      return onStack("DescribeStackDriftDetectionStatus")(found ? { StackName: found.value.stackArn } : {}, ctx);
    },
    async run(ctx, input) {
      const found = await ctx.records.get<Detection>("drift-detection", String(input.StackDriftDetectionId));
      if (!found) throw validation(`Drift detection with id ${input.StackDriftDetectionId} does not exist`);
      const { id, stackArn, status, reason, drift, drifted, started } = found.value;
      return {
        StackId: stackArn,
        StackDriftDetectionId: id,
        DetectionStatus: status,
        ...(reason ? { DetectionStatusReason: reason } : {}),
        ...(drift ? { StackDriftStatus: drift, DriftedStackResourceCount: drifted ?? 0 } : {}),
        Timestamp: new Date(started),
      };
    },
  },
  DetectStackResourceDrift: {
    permissions: onStack("DetectStackResourceDrift"),
    async run(ctx, input) {
      const stack = await stackToLookAt(ctx, input.StackName);
      const resource = await resourceOf(ctx, stack, String(input.LogicalResourceId));
      if (!resource.state || !readerOf(resource.type))
        throw validation(`Drift detection is not supported for the resource type ${resource.type}`);
      return { StackResourceDrift: shown(await checkResource(ctx, stack, resource)) };
    },
  },
  DescribeStackResourceDrifts: {
    permissions: onStack("DescribeStackResourceDrifts"),
    async run(ctx, input) {
      const { value: stack } = await existingStack(ctx, String(input.StackName));
      const wanted = new Set<string>(input.StackResourceDriftStatusFilters ?? []);
      const prefix = `${stack.uuid}/`;
      const after = input.NextToken === undefined ? {} : { after: `${prefix}${input.NextToken}` };
      const all = (await ctx.records.list<StoredDrift>("resource-drift", { prefix, ...after })).filter(
        ({ value }) => wanted.size === 0 || wanted.has(value.status),
      );
      const page = all.slice(0, Math.min(input.MaxResults ?? PAGE, PAGE));
      return {
        StackResourceDrifts: page.map(({ value }) => shown(unseal<ResourceDrift>(ctx, value.drift))),
        ...(all.length > page.length ? { NextToken: page.at(-1)!.id.slice(prefix.length) } : {}),
      };
    },
  },
});

const shown = ({ at, ...drift }: ResourceDrift): CloudFormation.StackResourceDrift => ({
  ...drift,
  Timestamp: new Date(at),
});

async function stackToLookAt(ctx: Context<any>, name: string | undefined): Promise<Stack> {
  const { value: stack } = await existingStack(ctx, String(name));
  if (!MAY_BE_LOOKED_AT.has(stack.status))
    throw validation(`Drift detection cannot be performed on stack [ ${stack.arn} ] in state ${stack.status}`);
  return stack;
}

async function resourceOf(ctx: Context<any>, stack: Stack, logicalId: string): Promise<StackResource> {
  const found = await ctx.records.get<StackResource>("resource", `${stack.uuid}/${logicalId}`);
  if (!found) throw validation(`Resource ${logicalId} does not exist for stack ${stack.name}`);
  return found.value;
}
