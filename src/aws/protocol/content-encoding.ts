import { gunzip } from "node:zlib";
import { AwsError } from "../../kernel/aws-error.ts";
import { headerOf, type HttpRequest } from "./http-message.ts";
import { serializationError } from "./values.ts";

/** Most bytes that a compressed request may expand to. */
const MAX_INFLATED = 70 * 1024 * 1024;

/**
 * The body of an RPC or JSON request; clients compress large ones (CloudWatch's PutMetricData). Not for S3, whose
 * objects keep the encoding that they were stored with.
 */
export async function plainBody(request: HttpRequest): Promise<Buffer> {
  const body = await request.body();
  const encodings = (headerOf(request, "content-encoding") ?? "").split(",").map((each) => each.trim().toLowerCase());
  if (body.length === 0 || encodings.at(-1) !== "gzip") return body;
  return new Promise((resolve, reject) => {
    gunzip(body, { maxOutputLength: MAX_INFLATED }, (error, plain) => {
      if (!error) return resolve(plain);
      if ((error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE") {
        const message = `The request body expands to more than ${MAX_INFLATED} bytes.`;
        return reject(new AwsError("RequestEntityTooLargeException", message, 413));
      }
      reject(serializationError("The request body is not valid gzip data."));
    });
  });
}
