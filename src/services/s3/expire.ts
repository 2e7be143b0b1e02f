import type { Context } from "../../aws/context.ts";
import { deleteObject } from "./delete-object.ts";
import { objectEvents } from "./events.ts";
import { abortOf, actionsFor } from "./lifecycle.ts";
import { MAX_BUCKETS } from "./limits.ts";
import type { Bucket, ObjectVersion } from "./model.ts";
import { isLocked } from "./object-lock.ts";
import { listBuckets } from "./store/buckets.ts";
import { readVersions } from "./store/listing.ts";
import { changeFacts } from "./store/objects.ts";
import { endUpload, listParts, listUploads } from "./store/uploads.ts";

const PAGE = 500;

/** Does what the lifecycle rules of all buckets ask for today. */
export async function runLifecycles(ctx: Context<any>): Promise<void> {
  for (const bucket of await listBuckets(ctx, { limit: MAX_BUCKETS })) {
    if (!bucket.config.lifecycle || ctx.signal.aborted) continue;
    await expireVersions(ctx, bucket);
    await abortUploads(ctx, bucket);
  }
}

async function expireVersions(ctx: Context<any>, bucket: Bucket): Promise<void> {
  const read = readVersions(ctx, bucket.name, "");
  let after: ObjectVersion | undefined;
  let same: ObjectVersion[] = [];
  while (!ctx.signal.aborted) {
    const page = await read(after ? { after } : {}, PAGE);
    for (const version of page) {
      if (same[0] && same[0].key !== version.key) {
        await applyTo(ctx, bucket, same);
        same = [];
      }
      same.push(version);
    }
    after = page.at(-1);
    if (page.length < PAGE) break;
  }
  await applyTo(ctx, bucket, same);
}

async function applyTo(ctx: Context<any>, bucket: Bucket, versions: readonly ObjectVersion[]): Promise<void> {
  for (const action of actionsFor(bucket.config.lifecycle ?? [], versions, ctx.now(), bucket.config.minimumSize)) {
    if ("move" in action) {
      await move(ctx, bucket, action.move, action.to);
      continue;
    }
    if ("remove" in action && isLocked(action.remove, ctx.now())) continue;
    const { key } = "remove" in action ? action.remove : action.expire;
    // What expires is removed only while it is still the object that was looked at.
    const which = "remove" in action ? { VersionId: action.remove.version } : { IfMatch: action.expire.etag };
    const done = deleteObject(ctx, bucket, { Key: key, ...which }, "LifecycleExpiration");
    await ("remove" in action ? done : done.catch(() => undefined));
  }
}

async function move(ctx: Context<any>, bucket: Bucket, version: ObjectVersion, to: string): Promise<void> {
  await changeFacts(
    ctx,
    version,
    ({ restoredUntil: _gone, ...facts }) => ({ ...facts, storageClass: to }),
    (moved) => objectEvents(ctx, bucket, moved, "LifecycleTransition"),
  );
}

async function abortUploads(ctx: Context<any>, bucket: Bucket): Promise<void> {
  const rules = bucket.config.lifecycle;
  if (!rules?.some((rule) => rule.AbortIncompleteMultipartUpload)) return;
  for (const upload of await listUploads(ctx, bucket.name, { where: "1 = 1", parameters: [], limit: 10_000 })) {
    const { AbortDate: over } = abortOf(rules, upload);
    if (over && over.getTime() <= ctx.now())
      await ctx.platform.database
        .write(endUpload(upload, await listParts(ctx, upload.id), ctx.now()))
        .catch(() => undefined);
  }
}
