import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { readdir, readFile, rm } from "node:fs/promises";
import { join, relative } from "node:path";
import type { Context } from "../../aws/context.ts";
import { BuildFailure, unzipTo, type BuildArtifact } from "../../compute/build/index.ts";
import { messageOf } from "../../kernel/aws-error.ts";
import { MAX_SOURCE_BYTES, MAX_SOURCE_ENTRIES } from "./limits.ts";
import type { BuildView } from "./model.ts";
import type { Settings } from "./project-settings.ts";
import { placeOf } from "./sources.ts";

type Wanted = NonNullable<Settings["artifacts"]>;
type Uploaded = NonNullable<BuildView["artifacts"]>;

/** Takes what a build made to S3, as the build's role; answers how the build shows it. */
export async function uploadArtifacts(
  role: Context<any>,
  build: BuildView,
  settings: Settings,
  made: readonly BuildArtifact[],
): Promise<{ artifacts: Uploaded; secondaryArtifacts: Uploaded[] }> {
  const wanted = settings.artifacts!;
  const primary = made.find((a) => a.identifier === undefined);
  const secondary: Uploaded[] = [];
  for (const one of settings.secondaryArtifacts ?? []) {
    const artifact = made.find((a) => a.identifier === one.artifactIdentifier);
    if (!artifact)
      throw new BuildFailure("CLIENT_ERROR", `The buildspec has no secondary artifact named ${one.artifactIdentifier}`);
    secondary.push({ ...(await upload(role, build, one, artifact)), artifactIdentifier: one.artifactIdentifier! });
  }
  if (wanted.type === "NO_ARTIFACTS" || !wanted.location)
    return { artifacts: { location: "" }, secondaryArtifacts: secondary };
  if (!primary)
    throw new BuildFailure(
      "CLIENT_ERROR",
      "The buildspec has no artifacts, but the build is to hand some on: add a section artifacts with files",
    );
  return { artifacts: await upload(role, build, wanted, primary), secondaryArtifacts: secondary };
}

async function upload(
  role: Context<any>,
  build: BuildView,
  wanted: Wanted,
  artifact: BuildArtifact,
): Promise<Uploaded> {
  const { Bucket, key } = targetOf(build, wanted, artifact);
  try {
    if (wanted.type !== "CODEPIPELINE" && wanted.packaging !== "ZIP") {
      await uploadFiles(role, Bucket, key, artifact);
      return {
        location: `arn:aws:s3:::${Bucket}/${key}`,
        overrideArtifactName: wanted.overrideArtifactName ?? false,
        encryptionDisabled: wanted.encryptionDisabled ?? false,
      };
    }
    await role.call("s3", "PutObject", {
      Bucket,
      Key: key,
      Body: createReadStream(artifact.file),
      ContentLength: artifact.size,
      ContentType: "application/zip",
    });
  } catch (error) {
    throw new BuildFailure(
      "CLIENT_ERROR",
      `The artifacts cannot be uploaded to s3://${Bucket}/${key}: ${messageOf(error)}`,
    );
  }
  const [sha256sum, md5sum] = await digests(artifact.file);
  return {
    location: `arn:aws:s3:::${Bucket}/${key}`,
    sha256sum: sha256sum!,
    md5sum: md5sum!,
    overrideArtifactName: wanted.overrideArtifactName ?? false,
    encryptionDisabled: wanted.encryptionDisabled ?? false,
  };
}

/** `path/namespace/name`, where each part may be left out. */
function targetOf(build: BuildView, wanted: Wanted, artifact: BuildArtifact): { Bucket: string; key: string } {
  const location = String(wanted.location);
  const { Bucket, Key } =
    location.includes("/") || location.startsWith("arn:") ? placeOf(location) : { Bucket: location, Key: "" };
  const namespace = wanted.namespaceType === "BUILD_ID" ? build.id.slice(build.id.lastIndexOf(":") + 1) : "";
  const named = wanted.overrideArtifactName && artifact.name ? artifact.name : (wanted.name ?? build.projectName);
  const key = [Key, wanted.path ?? "", namespace, named]
    .map((part) => part.replace(/^\/+|\/+$/g, ""))
    .filter(Boolean)
    .join("/");
  return { Bucket: Bucket || location, key };
}

async function uploadFiles(role: Context<any>, Bucket: string, key: string, artifact: BuildArtifact): Promise<void> {
  const folder = `${artifact.file}.files`;
  await unzipTo(artifact.file, folder, { maxBytes: MAX_SOURCE_BYTES, maxEntries: MAX_SOURCE_ENTRIES });
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const file = join(entry.parentPath, entry.name);
    await role.call("s3", "PutObject", {
      Bucket,
      Key: [key, relative(folder, file)].filter(Boolean).join("/"),
      Body: await readFile(file),
    });
  }
  await rm(folder, { recursive: true });
}

async function digests(file: string): Promise<string[]> {
  const hashes = ["sha256", "md5"].map((name) => createHash(name));
  for await (const chunk of createReadStream(file)) for (const hash of hashes) hash.update(chunk as Buffer);
  return hashes.map((hash) => hash.digest("hex"));
}
