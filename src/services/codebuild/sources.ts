import { createWriteStream } from "node:fs";
import { mkdir, readFile, realpath, rm, stat } from "node:fs/promises";
import { dirname, join, posix } from "node:path";
import { Readable, Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Context } from "../../aws/context.ts";
import { BuildFailure, unzipTo } from "../../compute/build/index.ts";
import { parseBuildspec, type Buildspec } from "../../engines/buildspec/index.ts";
import { messageOf } from "../../kernel/aws-error.ts";
import { readWithin } from "../../kernel/read-within.ts";
import { fileFailure } from "../../ports/database.ts";
import { fetchRepository } from "./repository.ts";
import { MAX_BUILDSPEC_BYTES, MAX_SOURCE_BYTES, MAX_SOURCE_ENTRIES } from "./limits.ts";
import type { Settings } from "./project-settings.ts";

type Source = NonNullable<Settings["source"]>;

export interface FetchedSource {
  /** Without it, the build starts empty. */
  readonly folder?: string;
  /** The commit or version that it is. */
  readonly resolvedVersion?: string;
}

/** Brings a source into `folder`, as the build's role. */
export async function fetchSource(
  role: Context<any>,
  source: Source,
  version: string | undefined,
  folder: string,
): Promise<FetchedSource> {
  try {
    if (source.type === "NO_SOURCE") return {};
    if (source.type === "CODECOMMIT") return await fetchRepository(role, source.location ?? "", version, folder);
    const at =
      source.type === "CODEPIPELINE" ? placeOf(source.location ?? version ?? "") : placeOf(source.location ?? "");
    const versionId = source.type === "CODEPIPELINE" || !version ? {} : { VersionId: version };
    return { folder, ...(await fetchFromS3(role, { ...at, ...versionId }, folder)) };
  } catch (error) {
    if (error instanceof BuildFailure) throw error;
    const reason = messageOf(fileFailure(error, "the build's files"));
    throw new BuildFailure("CLIENT_ERROR", `Unable to get the source ${source.location ?? version ?? ""}: ${reason}`);
  }
}

/** Bucket and key of `bucket/key` or `arn:aws:s3:::bucket/key`. */
export function placeOf(location: string): { Bucket: string; Key: string } {
  const text = location.replace(/^arn:aws:s3:::/, "");
  const slash = text.indexOf("/");
  return { Bucket: text.slice(0, Math.max(slash, 0)), Key: text.slice(slash + 1) };
}

async function fetchFromS3(
  role: Context<any>,
  at: { Bucket: string; Key: string; VersionId?: string },
  folder: string,
): Promise<{ resolvedVersion?: string }> {
  if (at.Key.endsWith("/")) {
    await fetchFolder(role, at, folder);
    return {};
  }
  const isArchive = !/\.(?!zip$)[A-Za-z0-9]{1,8}$/.test(at.Key); // artifacts of pipelines have no extension
  const target = isArchive ? `${folder}.zip` : join(folder, posix.basename(at.Key));
  const { versionId } = await download(role, at, target, MAX_SOURCE_BYTES);
  if (isArchive) {
    await unzipTo(target, folder, { maxBytes: MAX_SOURCE_BYTES, maxEntries: MAX_SOURCE_ENTRIES });
    await rm(target);
  }
  return versionId ? { resolvedVersion: versionId } : {};
}

/** All objects below a prefix. */
async function fetchFolder(
  role: Context<any>,
  { Bucket, Key }: { Bucket: string; Key: string },
  folder: string,
): Promise<void> {
  let [entries, bytes] = [0, 0];
  let ContinuationToken: string | undefined;
  await mkdir(folder, { recursive: true });
  do {
    const page = await role.call("s3", "ListObjectsV2", {
      Bucket,
      Prefix: Key,
      ...(ContinuationToken ? { ContinuationToken } : {}),
    });
    for (const object of page.Contents ?? []) {
      const path = posix.normalize(String(object.Key).slice(Key.length));
      if (path.endsWith("/") || path === ".") continue;
      if (path === ".." || path.startsWith("../") || path.startsWith("/"))
        throw new Error(`the key ${object.Key} leads out of the source folder`);
      if (++entries > MAX_SOURCE_ENTRIES) throw new Error(`more than ${MAX_SOURCE_ENTRIES} objects`);
      bytes += (await download(role, { Bucket, Key: String(object.Key) }, join(folder, path), MAX_SOURCE_BYTES - bytes))
        .bytes;
    }
    ContinuationToken = page.NextContinuationToken;
  } while (ContinuationToken);
  if (!entries) throw new Error(`there are no objects below ${Bucket}/${Key}`);
}

async function download(
  role: Context<any>,
  at: { Bucket: string; Key: string; VersionId?: string },
  target: string,
  maxBytes: number,
): Promise<{ bytes: number; versionId?: string }> {
  const { Body, VersionId } = await role.call("s3", "GetObject", at);
  await mkdir(dirname(target), { recursive: true });
  let bytes = 0;
  const counting = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      done(bytes > maxBytes ? new Error(`the source has more than ${MAX_SOURCE_BYTES} bytes`) : null, chunk);
    },
  });
  const content = Body instanceof Readable ? Body : Readable.from([Buffer.from((Body ?? "") as Uint8Array)]);
  await pipeline(content, counting, createWriteStream(target, { flags: "wx" }));
  return { bytes, ...(VersionId ? { versionId: VersionId } : {}) };
}

/** The buildspec of a build: inline, a file of the source, or an object of S3. */
export async function readBuildspec(
  role: Context<any>,
  buildspec: string | undefined,
  folder: string | undefined,
): Promise<{ spec: Buildspec; location: string }> {
  const given = buildspec?.trim() ? buildspec : "buildspec.yml";
  const isInline = given.includes("\n") || /^\s*[{]/.test(given) || /^\s*version\s*:/.test(given);
  const location = isInline ? "the project's inline buildspec" : given;
  const text = isInline
    ? given
    : given.startsWith("arn:aws:s3:::")
      ? await specFromS3(role, given)
      : await specFromSource(given, folder);
  const { spec, fault } = parseBuildspec(text);
  if (!spec) throw new BuildFailure(fault.code, `${isInline ? "inline buildspec" : given}: ${fault.message}`);
  return { spec, location };
}

async function specFromS3(role: Context<any>, arn: string): Promise<string> {
  try {
    const { Body } = await role.call("s3", "GetObject", placeOf(arn));
    const content = Body instanceof Readable ? Body : [Buffer.from((Body ?? "") as Uint8Array)];
    const tooLong = (): Error => new Error(`it has more than ${MAX_BUILDSPEC_BYTES} bytes`);
    return (await readWithin(content, MAX_BUILDSPEC_BYTES, tooLong)).toString("utf8");
  } catch (error) {
    throw new BuildFailure("YAML_FILE_ERROR", `${arn}: ${messageOf(error)}`);
  }
}

async function specFromSource(path: string, folder: string | undefined): Promise<string> {
  const missing = new BuildFailure(
    "YAML_FILE_ERROR",
    `stat ${posix.join("/codebuild/output/src", path)}: no such file or directory: the source has no file ${path}`,
  );
  if (!folder) throw missing;
  const [root, file] = await Promise.all([realpath(folder), realpath(join(folder, path)).catch(() => undefined)]);
  if (!file?.startsWith(`${root}/`)) throw missing;
  const { size } = await stat(file);
  if (size > MAX_BUILDSPEC_BYTES)
    throw new BuildFailure("YAML_FILE_ERROR", `${path}: it has more than ${MAX_BUILDSPEC_BYTES} bytes`);
  return await readFile(file, "utf8");
}
