import { AwsError } from "../kernel/aws-error.ts";
import type { Protocol } from "./model-pack.ts";
import { compiled, isRest, type ModelRegistry, type OperationModel, type ServiceModel } from "./model.ts";
import { formOf } from "./protocol/decode-request.ts";
import { headerOf, type HttpRequest } from "./protocol/http-message.ts";
import { matchRestOperation } from "./route-rest.ts";
import { bucketOfHost, bucketOfS3Host, matchS3Operation } from "./route-s3.ts";

/** A request whose operation is known. */
export interface OperationRoute {
  readonly found: true;
  readonly model: ServiceModel;
  readonly operation: OperationModel;
  /** What the client speaks, which need not be the model's own (SQS and CloudWatch have several). */
  readonly protocol: Protocol;
  /** Values of the labels in the path, decoded; `Bucket` and `Key` for S3, `QueueUrl` for a form that is sent to a queue. */
  readonly labels: Readonly<Record<string, string>>;
  /** S3: the bucket, from the host or the path. */
  readonly bucket?: string;
}

/** A request that means no operation; `error` is to be encoded in `protocol`. */
export interface RouteFailure {
  readonly found: false;
  readonly model: ServiceModel | undefined;
  readonly protocol: Protocol;
  readonly error: AwsError;
}

export interface RouteOptions {
  /** Name of the service in the signature's credential scope, where the request is signed. */
  readonly signingName?: string | undefined;
  /** The host of the platform's URLs, below which buckets have names as they have below `localhost` and AWS's zone. */
  readonly publicHost?: string;
}

/**
 * Which operation of which service a request means: by the RPC path, `X-Amz-Target`, the signature's service, the
 * form's `Action`, the REST paths, and S3 last. Data-plane hosts must have been looked at before. Reads the body
 * only where it is a form.
 */
export async function routeOperation(
  models: ModelRegistry,
  request: HttpRequest,
  options: RouteOptions = {},
): Promise<OperationRoute | RouteFailure> {
  const rpc = rpcPath(request);
  if (rpc) return routeRpcPath(models, rpc);
  const target = headerOf(request, "x-amz-target");
  if (target !== undefined) return routeTarget(models, request, target);

  const { signingName } = options;
  if (signingName !== "s3" && hasAction(models, request, signingName)) return routeAction(models, request, signingName);
  if (signingName !== undefined) return routeSigned(models, request, signingName, options);
  return routeUnsigned(models, request, options);
}

/** The protocol in which to refuse a request that cannot even be routed, by what its headers look like. */
export function likelyProtocol(request: Pick<HttpRequest, "headers">): Protocol {
  if (headerOf(request, "smithy-protocol") === "rpc-v2-cbor") return "rpcv2Cbor";
  const contentType = headerOf(request, "content-type") ?? "";
  if (headerOf(request, "x-amz-target") !== undefined) {
    return contentType.startsWith("application/x-amz-json-1.0") ? "awsJson1_0" : "awsJson1_1";
  }
  if (contentType.startsWith("application/x-www-form-urlencoded")) return "awsQuery";
  if (headerOf(request, "authorization")?.includes("/s3/aws4_request")) return "restXml";
  return contentType.startsWith("application/json") ? "restJson1" : "restXml";
}

const RPC_PATH = /^\/service\/([^/]+)\/operation\/([^/]+)$/;

function rpcPath(request: HttpRequest): RegExpExecArray | null {
  return headerOf(request, "smithy-protocol") === "rpc-v2-cbor" ? RPC_PATH.exec(request.path) : null;
}

function routeRpcPath(models: ModelRegistry, match: RegExpExecArray): OperationRoute | RouteFailure {
  return routeRpc(models, match[1]!, match[2]!, () => "rpcv2Cbor");
}

/** A prefix may hold dots itself, so the operation is what follows the last one. */
function routeTarget(models: ModelRegistry, request: HttpRequest, target: string): OperationRoute | RouteFailure {
  const dot = target.lastIndexOf(".");
  const contentType = headerOf(request, "content-type") ?? "";
  return routeRpc(models, target.slice(0, Math.max(dot, 0)), target.slice(dot + 1), (model) => {
    if (contentType.startsWith("application/x-amz-json-1.0")) return "awsJson1_0";
    if (contentType.startsWith("application/x-amz-json-1.1")) return "awsJson1_1";
    return model?.protocol === "awsJson1_1" ? "awsJson1_1" : "awsJson1_0";
  });
}

function routeRpc(
  models: ModelRegistry,
  prefix: string,
  name: string,
  protocolOf: (model: ServiceModel | undefined) => Protocol,
): OperationRoute | RouteFailure {
  const head = models.heads.find((candidate) => candidate.targetPrefix === prefix && prefix !== "");
  const model = head && models.load(head.name);
  // A target prefix of a REST service is in its model too, but the service does not answer to it.
  const rpcModel = model && !isRest(model.protocol) ? model : undefined;
  const protocol = protocolOf(rpcModel);
  const operation = rpcModel?.operation(name);
  if (rpcModel && operation) return { found: true, model: rpcModel, operation, protocol, labels: {} };
  const error = new AwsError("UnknownOperationException", `No service here has an operation ${prefix}.${name}.`, 400);
  return { found: false, model: rpcModel, protocol, error };
}

function hasAction(models: ModelRegistry, request: HttpRequest, signingName: string | undefined): boolean {
  const inQuery = (name: string): boolean => request.rawQuery !== "" && request.query.has(name);
  if (request.method === "POST") {
    const isForm = headerOf(request, "content-type")?.startsWith("application/x-www-form-urlencoded") === true;
    return isForm || inQuery("Action");
  }
  if (request.method !== "GET" || !inQuery("Action")) return false;
  return inQuery("Version") || models.heads.some((head) => head.signingName === signingName && !isRest(head.protocol));
}

async function routeAction(
  models: ModelRegistry,
  request: HttpRequest,
  signingName: string | undefined,
): Promise<OperationRoute | RouteFailure> {
  const form = await formOf(request);
  const action = form.get("Action");
  const version = form.get("Version");
  const speaksQuery = models.heads.filter((head) => !isRest(head.protocol));
  const candidates = speaksQuery.filter((head) =>
    signingName === undefined ? head.version === version : head.signingName === signingName,
  );
  const model = candidates[0] && models.load(candidates[0].name);
  if (action === null) {
    const error = new AwsError("MissingAction", "The request must contain the parameter Action.", 400);
    return { found: false, model, protocol: "awsQuery", error };
  }
  for (const head of candidates) {
    const candidate = models.load(head.name);
    const operation = candidate.operation(action);
    const queries = candidate.protocol === "awsQuery" || candidate.protocol === "ec2Query" || candidate.queryCompatible;
    if (!operation || !queries) continue;
    const protocol = candidate.protocol === "ec2Query" ? "ec2Query" : "awsQuery";
    const labels = queueOfPath(candidate, request);
    // At a queue's own URL there is nothing but what is done with a queue.
    if (labels["QueueUrl"] && !operation.input.members.some(({ name }) => name === "QueueUrl")) break;
    return { found: true, model: candidate, operation, protocol, labels };
  }
  const message =
    model?.name === "sqs"
      ? `The action ${action.slice(0, 100)} is not valid for this endpoint.`
      : `Could not find operation ${action.slice(0, 100)} for version ${version?.slice(0, 20) ?? "NO_VERSION_SPECIFIED"}`;
  return { found: false, model, protocol: "awsQuery", error: new AwsError("InvalidAction", message, 400) };
}

/** Requests to a queue's URL need not say it again: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-making-api-requests-xml.html */
function queueOfPath({ name }: ServiceModel, { path }: HttpRequest): OperationRoute["labels"] {
  return name === "sqs" && /^\/\d{12}\/[\w.-]+\/?$/.test(path) ? { QueueUrl: path } : {};
}

/** Names in credential scopes that mean another service's model. */
const SIGNING_ALIASES: Readonly<Record<string, string>> = { s3express: "s3", "s3-object-lambda": "s3" };

function routeSigned(
  models: ModelRegistry,
  request: HttpRequest,
  signingName: string,
  options: RouteOptions,
): OperationRoute | RouteFailure {
  const name = SIGNING_ALIASES[signingName] ?? signingName;
  if (name === "s3" && models.has("s3")) return routeS3(models, request, options);
  const heads = models.heads.filter((head) => head.signingName === name);
  const route = routeRest(
    models,
    request,
    heads.map((head) => head.name),
  );
  if (route) return route;
  const model = heads[0] && models.load(heads[0].name);
  if (!model) {
    const error = new AwsError("UnknownOperationException", `There is no service ${name.slice(0, 100)} here.`, 404);
    return { found: false, model: undefined, protocol: "restJson1", error };
  }
  return { found: false, model, protocol: model.protocol, error: unknownPath(request) };
}

function routeUnsigned(
  models: ModelRegistry,
  request: HttpRequest,
  options: RouteOptions,
): OperationRoute | RouteFailure {
  const bucket = bucketOfHost(hostOf(request), options.publicHost);
  if (bucket === undefined) {
    const names = models.heads.filter((head) => isRest(head.protocol) && head.name !== "s3").map((head) => head.name);
    const route = routeRest(models, request, names);
    if (route) return route;
  }
  if (models.has("s3")) return routeS3(models, request, options);
  return { found: false, model: undefined, protocol: "restJson1", error: unknownPath(request) };
}

function routeRest(
  models: ModelRegistry,
  request: HttpRequest,
  names: readonly string[],
): OperationRoute | RouteFailure | undefined {
  for (const name of names) {
    const model = models.load(name);
    if (!isRest(model.protocol)) continue;
    const match = refused(model, () => matchRestOperation(model, request));
    if (match && "error" in match) return match;
    if (match) return { found: true, model, protocol: model.protocol, ...match };
  }
  return undefined;
}

/** A path that cannot be decoded is the client's fault, to be told in the service's protocol. */
function refused<T>(model: ServiceModel, match: () => T): T | RouteFailure {
  try {
    return match();
  } catch (error) {
    if (error instanceof AwsError) return { found: false, model, protocol: model.protocol, error };
    throw error;
  }
}

function routeS3(models: ModelRegistry, request: HttpRequest, options: RouteOptions): OperationRoute | RouteFailure {
  const model = compiled(models, "s3", () => models.load("s3"));
  const hostBucket = bucketOfS3Host(hostOf(request), options.publicHost);
  const match = refused(model, () => matchS3Operation(model, request, hostBucket));
  if (match && "error" in match) return match;
  if (match) return { found: true, model, protocol: "restXml", ...match };
  const isBucket = hostBucket === undefined ? /^\/[^/]+\/?$/.test(request.path) : request.path === "/";
  const error =
    request.method === "POST" && isBucket && request.rawQuery === "" ? noForm() : notAllowed(request.method);
  return { found: false, model, protocol: "restXml", error };
}

/** What is posted to a bucket itself is a form with a file, which is looked for before. */
function noForm(): AwsError {
  return new AwsError("PreconditionFailed", "At least one of the pre-conditions you specified did not hold", 412, {
    Condition: "Bucket POST must be of the enclosure-type multipart/form-data",
  });
}

function notAllowed(method: string): AwsError {
  const message = "The specified method is not allowed against this resource.";
  return new AwsError("MethodNotAllowed", message, 405, { Method: method });
}

function hostOf(request: HttpRequest): string {
  return headerOf(request, "host") ?? "";
}

function unknownPath(request: HttpRequest): AwsError {
  const path = request.path.slice(0, 200);
  return new AwsError("UnknownOperationException", `No operation answers ${request.method} ${path}.`, 404);
}
