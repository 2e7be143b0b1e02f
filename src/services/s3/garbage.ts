import type { Context } from "../../aws/context.ts";
import { GARBAGE_GRACE_MS } from "./limits.ts";

const MAX_A_SWEEP = 1000;
const PAGE = 500;
const DIGEST = /[0-9a-f]{64}/g;

/** Tables of others in whose text a blob may be named: a function's code can be the very bytes of an object. */
const PLACES = [
  { table: "record", text: "value", key: "service, account, region, kind, id" },
  { table: "queue_message", text: "body", key: "id" },
  { table: "journal_step", text: "result", key: "run, name" },
] as const;

/**
 * Removes blobs that no object or part has referred to for a while, and that nothing else of the platform names.
 * Answers how many.
 */
export async function collectGarbage(ctx: Context<any>): Promise<number> {
  const { database, blobs } = ctx.platform;
  const before = ctx.now() - GARBAGE_GRACE_MS;
  const rows = await database.all<{ digest: string }>({
    sql: "select digest from s3_blob where refs = 0 and released_at < ? order by released_at limit ?",
    parameters: [before, MAX_A_SWEEP],
  });
  if (rows.length === 0) return 0;
  const candidates = new Set(rows.map((row) => row.digest));
  const named = await namedElsewhere(ctx, candidates);
  let removed = 0;
  for (const digest of candidates) {
    // The row goes first: where the process dies in between, a blob is left over, never missed.
    const [gone] = await database.write([
      { sql: "delete from s3_blob where digest = ? and refs = 0 and released_at < ?", parameters: [digest, before] },
    ]);
    if (!gone || named.has(digest)) continue;
    await blobs.delete(digest, before);
    removed++;
  }
  return removed;
}

async function namedElsewhere(ctx: Context<any>, candidates: ReadonlySet<string>): Promise<Set<string>> {
  const named = new Set<string>();
  for (const { table, text, key } of PLACES) {
    for (let offset = 0; ; offset += PAGE) {
      const rows = await ctx.platform.database.all<{ text: string | null }>({
        sql: `select ${text} as text from ${table} order by ${key} limit ? offset ?`,
        parameters: [PAGE, offset],
      });
      for (const row of rows)
        for (const [digest] of row.text?.matchAll(DIGEST) ?? []) if (candidates.has(digest)) named.add(digest);
      if (rows.length < PAGE) break;
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
  return named;
}
