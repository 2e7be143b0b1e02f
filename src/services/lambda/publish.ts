import type { Context } from "../../aws/context.ts";
import { AwsError } from "../../kernel/aws-error.ts";
import {
  functionNotFound,
  invalidParameter,
  LATEST,
  revisionOf,
  staleRevision,
  versionId,
  type FunctionHead,
  type FunctionRecord,
} from "./model.ts";
import type { LambdaState } from "./state.ts";

const MAX_TRIES = 20;

/** What makes a version differ from the one before: its code and its settings, not when it was changed. */
function content(record: FunctionRecord): string {
  const { version: _v, revisionId: _r, shownRevision: _s, modified: _m, sealedEnvironment: _e, ...rest } = record;
  const { latestDescription, description, ...settings } = rest;
  return JSON.stringify({ ...settings, description: latestDescription ?? description });
}

/** Publishes `$LATEST` as the next version; where nothing has changed since the last one, answers that one. */
export async function publish(
  ctx: Context<LambdaState>,
  name: string,
  options: { description?: string | undefined; codeSha256?: string | undefined; revisionId?: string | undefined },
): Promise<FunctionRecord> {
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const head = await ctx.records.get<FunctionHead>("function", name);
    if (!head) throw functionNotFound(ctx, name);
    const stored = await ctx.records.get<FunctionRecord>("version", versionId(name, LATEST));
    if (!stored) throw functionNotFound(ctx, name);
    const { value: latest } = stored;
    if (options.revisionId !== undefined && options.revisionId !== revisionOf(latest)) throw staleRevision();
    if (
      options.codeSha256 !== undefined &&
      Buffer.from(options.codeSha256, "base64").toString("hex") !== latest.codeDigest
    ) {
      throw invalidParameter(
        `CodeSHA256 (${options.codeSha256}) is different from current CodeSHA256 in $LATEST (${Buffer.from(latest.codeDigest, "hex").toString("base64")}). Please try again with the CodeSHA256 in $LATEST.`,
      );
    }
    const last =
      head.value.lastVersion > 0
        ? await ctx.records.get<FunctionRecord>("version", versionId(name, String(head.value.lastVersion)))
        : undefined;
    const sameVariables = last && open(ctx, last.value) === open(ctx, latest);
    if (last && sameVariables && content(last.value) === content(latest)) return last.value;
    const version = String(head.value.lastVersion + 1);
    const { shownRevision: _s, ...settings } = latest;
    const record: FunctionRecord = {
      ...settings,
      version,
      revisionId: ctx.platform.ids.uuid(),
      ...(options.description === undefined
        ? {}
        : { description: options.description, latestDescription: latest.description }),
    };
    const next: FunctionHead = { ...head.value, lastVersion: head.value.lastVersion + 1 };
    try {
      await ctx.records.write(
        ctx.records.put("function", name, next, head.rev),
        ctx.records.put("version", versionId(name, version), record, 0),
        ctx.records.put("version", stored.id, { ...latest, shownRevision: ctx.platform.ids.uuid() }, stored.rev),
      );
      return record;
    } catch (error) {
      if ((error as Error).name !== "GuardFailed") throw error;
    }
  }
  throw new AwsError("ResourceConflictException", `The function ${name} is being changed by others: try again.`, 409);
}

function open(ctx: Context<LambdaState>, record: FunctionRecord): string {
  return record.sealedEnvironment === undefined
    ? ""
    : (ctx.platform.vault.open("lambda-environment", record.sealedEnvironment) ?? "");
}
