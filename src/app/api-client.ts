import { request as httpRequest, type IncomingHttpHeaders } from "node:http";
import { request as httpsRequest } from "node:https";
import { createModelRegistry, type ServiceModel } from "../aws/model.ts";
import { parseXml } from "../aws/protocol/xml-parser.ts";
import { xmlReader } from "../aws/protocol/xml-reader.ts";
import { signedHeaders } from "../aws/sign-request.ts";
import { AwsError } from "../kernel/aws-error.ts";
import type { Caller } from "./caller.ts";

/** Where the platform is, and as whom to call it. */
export interface Endpoint {
  readonly origin: string;
  readonly region: string;
  readonly credentials: {
    readonly accessKeyId: string;
    readonly secretAccessKey: string;
    readonly sessionToken?: string;
  };
}

interface Sent {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

const TIMEOUT_MS = 60_000;
const MAX_ANSWER = 64 * 1024 * 1024;

/**
 * A small client of the platform's own APIs, driven by the model packs: the JSON and the query protocols in general, and of S3
 * the making of a bucket and of an object.
 */
export function apiClient(endpoint: Endpoint): Caller {
  const models = createModelRegistry();
  return async (service, operation, input) => {
    const model = models.load(service);
    const send = (sent: Sent): Promise<Answer> => sendSigned(endpoint, model.signingName, sent);
    if (model.protocol.startsWith("awsJson")) return callJson(model, operation, input, send);
    if (model.protocol === "awsQuery") return callQuery(model, operation, input, send);
    if (service === "s3") return callS3(operation, input as S3Input, send);
    throw new Error(`the command line does not speak ${model.protocol}, which ${service} ${operation} needs`);
  };
}

type Send = (sent: Sent) => Promise<Answer>;

async function callJson(model: ServiceModel, operation: string, input: object, send: Send): Promise<unknown> {
  const body = Buffer.from(
    JSON.stringify(input, (_key, value: unknown) =>
      value instanceof Uint8Array ? Buffer.from(value).toString("base64") : value,
    ),
  );
  const version = model.protocol.endsWith("1_0") ? "1.0" : "1.1";
  const headers = {
    "content-type": `application/x-amz-json-${version}`,
    "x-amz-target": `${model.targetPrefix}.${operation}`,
  };
  const answer = await send({ method: "POST", path: "/", headers, body });
  const parsed = parseJson(answer.body);
  if (answer.status < 300) return parsed;
  const code = String(parsed["__type"] ?? parsed["code"] ?? `Http${answer.status}`);
  throw new AwsError(
    code.slice(code.indexOf("#") + 1),
    String(parsed["message"] ?? parsed["Message"] ?? "the platform gave no reason"),
    answer.status,
  );
}

function parseJson(body: Buffer): Record<string, unknown> {
  if (body.length === 0) return {};
  try {
    return JSON.parse(body.toString("utf8")) as Record<string, unknown>;
  } catch {
    return { message: body.toString("utf8").slice(0, 500) };
  }
}

async function callQuery(model: ServiceModel, operation: string, input: object, send: Send): Promise<unknown> {
  const form = new URLSearchParams({ Action: operation, Version: model.version });
  addParameters(form, "", input);
  const headers = { "content-type": "application/x-www-form-urlencoded; charset=utf-8" };
  const answer = await send({ method: "POST", path: "/", headers, body: Buffer.from(form.toString()) });
  const root = parseXml(answer.body.toString("utf8"));
  if (answer.status >= 300) throw xmlError(answer);
  const result = root?.children.find((child) => child.name === `${operation}Result`);
  const shape = model.operation(operation)?.output;
  return result && shape ? xmlReader({ shape, traits: {} } as Parameters<typeof xmlReader>[0])(result) : {};
}

function addParameters(form: URLSearchParams, prefix: string, value: unknown): void {
  if (value === undefined || value === null) return;
  if (Array.isArray(value)) value.forEach((item, index) => addParameters(form, `${prefix}.member.${index + 1}`, item));
  else if (typeof value === "object")
    for (const [name, member] of Object.entries(value))
      addParameters(form, prefix ? `${prefix}.${name}` : name, member);
  else form.append(prefix, String(value));
}

function xmlError(answer: Answer): AwsError {
  const text = answer.body.toString("utf8");
  const member = (name: string): string | undefined => new RegExp(`<${name}>([^<]*)</${name}>`).exec(text)?.[1];
  return new AwsError(
    member("Code") ?? `Http${answer.status}`,
    member("Message") ?? "the platform gave no reason",
    answer.status,
  );
}

interface S3Input {
  readonly Bucket: string;
  readonly Key?: string;
  readonly Body?: Uint8Array;
}

async function callS3(
  operation: string,
  { Bucket, Key = "", Body = new Uint8Array() }: S3Input,
  send: Send,
): Promise<object> {
  const isObject = operation === "PutObject";
  if (!isObject && operation !== "CreateBucket") throw new Error(`the command line does not speak S3's ${operation}`);
  const path = isObject ? `/${Bucket}/${Key.split("/").map(encodeURIComponent).join("/")}` : `/${Bucket}`;
  const answer = await send({ method: "PUT", path, headers: {}, body: Body });
  if (answer.status >= 300) throw xmlError(answer);
  return {};
}

async function sendSigned(endpoint: Endpoint, service: string, sent: Sent): Promise<Answer> {
  const url = new URL(endpoint.origin);
  const { method, path, body } = sent;
  const signed = signedHeaders(
    { method, host: url.host, path, rawQuery: "", headers: Object.entries(sent.headers), body },
    endpoint.credentials,
    { region: endpoint.region, service, now: Date.now() },
  );
  const headers = { ...Object.fromEntries(signed), "content-length": String(body.length) };
  return exchange(url, method, path, headers, body);
}

/** A plain request to the platform, by the address it listens on; `host` may be a name that no resolver knows. */
export function visit(origin: string, host: string, path = "/"): Promise<Answer> {
  return exchange(new URL(origin), "GET", path, { host }, undefined);
}

function exchange(
  url: URL,
  method: string,
  path: string,
  headers: Record<string, string>,
  body: Uint8Array | undefined,
): Promise<Answer> {
  const send = url.protocol === "https:" ? httpsRequest : httpRequest;
  // Names below localhost are the loopback address, whatever the resolver says.
  const hostname = /(^|\.)localhost$/.test(url.hostname) ? "127.0.0.1" : url.hostname;
  return new Promise((resolve, reject) => {
    const request = send(
      { hostname, port: url.port, method, path, headers, timeout: TIMEOUT_MS, servername: url.hostname },
      (response) => {
        const chunks: Buffer[] = [];
        let size = 0;
        response.on("data", (chunk: Buffer) => {
          size += chunk.length;
          if (size > MAX_ANSWER) request.destroy(new Error("the platform's answer is too large"));
          chunks.push(chunk);
        });
        response.on("end", () =>
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) }),
        );
        response.on("error", reject);
      },
    );
    request.on("timeout", () =>
      request.destroy(new Error(`no answer from ${url.origin} for ${TIMEOUT_MS / 1000} seconds`)),
    );
    request.on("error", (error: NodeJS.ErrnoException) => {
      reject(
        error.code === "ECONNREFUSED"
          ? new Error(`nothing answers at ${url.origin}: start the platform with npm start`)
          : error,
      );
    });
    request.end(body);
  });
}
