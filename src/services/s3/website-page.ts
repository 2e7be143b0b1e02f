import { STATUS_CODES, type ServerResponse } from "node:http";
import { hostIdOf } from "../../aws/host-id.ts";
import { AwsError } from "../../kernel/aws-error.ts";

/** Errors whose page says the bucket. */
const OF_BUCKET = /^(?:NoSuchBucket|NoSuchWebsiteConfiguration)$/;

export const noWebsite = (bucket: string): AwsError =>
  new AwsError("NoSuchWebsiteConfiguration", "The specified bucket does not have a website configuration", 404, {
    BucketName: bucket,
  });

export const notForWebsites = (method: string): AwsError =>
  new AwsError("MethodNotAllowed", "The specified method is not allowed against this resource.", 405, {
    Method: method,
    ResourceType: "OBJECT",
  });

/** What a website answers where there is nothing to show; `second` is why its own page for that cannot be shown either. */
export function errorPage(
  response: ServerResponse,
  error: AwsError,
  visit: { readonly method: string; readonly requestId: string },
  second?: AwsError,
): void {
  const status = error.code === "AccessDenied" ? 403 : error.status;
  const title = `${status} ${STATUS_CODES[status] ?? error.code}`;
  const ids = [`RequestId: ${visit.requestId}`, `HostId: ${hostIdOf(visit.requestId)}`];
  const body = [
    `<html>\n<head><title>${title}</title></head>\n<body>\n<h1>${title}</h1>`,
    listOf([...facts(error), ...ids]),
    ...(second
      ? ["<h3>An Error Occurred While Attempting to Retrieve a Custom Error Document</h3>", listOf(facts(second))]
      : []),
    "<hr/>\n</body>\n</html>\n",
  ].join("\n");
  const headers = {
    "content-type": "text/html; charset=utf-8",
    "content-length": String(Buffer.byteLength(body)),
    "x-amz-error-code": error.code,
    "x-amz-error-message": error.message,
    "x-amz-request-id": visit.requestId,
  };
  response.writeHead(status, headers).end(visit.method === "HEAD" ? undefined : body);
}

function facts({ code, message, fields }: AwsError): string[] {
  const told = [...(OF_BUCKET.test(code) ? ["BucketName"] : []), "Key", "Method", "ResourceType"];
  const known = told.flatMap((name) => (fields[name] === undefined ? [] : [`${name}: ${String(fields[name])}`]));
  return [`Code: ${code}`, `Message: ${message}`, ...known];
}

const escape = (text: string): string => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

const listOf = (items: readonly string[]): string =>
  `<ul>\n${items.map((item) => `<li>${escape(item)}</li>`).join("\n")}\n</ul>`;
