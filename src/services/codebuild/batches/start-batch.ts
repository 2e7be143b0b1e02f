import type { StartBuildBatchInput } from "@aws-sdk/client-codebuild";
import { AwsError, notImplemented } from "../../../kernel/aws-error.ts";
import { GuardFailed } from "../../../ports/database.ts";
import { batchArn, existingProject, invalidInput, projectName, type Ctx, type Json } from "../model.ts";
import { checkedSettings, type Settings } from "../project-settings.ts";
import { initiatorOf, projectOrderId, withOverrides, type StartInput } from "../start.ts";
import { BATCH_TIMEOUTS, batchSoon, existingBatch, type StoredBatch } from "./model.ts";

const MAX_TRIES = 50;
const MAX_LISTED = 10 ** 15;
const DEFAULT_MINUTES = 480;

type BatchInput = { readonly [K in keyof StartBuildBatchInput]?: Json<StartBuildBatchInput[K]> };

/** Puts a batch into the queue; a call with the token of a former one answers that one's batch. */
export async function startBatch(ctx: Ctx, input: BatchInput): Promise<StoredBatch> {
  const name = projectName(input.projectName);
  const token = input.idempotencyToken === undefined ? undefined : `batch ${name}:${input.idempotencyToken}`;
  const earlier = token === undefined ? undefined : await ctx.records.get<string>("token", token);
  if (earlier) return await existingBatch(ctx, earlier.value);
  const settings = await settingsOf(ctx, name, input);
  const id = `${name}:${ctx.platform.ids.uuid()}`;
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const counter = await ctx.records.get<number>("batch-counter", name);
    const number = (counter?.value ?? 0) + 1;
    const stored = newBatch(ctx, id, number, settings);
    try {
      await ctx.records.write(
        ctx.records.put("batch-counter", name, number, counter?.rev ?? 0),
        ctx.records.put("batch", id, stored, 0),
        ctx.records.put("batch-order", batchOrderId(stored), id),
        ctx.records.put("project-batch-order", projectOrderId(name, number), id),
        token === undefined ? [] : ctx.records.put("token", token, id, 0),
        batchSoon(ctx, id),
        ctx.enqueue(BATCH_TIMEOUTS, { id, attempt: 0 }, { delayMs: timeoutMs(settings) }),
      );
      return stored;
    } catch (error) {
      if (!(error instanceof GuardFailed)) throw error;
      const other = token === undefined ? undefined : await ctx.records.get<string>("token", token);
      if (other) return await existingBatch(ctx, other.value);
    }
  }
  throw new AwsError("InternalServiceError", `Batches of ${name} are started faster than they can be numbered`, 500);
}

export const batchOrderId = ({ batch }: StoredBatch): string => `${MAX_LISTED + batch.startTime}/${batch.id}`;

export const timeoutMs = ({ buildBatchConfig }: Settings): number =>
  (buildBatchConfig?.timeoutInMins ?? DEFAULT_MINUTES) * 60_000;

async function settingsOf(ctx: Ctx, name: string, input: BatchInput): Promise<Settings> {
  if (input.reportBuildBatchStatusOverride) throw notImplemented("reports of a batch's status to its source provider");
  const { buildTimeoutInMinutesOverride, buildBatchConfigOverride, ...overrides } = input;
  const project = await existingProject(ctx, name);
  const settings = checkedSettings({
    ...withOverrides(project, {
      ...overrides,
      ...(buildTimeoutInMinutesOverride === undefined
        ? {}
        : { timeoutInMinutesOverride: buildTimeoutInMinutesOverride }),
    } as StartInput),
    ...(buildBatchConfigOverride
      ? { buildBatchConfig: { ...project.buildBatchConfig, ...buildBatchConfigOverride } }
      : {}),
  });
  if (!settings.buildBatchConfig?.serviceRole)
    throw invalidInput(`Project ${name} has no batch configuration: buildBatchConfig.serviceRole is required`);
  return settings;
}

function newBatch(ctx: Ctx, id: string, buildBatchNumber: number, settings: Settings): StoredBatch {
  const now = ctx.now();
  const { source, environment, cache, serviceRole, artifacts } = settings;
  const { buildBatchConfig, encryptionKey, logsConfig, secondarySources, secondarySourceVersions } = settings;
  return {
    batch: {
      id,
      arn: batchArn(ctx, id),
      startTime: now,
      currentPhase: "SUBMITTED",
      buildBatchStatus: "IN_PROGRESS",
      ...(settings.sourceVersion ? { sourceVersion: settings.sourceVersion } : {}),
      projectName: id.slice(0, id.lastIndexOf(":")),
      phases: [{ phaseType: "SUBMITTED", startTime: now }],
      source: source!,
      secondarySources: secondarySources ?? [],
      secondarySourceVersions: secondarySourceVersions ?? [],
      artifacts: { location: artifacts?.location ?? "" },
      secondaryArtifacts: [],
      cache: cache!,
      environment: environment!,
      serviceRole: serviceRole!,
      ...(logsConfig ? { logConfig: logsConfig } : {}),
      buildTimeoutInMinutes: settings.timeoutInMinutes!,
      queuedTimeoutInMinutes: settings.queuedTimeoutInMinutes!,
      complete: false,
      initiator: initiatorOf(ctx.principal),
      encryptionKey: encryptionKey!,
      buildBatchNumber,
      buildBatchConfig: { timeoutInMins: DEFAULT_MINUTES, ...buildBatchConfig },
    },
    settings,
    builds: {},
    current: {},
    attempt: 0,
  };
}
