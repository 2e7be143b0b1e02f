import type { BuildBatch, BuildBatchPhase } from "@aws-sdk/client-codebuild";
import type { BatchSpec } from "../../../engines/buildspec/index.ts";
import type { Statement } from "../../../ports/database.ts";
import { noResource, view, type BuildView, type Ctx, type Json, type StoredBuild } from "../model.ts";
import type { Settings } from "../project-settings.ts";
import { endedPhase } from "../phase.ts";

export const BATCHES = "codebuild-batches";
export const BATCH_TIMEOUTS = "codebuild-batch-timeouts";

type BatchPhase = Json<BuildBatchPhase>;
type Status = NonNullable<BuildBatch["buildBatchStatus"]>;

/** A batch as the API shows it, without the builds, which are looked up. */
export type BatchView = Omit<Json<BuildBatch>, "buildGroups"> & {
  readonly id: string;
  readonly projectName: string;
  readonly startTime: number;
  readonly buildBatchStatus: Status;
  readonly phases: readonly BatchPhase[];
};

export interface StoredBatch {
  readonly batch: BatchView;
  readonly settings: Settings;
  /** Known when the buildspec has been read. */
  readonly spec?: BatchSpec;
  /** Ids of builds by their name in the batch, the latest last. */
  readonly builds: Readonly<Record<string, readonly string[]>>;
  /** Ids of the builds that count, by their name in the batch: a retry takes those away that it runs again. */
  readonly current: Readonly<Record<string, string>>;
  /** How often it was retried: tokens of its builds differ by this. */
  readonly attempt: number;
  readonly stopRequested?: "STOPPED" | "TIMED_OUT";
}

export async function existingBatch(ctx: Ctx, id: string): Promise<StoredBatch> {
  const stored = await ctx.records.get<StoredBatch>("batch", id);
  if (!stored) throw noResource(`Build batch ${id} could not be found`);
  return stored.value;
}

/** A message that lets a batch go on; a batch's messages are worked off one after the other. */
export const batchSoon = (ctx: Ctx, id: string): Statement[] =>
  ctx.enqueue(BATCHES, { id }, { group: `${ctx.account}/${ctx.region}/${id}` });

/** Lets the batch of a build that has ended go on; to be written with the end. */
export const batchOfBuildSoon = (ctx: Ctx, { buildBatchArn }: BuildView): Statement[] =>
  buildBatchArn === undefined ? [] : batchSoon(ctx, buildBatchArn.slice(buildBatchArn.indexOf("/") + 1));

/** A batch whose last phase has ended and whose next has begun. */
export function enterPhase(
  batch: BatchView,
  phaseType: NonNullable<BatchPhase["phaseType"]>,
  now: number,
  ended: { status: Status; context?: { statusCode: string; message: string } },
): BatchView {
  const last = batch.phases.at(-1);
  if (last?.phaseType === phaseType) return batch; // it was interrupted in this phase
  const before = last ? [...batch.phases.slice(0, -1), endedPhase(last, now, ended.status, ended.context)] : [];
  return { ...batch, phases: [...before, { phaseType, startTime: now }], currentPhase: phaseType };
}

/** A batch that is over. */
export function endBatch(
  batch: BatchView,
  status: Exclude<Status, "IN_PROGRESS">,
  now: number,
  context?: { statusCode: string; message: string },
): BatchView {
  const type = status === "SUCCEEDED" || status === "STOPPED" ? status : "FAILED";
  return {
    ...enterPhase(batch, type, now, { status, ...(context ? { context } : {}) }),
    buildBatchStatus: status,
    complete: true,
    endTime: now,
  };
}

/** The builds of a batch by their names in it: the latest, and those before it. */
async function buildsOf(ctx: Ctx, { builds }: StoredBatch): Promise<Map<string, StoredBuild[]>> {
  const found = new Map<string, StoredBuild[]>();
  for (const [identifier, ids] of Object.entries(builds)) {
    const all = await Promise.all(ids.map((id) => ctx.records.get<StoredBuild>("build", id)));
    found.set(
      identifier,
      all.flatMap((one) => (one ? [one.value] : [])),
    );
  }
  return found;
}

export async function shownBatch(ctx: Ctx, stored: StoredBatch): Promise<BuildBatch> {
  const builds = await buildsOf(ctx, stored);
  const buildGroups = (stored.spec?.tasks ?? []).map(({ identifier, dependsOn, ignoreFailure }) => {
    const summaries = (builds.get(identifier) ?? []).map(({ build }) => summaryOf(build));
    return {
      identifier,
      dependsOn,
      ignoreFailure,
      ...(summaries.length
        ? { currentBuildSummary: summaries.at(-1), priorBuildSummaryList: summaries.slice(0, -1) }
        : {}),
    };
  });
  const reportArns = [...builds.values()].flatMap((all) => all.at(-1)?.build.reportArns ?? []);
  return view<BuildBatch>({ ...stored.batch, buildGroups, reportArns });
}

const summaryOf = ({ arn, startTime, buildStatus, artifacts, secondaryArtifacts }: BuildView) => ({
  arn,
  requestedOn: startTime,
  buildStatus,
  primaryArtifact: artifacts?.location ? { type: "S3", location: artifacts.location } : { type: "NO_ARTIFACTS" },
  secondaryArtifacts: (secondaryArtifacts ?? []).map(({ location, artifactIdentifier }) => ({
    type: "S3",
    location,
    identifier: artifactIdentifier,
  })),
});
