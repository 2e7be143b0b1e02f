import { createReadStream, createWriteStream } from "node:fs";
import { stat } from "node:fs/promises";
import { finished } from "node:stream/promises";
import { createGzip, type Gzip } from "node:zlib";
import type { Context } from "../../aws/context.ts";
import { messageOf } from "../../kernel/aws-error.ts";
import type { BuildView } from "./model.ts";
import type { Settings } from "./project-settings.ts";
import { placeOf } from "./sources.ts";

/** A log that is bigger is cut, and says so. */
const MAX_BYTES = 256 * 1024 * 1024;

/** Where the log of a build will be in S3, as the build shows it. */
export function s3LogPlace(settings: Settings, uuid: string): { s3LogsArn?: string; s3DeepLink?: string } {
  const logs = settings.logsConfig?.s3Logs;
  if (logs?.status !== "ENABLED") return {};
  const { Bucket, Key } = placeOf(`${logs.location}/`);
  const key = `${Key.replace(/\/+$/, "")}/${uuid}.gz`.replace(/^\/+/, "");
  return {
    s3LogsArn: `arn:aws:s3:::${Bucket}/${key}`,
    s3DeepLink: `https://s3.console.aws.amazon.com/s3/object/${Bucket}/${key}`,
  };
}

/** Collects the log of one build, and takes it to S3 as one object when the build is over. */
export class S3Log {
  readonly #build: BuildView;
  readonly #file: string;
  readonly #zip: Gzip = createGzip();
  readonly #written: Promise<void>;
  #bytes = 0;

  constructor(build: BuildView, file: string) {
    this.#build = build;
    this.#file = file;
    this.#written = finished(this.#zip.pipe(createWriteStream(file, { mode: 0o600 })));
    this.#written.catch(() => undefined); // told by `upload`
  }

  append(message: string): void {
    if (this.#bytes > MAX_BYTES) return;
    this.#bytes += Buffer.byteLength(message);
    this.#zip.write(this.#bytes > MAX_BYTES ? "[Container] The log goes on, but is too long to be kept\n" : message);
  }

  /** A log that cannot be stored fails no build, as on AWS; the platform's log says why. */
  async upload(role: Context<any>): Promise<void> {
    try {
      this.#zip.end();
      await this.#written;
      const { Bucket, Key } = placeOf(String(this.#build.logs?.s3LogsArn));
      await role.call("s3", "PutObject", {
        Bucket,
        Key,
        Body: createReadStream(this.#file),
        ContentLength: (await stat(this.#file)).size,
        ContentType: "application/gzip",
      });
    } catch (error) {
      role.platform.log.warn("the log of a build could not be stored in S3", {
        build: this.#build.id,
        error: messageOf(error),
      });
    }
  }
}
