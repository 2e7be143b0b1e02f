import { badRequest, missing } from "./model.ts";

/** An operation of another service that a route may call without a function. */
export interface Subtype {
  readonly service: "sqs" | "events";
  readonly operation: string;
  readonly required: readonly string[];
  readonly optional: readonly string[];
  /** The parameters are one entry of a list of this name. */
  readonly entryOf?: string;
}

const QUEUE = { service: "sqs", optional: [] } as const;

/** https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-aws-services-reference.html */
const SUBTYPES: Readonly<Record<string, Subtype>> = {
  "EventBridge-PutEvents": {
    service: "events",
    operation: "PutEvents",
    required: ["Detail", "DetailType", "Source"],
    optional: ["Time", "EventBusName", "Resources", "TraceHeader"],
    entryOf: "Entries",
  },
  "SQS-SendMessage": {
    ...QUEUE,
    operation: "SendMessage",
    required: ["QueueUrl", "MessageBody"],
    optional: [
      "DelaySeconds",
      "MessageAttributes",
      "MessageDeduplicationId",
      "MessageGroupId",
      "MessageSystemAttributes",
    ],
  },
  "SQS-ReceiveMessage": {
    ...QUEUE,
    operation: "ReceiveMessage",
    required: ["QueueUrl"],
    optional: [
      "AttributeNames",
      "MaxNumberOfMessages",
      "MessageAttributeNames",
      "ReceiveRequestAttemptId",
      "VisibilityTimeout",
      "WaitTimeSeconds",
    ],
  },
  "SQS-DeleteMessage": { ...QUEUE, operation: "DeleteMessage", required: ["ReceiptHandle", "QueueUrl"] },
  "SQS-PurgeQueue": { ...QUEUE, operation: "PurgeQueue", required: ["QueueUrl"] },
};
/** What else AWS has: services that are not here. */
const ELSEWHERE =
  /^(AppConfig-GetConfiguration|Kinesis-PutRecord|StepFunctions-(StartExecution|StartSyncExecution|StopExecution))$/;

/** What a subtype calls; throws where there is none of that name. */
export function subtypeOf(name: string): Subtype {
  const plain = name.replace(/-1\.0$/, "");
  const found = Object.hasOwn(SUBTYPES, plain) ? SUBTYPES[plain] : undefined;
  if (found) return found;
  throw ELSEWHERE.test(plain)
    ? missing(`integrations of the subtype ${plain}`)
    : badRequest(`Invalid integration subtype specified: ${name}`);
}

/** Refuses an integration that could never be called. */
export function checkSubtype(integration: {
  readonly subtype: string;
  readonly credentialsArn?: string | undefined;
  readonly payloadFormatVersion: string;
  readonly requestParameters?: Readonly<Record<string, string>> | undefined;
}): void {
  const { subtype, credentialsArn, payloadFormatVersion, requestParameters: given = {} } = integration;
  const { required, optional } = subtypeOf(subtype);
  if (payloadFormatVersion !== "1.0") throw badRequest(`PayloadFormatVersion of ${subtype} integrations must be 1.0`);
  if (!credentialsArn) throw badRequest(`CredentialsArn is a required parameter for ${subtype} integrations`);
  const absent = required.filter((name) => !Object.hasOwn(given, name));
  if (absent.length > 0) throw badRequest(`Missing required request parameters for ${subtype}: ${absent.join(", ")}`);
  const unknown = Object.keys(given).filter((name) => ![...required, ...optional, "Region"].includes(name));
  if (unknown.length > 0) throw badRequest(`Invalid request parameters for ${subtype}: ${unknown.join(", ")}`);
}
