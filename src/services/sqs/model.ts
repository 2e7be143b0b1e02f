import type { Context } from "../../aws/context.ts";
import type { Permission } from "../../aws/service.ts";
import { arn } from "../../kernel/arn.ts";
import { AwsError } from "../../kernel/aws-error.ts";
import type { SqsState } from "./state.ts";

export type Ctx = Context<SqsState>;

/** A queue as it is stored. */
export interface Queue {
  readonly name: string;
  /** Names this queue and no later one of the same name. */
  readonly uid: string;
  readonly created: number;
  readonly modified: number;
  /** Attributes that were set; the others have their defaults. */
  readonly attributes: Readonly<Record<string, string>>;
  readonly tags?: Readonly<Record<string, string>>;
}

export const QUEUE = "queue";

export const isFifo = (queue: Pick<Queue, "name">): boolean => queue.name.endsWith(".fifo");

export const queueArn = (place: { region: string; account: string }, name: string): string =>
  arn("sqs", place.region, place.account, name);

/** The URL by which a caller reaches the queue: at the host that it called, if that is SQS's own name. */
export function queueUrl(ctx: Pick<Ctx, "http" | "account" | "platform">, name: string): string {
  const host = ctx.http?.host ?? "";
  const origin = /^(?:127\.0\.0\.1:\d+$|sqs\.|[a-z0-9-]+\.queue\.)/.test(host)
    ? `${ctx.http?.secure ? "https" : "http"}://${host}`
    : ctx.platform.settings.publicUrl;
  return `${origin}/${ctx.account}/${name}`;
}

/** SQS's errors that its model does not know have one name in JSON and another in the query protocol. */
export const invalidValue = (message: string): AwsError =>
  new AwsError("InvalidParameterValueException", message, 400, { QueryCode: "InvalidParameterValue" });
export const missing = (name: string): AwsError =>
  new AwsError("MissingRequiredParameterException", `The request must contain the parameter ${name}.`, 400, {
    QueryCode: "MissingParameter",
  });
export const invalidParameter = (name: string, value: unknown, reason: string): AwsError =>
  invalidValue(`Value ${String(value)} for parameter ${name} is invalid. Reason: ${reason}`);
export const invalidAttribute = (message: string): AwsError => new AwsError("InvalidAttributeValue", message, 400);
export const noQueue = (): AwsError => new AwsError("QueueDoesNotExist", "The specified queue does not exist.", 400);
export const resourceNotFound = (message: string): AwsError => new AwsError("ResourceNotFoundException", message, 404);

/** Account and name in a queue's URL; a bare name is taken as one of the caller's account, as SQS does. */
export function parseUrl(ctx: Pick<Ctx, "account">, url: string | undefined): { account: string; name: string } {
  if (!url) throw missing("QueueUrl");
  const path = /^https?:\/\//.test(url) ? (URL.parse(url)?.pathname ?? "") : url.startsWith("/") ? url : `/${url}`;
  const [, account, name = ""] = /^(?:\/queue\/[a-z0-9-]+)?(?:\/(\d{12}))?\/([\w.-]{1,80})\/?$/.exec(path) ?? [];
  if (!name) throw noQueue();
  return { account: account ?? ctx.account, name };
}

/** The queue of a call; throws where there is none. */
export async function queueOf(ctx: Ctx, url: string | undefined): Promise<Queue> {
  const { account, name } = parseUrl(ctx, url);
  const queue = account === ctx.account ? await findQueue(ctx, name) : undefined;
  if (!queue) throw noQueue();
  return queue;
}

export async function findQueue(ctx: Ctx, name: string): Promise<Queue | undefined> {
  return (await ctx.records.get<Queue>(QUEUE, name))?.value;
}

/** The queue that an ARN names, where it is one of this account and region. */
export async function queueByArn(ctx: Ctx, text: string): Promise<Queue | undefined> {
  const name = text.slice(text.lastIndexOf(":") + 1);
  return text === queueArn(ctx, name) ? findQueue(ctx, name) : undefined;
}

/** The permission for an action on the queue that the input names, with the queue's own policy. */
export function onQueue(action: string) {
  return async (input: { QueueUrl?: string | undefined }, ctx: Ctx): Promise<Permission[]> => {
    const { account, name } = parseUrl(ctx, input.QueueUrl);
    const queue = account === ctx.account ? await findQueue(ctx, name) : undefined;
    // An AWS service learns that there is no such queue: it asks on behalf of somebody who has to mend it.
    if (!queue && ctx.principal.kind === "service") throw noQueue();
    return [queuePermission(ctx, action, account, name, queue)];
  };
}

export function queuePermission(
  ctx: Ctx,
  action: string,
  account: string,
  name: string,
  queue: Queue | undefined,
): Permission {
  const policy = queue?.attributes["Policy"];
  return {
    action: `sqs:${action}`,
    resource: queueArn({ region: ctx.region, account }, name),
    owner: account,
    ...(policy ? { resourcePolicy: policy } : {}),
  };
}
