import type { StackResourceDrift } from "@aws-sdk/client-cloudformation";
import type { Context } from "../../../aws/context.ts";
import type { Principal } from "../../../aws/principal.ts";
import type { QueueWorker } from "../../../aws/service.ts";
import type { JsonObject } from "../../../engines/yaml/index.ts";
import { AwsError, messageOf } from "../../../kernel/aws-error.ts";
import type { Stack, StackResource } from "../model.ts";
import { resourcesOf, seal, unseal } from "../store.ts";
import { differences, withReferences } from "./compare.ts";
import { masker } from "../masker.ts";
import { readerOf } from "./readers.ts";

export const DRIFTS = "cloudformation-drift";

/** One look at a stack, as DescribeStackDriftDetectionStatus shows it. */
export interface Detection {
  readonly id: string;
  readonly stack: string;
  readonly stackArn: string;
  readonly started: number;
  readonly principal: Principal;
  /** All resources where it is empty. */
  readonly only: readonly string[];
  readonly status: "DETECTION_IN_PROGRESS" | "DETECTION_COMPLETE" | "DETECTION_FAILED";
  readonly reason?: string;
  readonly drift?: "DRIFTED" | "IN_SYNC" | "UNKNOWN";
  readonly drifted?: number;
}

/** What was found of one resource. */
export type ResourceDrift = Omit<StackResourceDrift, "Timestamp"> & { readonly at: number };

/** A {@link ResourceDrift} as it is stored: sealed, as all properties of resources are. */
export interface StoredDrift {
  readonly status: string;
  readonly at: number;
  readonly drift: string;
}

/** Detections that failed by a fault of ours are tried again this often. */
const MAX_ATTEMPTS = 3;

/** Looks at the resources of stacks, as who asked for it. */
export const driftDetector: QueueWorker<any> = {
  topic: DRIFTS,
  concurrency: 4,
  leaseMs: 60_000,
  maxAttempts: MAX_ATTEMPTS + 1,
  async run(ctx, body, attempt) {
    const { id } = body as { id: string };
    const detection = (await ctx.records.get<Detection>("drift-detection", id))?.value;
    const stack = detection && (await ctx.records.get<Stack>("stack", detection.stack))?.value;
    if (!detection || !stack || detection.status !== "DETECTION_IN_PROGRESS") return;
    try {
      await detect(ctx.as(detection.principal), stack, detection);
    } catch (error) {
      if (ctx.signal.aborted || attempt < MAX_ATTEMPTS) throw error;
      await finish(ctx, { ...detection, status: "DETECTION_FAILED", reason: messageOf(error) });
    }
  },
};

async function detect(ctx: Context<any>, stack: Stack, detection: Detection): Promise<void> {
  const resources = (await resourcesOf(ctx, stack.uuid)).filter(
    (one) => one.state && (detection.only.length === 0 || detection.only.includes(one.logicalId)),
  );
  const problems: string[] = [];
  let drifted = 0;
  for (const resource of resources) {
    if (!readerOf(resource.type)) continue;
    try {
      const drift = await checkResource(ctx, stack, resource);
      if (drift.StackResourceDriftStatus !== "IN_SYNC") drifted++;
    } catch (error) {
      if (!(error instanceof AwsError)) throw error;
      problems.push(`${resource.logicalId}: ${error.message}`);
    }
  }
  await finish(ctx, {
    ...detection,
    status: problems.length ? "DETECTION_FAILED" : "DETECTION_COMPLETE",
    ...(problems.length
      ? { reason: `Failed to detect drift on resources ${problems.join("; ")}`.slice(0, 2_000) }
      : {}),
    drift: drifted ? "DRIFTED" : problems.length ? "UNKNOWN" : "IN_SYNC",
    drifted,
  });
}

async function finish(ctx: Context<any>, detection: Detection): Promise<void> {
  await ctx.records.write(
    ctx.records.put("drift-detection", detection.id, detection),
    ctx.records.put("drift", detection.stack, detection),
  );
}

/** Compares one resource with what its template says, and notes what was found. */
export async function checkResource(ctx: Context<any>, stack: Stack, resource: StackResource): Promise<ResourceDrift> {
  const state = resource.state!;
  const expected = unseal<JsonObject>(ctx, state.properties);
  const found = await liveOf(ctx, resource.type, state.physicalId, expected);
  const actual = found && withoutStackTags(found, expected, stack);
  const hide = masker(ctx, [stack.revision]);
  const compared = Object.fromEntries(
    Object.entries(expected).filter(([name]) => actual === undefined || Object.hasOwn(actual, name)),
  );
  const differing = actual ? differences(expected, actual) : [];
  const live = Object.fromEntries(
    Object.entries(actual ?? {})
      .filter(([name]) => Object.hasOwn(expected, name))
      .map(([name, value]) => [name, withReferences(expected[name], value)]),
  );
  const drift: ResourceDrift = {
    StackId: stack.arn,
    LogicalResourceId: resource.logicalId,
    PhysicalResourceId: state.physicalId,
    ResourceType: resource.type,
    ExpectedProperties: hide(JSON.stringify(compared)),
    ...(actual ? { ActualProperties: hide(JSON.stringify(live)) } : {}),
    PropertyDifferences: differing.map((one) => ({
      ...one,
      ExpectedValue: hide(one.ExpectedValue ?? ""),
      ActualValue: hide(one.ActualValue ?? ""),
    })),
    StackResourceDriftStatus: actual === undefined ? "DELETED" : differing.length ? "MODIFIED" : "IN_SYNC",
    at: ctx.now(),
  };
  const stored: StoredDrift = { status: String(drift.StackResourceDriftStatus), at: drift.at, drift: seal(ctx, drift) };
  await ctx.records.write(ctx.records.put("resource-drift", `${stack.uuid}/${resource.logicalId}`, stored));
  return drift;
}

/** Whether resources of a type can be read: checked for drift, and taken into stacks. */
export const isSupported = (type: string): boolean => readerOf(type) !== undefined;

/** Whether a resource exists. */
export const isThere = async (ctx: Context<any>, type: string, physicalId: string): Promise<boolean> =>
  (await liveOf(ctx, type, physicalId, {})) !== undefined;

/** The properties of a resource now; `undefined` where it is gone. */
async function liveOf(
  ctx: Context<any>,
  type: string,
  physicalId: string,
  expected: JsonObject,
): Promise<Record<string, unknown> | undefined> {
  try {
    return (await readerOf(type)!(ctx, physicalId, expected)) as Record<string, unknown>;
  } catch (error) {
    if (error instanceof AwsError && /NotFound|NoSuch|NonExistent|DoesNotExist/.test(error.code)) return undefined;
    throw error;
  }
}

/** The stack's tags came to the resource with the stack: they are no change of what its template says. */
function withoutStackTags(
  actual: Record<string, unknown>,
  expected: JsonObject,
  stack: Stack,
): Record<string, unknown> {
  const tags = actual["Tags"] as { readonly Key: string; readonly Value: string }[] | undefined;
  if (!Array.isArray(tags)) return actual;
  const own = JSON.stringify(expected["Tags"] ?? []);
  const isInherited = (tag: { readonly Key: string; readonly Value: string }): boolean =>
    (stack.revision?.tags ?? []).some(
      ({ Key, Value }) => Key === tag.Key && Value === tag.Value && !own.includes(`"Key":${JSON.stringify(Key)}`),
    );
  return { ...actual, Tags: tags.filter((tag) => !isInherited(tag)) };
}
