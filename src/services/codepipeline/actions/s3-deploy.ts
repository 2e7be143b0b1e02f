import { createReadStream } from "node:fs";
import { readdir, rm, stat } from "node:fs/promises";
import { extname, join, relative } from "node:path";
import { unzipTo } from "../../../compute/build/index.ts";
import { ActionFailure, inputNamed, type ActionContext, type ActionProvider } from "../action-run.ts";
import { withArtifact } from "../artifact-files.ts";

const LIMITS = { maxBytes: 2 * 1024 ** 3, maxEntries: 100_000 };
const TYPES: Readonly<Record<string, string>> = {
  ".css": "text/css",
  ".gif": "image/gif",
  ".htm": "text/html",
  ".html": "text/html",
  ".ico": "image/x-icon",
  ".jpeg": "image/jpeg",
  ".jpg": "image/jpeg",
  ".js": "application/javascript",
  ".json": "application/json",
  ".map": "application/json",
  ".mjs": "application/javascript",
  ".pdf": "application/pdf",
  ".png": "image/png",
  ".svg": "image/svg+xml",
  ".txt": "text/plain",
  ".wasm": "application/wasm",
  ".webp": "image/webp",
  ".woff": "font/woff",
  ".woff2": "font/woff2",
  ".xml": "application/xml",
  ".zip": "application/zip",
};

/** An artifact, or the files in it, put into a bucket. */
export const s3Deploy: ActionProvider = {
  timeoutMinutes: 20,
  check({ configuration, name }) {
    if (configuration?.["KMSEncryptionKeyARN"])
      throw new ActionFailure(
        "NotImplemented",
        `Starling does not implement KMSEncryptionKeyARN of the S3 action ${name} yet`,
      );
  },
  async run(action) {
    const { configuration, role } = action;
    const Bucket = String(configuration["BucketName"]);
    const key = configuration["ObjectKey"];
    const source = inputNamed(action, undefined);
    const settings = {
      ...(configuration["CannedACL"] ? { ACL: configuration["CannedACL"] } : {}),
      ...(configuration["CacheControl"] ? { CacheControl: configuration["CacheControl"] } : {}),
    };
    if (configuration["Extract"]?.toLowerCase() === "true") {
      await withArtifact(action, source, (file) =>
        putFiles(action, file, { Bucket, prefix: key ? `${key.replace(/\/+$/, "")}/` : "", settings }),
      );
    } else {
      if (!key) throw new ActionFailure("ConfigurationError", "ObjectKey is required where Extract is false");
      await role.call("s3", "CopyObject", {
        Bucket,
        Key: key,
        CopySource: `${source.bucket}/${source.key}`,
        ...settings,
      });
    }
    return {
      status: "Succeeded",
      summary: "Deployment Succeeded",
      variables: { BucketName: Bucket, ObjectKey: key ?? "" },
    };
  },
};

async function putFiles(
  action: ActionContext,
  zip: string,
  target: { Bucket: string; prefix: string; settings: object },
): Promise<void> {
  const folder = `${zip}.files`;
  try {
    await unzipTo(zip, folder, LIMITS);
    for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      action.signal.throwIfAborted();
      const file = join(entry.parentPath, entry.name);
      const ContentType = TYPES[extname(entry.name).toLowerCase()] ?? "application/octet-stream";
      const { size } = await stat(file);
      await action.role.call("s3", "PutObject", {
        Bucket: target.Bucket,
        Key: target.prefix + relative(folder, file),
        Body: createReadStream(file),
        ContentLength: size,
        ContentType,
        ...target.settings,
      });
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
