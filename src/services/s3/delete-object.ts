import type { Context } from "../../aws/context.ts";
import type { Statement } from "../../ports/database.ts";
import { checkDelete } from "./conditions.ts";
import { invalidVersion } from "./errors.ts";
import { objectEvents } from "./events.ts";
import { isVersionId, NULL_VERSION, type Bucket, type ObjectVersion } from "./model.ts";
import { checkRemoval } from "./object-lock.ts";
import { removeVersion, storeVersion } from "./store/objects.ts";

/** Removes the latest version, or puts a delete marker upon it where versions are kept. */
export async function deleteObject(
  ctx: Context<any>,
  bucket: Bucket,
  input: {
    Key: string;
    VersionId?: string | undefined;
    IfMatch?: string | undefined;
    bypass?: boolean;
    ofMany?: boolean;
  },
  by: "ObjectRemoved" | "LifecycleExpiration" = "ObjectRemoved",
): Promise<{ DeleteMarker?: boolean; VersionId?: string }> {
  const check = (current: ObjectVersion | undefined): void => {
    if (input.IfMatch !== undefined) checkDelete(input.IfMatch, current);
  };
  const also = (gone: ObjectVersion, owner: Bucket): Statement[] =>
    objectEvents(
      ctx,
      owner,
      gone,
      `${by}:${gone.marker && input.VersionId === undefined ? "DeleteMarkerCreated" : "Delete"}`,
    );
  if (input.VersionId !== undefined) {
    const unlocked = (version: ObjectVersion | undefined): void => {
      check(version);
      if (version) checkRemoval(version, ctx.now(), input.bypass ?? false);
    };
    const removed = await removeVersion(ctx, bucket.name, input.Key, input.VersionId, { check: unlocked, also });
    if (!removed && !isVersionId(bucket, input.VersionId)) throw invalidVersion(input.VersionId);
    return { VersionId: input.VersionId, ...(removed?.marker ? { DeleteMarker: true } : {}) };
  }
  if (bucket.config.versioning === undefined) {
    const removed = await removeVersion(ctx, bucket.name, input.Key, NULL_VERSION, { check, also });
    if (!removed && input.ofMany) await tellOfAbsent(ctx, bucket, input.Key);
    return {};
  }
  const facts = { segments: [], owner: "" };
  const marker = await storeVersion(
    ctx,
    bucket.name,
    input.Key,
    { marker: true, size: 0, etag: "", facts },
    { check, also },
  );
  return { DeleteMarker: true, VersionId: marker.version };
}

/** DeleteObjects tells of every key that it was given, those that were not there too. */
async function tellOfAbsent(ctx: Context<any>, bucket: Bucket, key: string): Promise<void> {
  const facts = { segments: [], owner: "" };
  const absent = { key, seq: 0, version: NULL_VERSION, latest: true, marker: false, size: 0, etag: "", facts };
  const events = objectEvents(
    ctx,
    bucket,
    { ...absent, bucket: bucket.name, modifiedAt: ctx.now() },
    "ObjectRemoved:Delete",
  );
  if (events.length > 0) await ctx.platform.database.write(events);
}
