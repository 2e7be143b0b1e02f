import type { StartBuildBatchInput } from "@aws-sdk/client-codebuild";
import { notImplemented } from "../../../kernel/aws-error.ts";
import { batchArn, existingProject, invalidInput, projectName, type Ctx, type Json } from "../model.ts";
import { startedBefore, startNumbered, type Numbered } from "../numbered.ts";
import { checkedSettings, type Settings } from "../project-settings.ts";
import { initiatorOf, withOverrides, type StartInput } from "../start.ts";
import { BATCH_TIMEOUTS, batchSoon, existingBatch, type StoredBatch } from "./model.ts";

export const BATCH: Numbered<StoredBatch> = {
  kind: "batch",
  counter: "batch-counter",
  order: "batch-order",
  projectOrder: "project-batch-order",
  name: "Batches",
  existing: existingBatch,
};

const DEFAULT_MINUTES = 480;

type BatchInput = { readonly [K in keyof StartBuildBatchInput]?: Json<StartBuildBatchInput[K]> };

/** Puts a batch into the queue; a call with the token of a former one answers that one's batch. */
export async function startBatch(ctx: Ctx, input: BatchInput): Promise<StoredBatch> {
  const name = projectName(input.projectName);
  const token = input.idempotencyToken === undefined ? undefined : `batch ${name}:${input.idempotencyToken}`;
  const earlier = await startedBefore(ctx, BATCH, token);
  if (earlier) return earlier;
  const settings = await settingsOf(ctx, name, input);
  return await startNumbered(ctx, BATCH, name, token, (id, number) => {
    const stored = newBatch(ctx, id, number, settings);
    return {
      started: stored.batch,
      stored,
      also: [
        ...batchSoon(ctx, id),
        ...ctx.enqueue(BATCH_TIMEOUTS, { id, attempt: 0 }, { delayMs: timeoutMs(settings) }),
      ],
    };
  });
}

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
