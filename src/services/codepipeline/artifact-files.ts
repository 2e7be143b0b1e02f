import { createWriteStream } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import { ZipFile } from "yazl";
import { readZipEntry } from "../../compute/build/index.ts";
import { messageOf } from "../../kernel/aws-error.ts";
import { fileFailure, isOutOfRoom } from "../../ports/database.ts";
import { ActionFailure, inputNamed, type ActionContext } from "./action-run.ts";
import type { Artifact } from "./model.ts";

const MAX_ARTIFACT_BYTES = 2 * 1024 ** 3;

/** Works with an artifact's zip as a file of this process, which is gone afterwards. */
export async function withArtifact<T>(
  action: ActionContext,
  artifact: Artifact,
  work: (file: string) => Promise<T>,
): Promise<T> {
  const file = join(action.ctx.state.work, `${action.run.id}-${action.ctx.platform.ids.text(8)}.zip`);
  try {
    const { Body, ContentLength = 0 } = await action.role.call("s3", "GetObject", {
      Bucket: artifact.bucket,
      Key: artifact.key,
    });
    if (ContentLength > MAX_ARTIFACT_BYTES)
      throw new ActionFailure(
        "ConfigurationError",
        `The artifact ${artifact.name} has more than ${MAX_ARTIFACT_BYTES} bytes`,
      );
    const content = Body instanceof Readable ? Body : Readable.from([Buffer.from((Body ?? "") as Uint8Array)]);
    await pipeline(content, createWriteStream(file, { flags: "wx", mode: 0o600 }));
    return await work(file);
  } finally {
    await rm(file, { force: true });
  }
}

/** The text of `artifact::file`. */
export async function readArtifactFile(action: ActionContext, place: string, maxBytes: number): Promise<string> {
  const [, name = "", path = ""] = /^(.+?)::(.+)$/.exec(place) ?? [];
  if (!name)
    throw new ActionFailure(
      "ConfigurationError",
      `${place} does not name a file of an input artifact: it must be <artifact>::<file>`,
    );
  return await readFileOf(action, inputNamed(action, name), path, maxBytes);
}

export async function readFileOf(
  action: ActionContext,
  artifact: Artifact,
  path: string,
  maxBytes: number,
): Promise<string> {
  const content = await withArtifact(action, artifact, (file) =>
    readZipEntry(file, path.replace(/^\.?\//, ""), maxBytes),
  ).catch((error: unknown) => {
    const reason = fileFailure(error, "the artifact");
    throw new ActionFailure(
      isOutOfRoom(reason) ? "JobFailed" : "ConfigurationError",
      `The artifact ${artifact.name} cannot be read: ${messageOf(reason)}`,
    );
  });
  if (!content)
    throw new ActionFailure("ConfigurationError", `File [${path}] does not exist in artifact [${artifact.name}]`);
  return content.toString("utf8");
}

/** Stores an output artifact that holds one file. */
export async function putArtifactFile(
  action: ActionContext,
  artifact: Artifact,
  name: string,
  text: string,
): Promise<void> {
  const zip = new ZipFile();
  zip.addBuffer(Buffer.from(text), name);
  zip.end();
  await action.role.call("s3", "PutObject", {
    Bucket: artifact.bucket,
    Key: artifact.key,
    Body: await buffer(zip.outputStream),
    ContentType: "application/zip",
  });
}
