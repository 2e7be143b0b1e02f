import type * as CodeBuild from "@aws-sdk/client-codebuild";
import { operations, type Permission } from "../../../aws/service.ts";
import {
  BATCH_TIMEOUTS,
  batchSoon,
  enterPhase,
  existingBatch,
  shownBatch,
  type StoredBatch,
} from "../batches/model.ts";
import { BATCH, startBatch, timeoutMs } from "../batches/start-batch.ts";
import {
  existingProject,
  invalidInput,
  onAll,
  onProjects,
  projectArn,
  projectName,
  projectOfBuild,
  type Ctx,
  type StoredBuild,
} from "../model.ts";
import { removeNumbered } from "../numbered.ts";
import type { CodeBuildState } from "../state.ts";
import { deleteBuilds, listIds } from "./builds.ts";
import { passingRoles } from "./projects.ts";

const batchId = (text: string | undefined): string =>
  /^arn:[^:]*:codebuild:[^:]*:\d*:build-batch\/(.+)$/.exec(text ?? "")?.[1] ?? String(text ?? "");

function checkedBatchId(text: string | undefined): string {
  const id = batchId(text);
  if (!/^[^:]+:[^:]+$/.test(id)) throw invalidInput(`Invalid batch build ID: ${id}`);
  return id;
}

const onBatches =
  (action: string) =>
  (input: { ids?: string[] | undefined; id?: string | undefined }, ctx: Ctx): Permission[] =>
    onProjects(
      action,
      ctx,
      (input.ids ?? [input.id]).map((id) => projectOfBuild(batchId(id))),
    );

export const batches = operations<typeof CodeBuild, CodeBuildState>()({
  StartBuildBatch: {
    permissions: (input, ctx) => [
      ...onProjects("StartBuildBatch", ctx, [projectName(input.projectName)]),
      ...passingRoles(
        { serviceRole: input.serviceRoleOverride, buildBatchConfig: input.buildBatchConfigOverride },
        projectArn(ctx, projectName(input.projectName)),
      ),
    ],
    run: async (ctx, input) => ({
      buildBatch: await shownBatch(ctx, await startBatch(ctx, input as Parameters<typeof startBatch>[1])),
    }),
  },
  StopBuildBatch: {
    permissions: onBatches("StopBuildBatch"),
    async run(ctx, input) {
      const id = checkedBatchId(input.id);
      if ((await existingBatch(ctx, id)).batch.complete)
        throw invalidInput(`Cannot stop batch build ${id}: it has ended already`);
      await ctx.records.update<StoredBatch>(
        "batch",
        id,
        (b) => (b.batch.complete ? undefined : { ...b, stopRequested: "STOPPED" }),
        ...batchSoon(ctx, id),
      );
      return { buildBatch: await shownBatch(ctx, await existingBatch(ctx, id)) };
    },
  },
  RetryBuildBatch: {
    permissions: onBatches("RetryBuildBatch"),
    async run(ctx, input) {
      const id = checkedBatchId(input.id);
      const before = await existingBatch(ctx, id);
      const token = input.idempotencyToken === undefined ? undefined : `retry ${id}:${input.idempotencyToken}`;
      if (token !== undefined && (await ctx.records.get("token", token)))
        return { buildBatch: await shownBatch(ctx, before) };
      if (!before.batch.complete || before.batch.buildBatchStatus === "SUCCEEDED")
        throw invalidInput(`Batch build ${id} cannot be retried: only batches that have failed can be`);
      const kept = input.retryType === "RETRY_FAILED_BUILDS" ? await succeeded(ctx, before) : {};
      await ctx.records.update<StoredBatch>(
        "batch",
        id,
        (b) => (b.attempt === before.attempt && b.batch.complete ? retried(b, kept, ctx.now()) : undefined),
        ...batchSoon(ctx, id),
        ...ctx.enqueue(BATCH_TIMEOUTS, { id, attempt: before.attempt + 1 }, { delayMs: timeoutMs(before.settings) }),
        ...(token === undefined ? [] : [ctx.records.put("token", token, id)]),
      );
      return { buildBatch: await shownBatch(ctx, await existingBatch(ctx, id)) };
    },
  },
  BatchGetBuildBatches: {
    permissions: onBatches("BatchGetBuildBatches"),
    async run(ctx, input) {
      const ids = (input.ids ?? []).map(String);
      const found = await Promise.all(ids.map((id) => ctx.records.get<StoredBatch>("batch", checkedBatchId(id))));
      return {
        buildBatches: await Promise.all(found.flatMap((one) => (one ? [shownBatch(ctx, one.value)] : []))),
        buildBatchesNotFound: ids.filter((_, i) => !found[i]),
      };
    },
  },
  ListBuildBatches: {
    permissions: onAll("ListBuildBatches"),
    run: (ctx, input) => listed(ctx, "batch-order", undefined, input),
  },
  ListBuildBatchesForProject: {
    permissions: (input, ctx) => onProjects("ListBuildBatchesForProject", ctx, [projectName(input.projectName)]),
    async run(ctx, input) {
      const name = projectName(input.projectName);
      await existingProject(ctx, name);
      return await listed(ctx, "project-batch-order", `${name}/`, input);
    },
  },
  DeleteBuildBatch: {
    permissions: onBatches("DeleteBuildBatch"),
    async run(ctx, input) {
      const id = checkedBatchId(input.id);
      const stored = await ctx.records.get<StoredBatch>("batch", id);
      if (!stored) return { statusCode: "BATCH_NOT_FOUND", buildsDeleted: [], buildsNotDeleted: [] };
      if (!stored.value.batch.complete) throw invalidInput(`Cannot delete batch build ${id}: it is still in progress`);
      const { batch, builds } = stored.value;
      const deleted = await deleteBuilds(ctx, Object.values(builds).flat());
      await ctx.records.write(removeNumbered(ctx, BATCH, batch, batch.buildBatchNumber));
      return { statusCode: "SUCCESS", ...deleted };
    },
  },
});

/** The builds of a batch that need not run again. */
async function succeeded(ctx: Ctx, { current }: StoredBatch): Promise<StoredBatch["current"]> {
  const found: Record<string, string> = {};
  for (const [identifier, id] of Object.entries(current)) {
    const stored = await ctx.records.get<StoredBuild>("build", id);
    if (stored?.value.build.buildStatus === "SUCCEEDED") found[identifier] = id;
  }
  return found;
}

function retried(
  { stopRequested: _stop, ...stored }: StoredBatch,
  current: StoredBatch["current"],
  now: number,
): StoredBatch {
  const { endTime: _end, ...batch } = stored.batch;
  const phases = batch.phases.filter(({ phaseType }) => phaseType === "SUBMITTED");
  return {
    ...stored,
    attempt: stored.attempt + 1,
    current,
    batch: {
      ...enterPhase({ ...batch, phases }, stored.spec ? "IN_PROGRESS" : "DOWNLOAD_BATCHSPEC", now, {
        status: "SUCCEEDED",
      }),
      buildBatchStatus: "IN_PROGRESS",
      complete: false,
    },
  };
}

async function listed(
  ctx: Ctx,
  kind: string,
  prefix: string | undefined,
  input: {
    sortOrder?: string | undefined;
    nextToken?: string | undefined;
    maxResults?: number | undefined;
    filter?: { status?: string | undefined } | undefined;
  },
): Promise<{ ids: string[]; nextToken?: string }> {
  const { ids, ...next } = await listIds(ctx, kind, prefix, input);
  const status = input.filter?.status;
  if (status === undefined) return { ids, ...next };
  const found = await Promise.all(ids.map((id) => ctx.records.get<StoredBatch>("batch", id)));
  return { ids: ids.filter((_, i) => found[i]?.value.batch.buildBatchStatus === status), ...next };
}
