import { AwsError } from "../../kernel/aws-error.ts";
import type { Member, ServiceModel } from "../model.ts";

/**
 * Members whose model is narrower than the service: what they accept is decided by their handler.
 * Written as `service.Operation.Member`, with the reason.
 */
const UNENFORCED: ReadonlySet<string> = new Set([
  // Runtimes come and go; the handler answers with the runtimes that it has.
  "lambda.CreateFunction.Runtime",
  "lambda.UpdateFunctionConfiguration.Runtime",
  "lambda.PublishLayerVersion.CompatibleRuntimes",
  // May be an ARN, a partial ARN or a name with a qualifier, longer than the model's pattern admits.
  "lambda.Invoke.FunctionName",
  "lambda.InvokeWithResponseStream.FunctionName",
  // IAM looks a policy's text over itself, and answers MalformedPolicyDocument.
  "iam.CreatePolicy.PolicyDocument",
  // The CLI sends the empty string to remove a description.
  "cloudformation.CreateChangeSet.Description",
  // SQS has a code and words of its own for an attribute that it does not know.
  "sqs.CreateQueue.Attributes",
  "sqs.SetQueueAttributes.Attributes",
  "sqs.GetQueueAttributes.AttributeNames",
  "sqs.ReceiveMessage.AttributeNames",
  "sqs.ReceiveMessage.MessageSystemAttributeNames",
  "sqs.SendMessage.MessageSystemAttributes",
  // Stack names, ids and ARNs: "does not exist" is what clients look for.
  "cloudformation.DescribeStacks.StackName",
]);

/** CodeCommit's handlers look names of repositories over themselves, and have codes and words of their own for them. */
const REPOSITORY_NAME = /^codecommit\.\w+\.repositoryName$/;

export function isUnenforced(member: string): boolean {
  return UNENFORCED.has(member) || REPOSITORY_NAME.test(member);
}

/** What a service calls a violation where it is not `ValidationException`. */
const VIOLATION_CODES: Readonly<Record<string, string>> = {
  apigatewayv2: "BadRequestException",
  cloudfront: "InvalidArgument",
  "cognito-idp": "InvalidParameterException",
  ecr: "InvalidParameterException",
  logs: "InvalidParameterException",
  sns: "InvalidParameter",
  sqs: "InvalidParameterValue",
};

export function violationCode(model: ServiceModel): string {
  const special = VIOLATION_CODES[model.name];
  if (special !== undefined) return special;
  return model.protocol === "awsQuery" || model.queryCompatible ? "ValidationError" : "ValidationException";
}

/** What stands before the members of a request's body: API Gateway names the body, `createRestApiInput.apiKeySource`. */
export function bodyPrefix(operation: string | undefined, { traits }: Member): string {
  const [service, name = ""] = (operation ?? "").split(".");
  const { httpLabel, httpQuery, httpQueryParams, httpHeader } = traits;
  if (service !== "apigateway" || httpLabel || httpQuery || httpQueryParams || httpHeader) return "";
  return `${name.charAt(0).toLowerCase()}${name.slice(1)}Input.`;
}

/** Whether a service names null, too, among what items of a list and values of a map must not be. */
export const saysNotNull = (model: ServiceModel): boolean => model.name === "lambda";

/**
 * The error for a missing member where the service has words of its own for it; else the generic words are used, and
 * all violations are listed together.
 */
export function missingMemberError(model: ServiceModel, member: Member): AwsError | undefined {
  const { name } = member;
  switch (model.name) {
    case "sqs":
      // The query protocol cannot send an empty list.
      if (name === "Entries")
        return new AwsError(
          "EmptyBatchRequest",
          `There should be at least one ${member.shape.value.shape.name} in the request.`,
          400,
        );
      return new AwsError("MissingParameter", `The request must contain the parameter ${name}.`, 400);
    case "monitoring":
      return new AwsError("MissingParameter", `The parameter ${name} is required.`, 400);
    case "s3":
      return missingInS3(member);
    case "sns":
      return new AwsError(
        "InvalidParameter",
        `Invalid parameter: ${name} Reason: no value for required parameter`,
        400,
      );
    default:
      return undefined;
  }
}

/** The error that a service has for some value before it validates the request, as for names of logs. */
export function refusedEarly(model: ServiceModel, input: Readonly<Record<string, unknown>>): AwsError | undefined {
  if (model.name !== "logs") return undefined;
  const isLong = (name: unknown): boolean => typeof name === "string" && name.length > 512;
  if (!isLong(input.logGroupName) && !isLong(input.logStreamName)) return undefined;
  const words = "Invalid LogGroup or LogStream, both must have length less than or equal to 512.";
  return new AwsError("InvalidParameterException", words, 400);
}

function missingInS3(member: Member): AwsError {
  const { traits, name } = member;
  if (traits.httpPayload) {
    if (name === "Policy")
      return new AwsError("MalformedPolicy", "Policies must be valid JSON and the first byte must be '{'", 400);
    return new AwsError("MissingRequestBodyError", "Request Body is empty", 400);
  }
  const where = traits.httpHeader ?? traits.httpQuery ?? name;
  return new AwsError("InvalidRequest", `Missing required header or parameter for this request: ${where}`, 400);
}

/** IAM repeats no value that it refuses, and lists none that it would take. */
export const keepsValues = (model: ServiceModel): boolean => model.name === "iam";

/** Enumerations as AWS's messages list them where that is not the order of its models (it is that of a hash); as recorded. */
const LISTED: ReadonlyMap<string, string> = new Map(
  [
    "HEAD, POST, PATCH, DELETE, PUT, GET, OPTIONS",
    "HMAC_SHA_384, HMAC_SHA_256, HMAC_SHA_224, HMAC_SHA_512",
    "HTTP, MOCK, AWS_PROXY, HTTP_PROXY, AWS",
    "INSUFFICIENT_DATA, ALARM, OK",
    "LATEST, AT_TIMESTAMP, TRIM_HORIZON",
    "PRIVATE, EDGE, REGIONAL",
    "REQUEST_TOO_LARGE, RESOURCE_NOT_FOUND, AUTHORIZER_CONFIGURATION_ERROR, MISSING_AUTHENTICATION_TOKEN, BAD_REQUEST_BODY, INVALID_SIGNATURE, INVALID_API_KEY, BAD_REQUEST_PARAMETERS, AUTHORIZER_FAILURE, UNAUTHORIZED, INTEGRATION_TIMEOUT, ACCESS_DENIED, DEFAULT_4XX, DEFAULT_5XX, WAF_FILTERED, QUOTA_EXCEEDED, THROTTLED, API_CONFIGURATION_ERROR, UNSUPPORTED_MEDIA_TYPE, INTEGRATION_FAILURE, EXPIRED_TOKEN",
    "RESPONSE_BODY, RESPONSE, METHOD, MODEL, AUTHORIZER, RESPONSE_HEADER, RESOURCE, PATH_PARAMETER, REQUEST_BODY, QUERY_PARAMETER, API, REQUEST_HEADER",
    "RESPONSE_STREAM, BUFFERED",
    "SUCCEEDED, TIMED_OUT, PENDING_REDRIVE, ABORTED, FAILED, RUNNING",
    "Terminate, Allow",
    "add, remove, move, test, replace, copy",
    "w3c, raw, json, plain, parquet",
  ].map((list) => [setKey(list.split(", ")), list]),
);

function setKey(values: readonly string[]): string {
  return values.toSorted().join(", ");
}

/** The values of an enumeration as a message lists them. */
export function listed(values: readonly string[]): string {
  return LISTED.get(setKey(values)) ?? values.join(", ");
}
