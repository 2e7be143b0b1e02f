import { AwsError } from "../../kernel/aws-error.ts";
import { integrated, type Call, type Caller, type RestContext } from "./call.ts";
import { serverError, type Refusal } from "./gateway-responses.ts";
import { askerOf } from "./lambda-proxy.ts";
import type { Mapped } from "./mapped-integration.ts";
import { queuePath, serviceAction, type Integration } from "./model.ts";
import { mappedValue } from "./template-values.ts";

/** Calls an operation of another service as the integration's role, with the mapped body as its input. */
export async function callService(
  ctx: RestContext,
  call: Call,
  caller: Caller,
  integration: Integration,
  body: string,
): Promise<Mapped | Refusal> {
  const uri = integration.uri ?? "";
  const asker = integration.credentials === undefined ? undefined : askerOf(integration.credentials, caller);
  const queue = queuePath(uri);
  const target = queue === undefined ? serviceAction(uri) : { service: "sqs", operation: "" };
  if (!asker || !target || "sourceArn" in asker) return serverError();
  const form = queue === undefined ? undefined : new URLSearchParams(body);
  for (const [to, from] of Object.entries(integration.requestParameters ?? {})) {
    const name = /^integration\.request\.querystring\.(.+)$/.exec(to)?.[1];
    const value = mappedValue(call, from);
    if (form && name && value !== undefined) form.set(name, value);
  }
  const input = form ? queueInput(ctx, queue!, form) : jsonInput(body);
  if (!input) return answered(ctx, call, 400, { message: "the mapped request is not JSON" });
  const operation = form ? (form.get("Action") ?? "") : target.operation;
  const started = performance.now();
  try {
    const as = "role" in asker ? await ctx.asRole(asker.role, "apigateway") : ctx.as(asker.principal);
    const output = await as.call(target.service as "sqs", operation as "SendMessage", input);
    const own = { ...output } as Record<string, unknown>;
    const whole = form
      ? { [`${operation}Response`]: { [`${operation}Result`]: own, ResponseMetadata: { RequestId: ctx.requestId } } }
      : own;
    return answered(ctx, call, 200, whole, performance.now() - started);
  } catch (error) {
    if (!(error instanceof AwsError)) throw error;
    const said = form
      ? { Error: { Code: error.code, Message: error.message, Type: "Sender" }, RequestId: ctx.requestId }
      : { __type: error.code, message: error.message };
    return answered(ctx, call, error.status, said, performance.now() - started);
  }
}

function answered(ctx: RestContext, call: Call, status: number, value: object, latencyMs = 0): Mapped {
  integrated(ctx, call, status, latencyMs);
  const headers = [["x-amzn-RequestId", ctx.requestId]] as const;
  return { selector: String(status), body: Buffer.from(JSON.stringify(value)), headers };
}

function jsonInput(body: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(body === "" ? "{}" : body);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

/** A form's flat members: those of SQS's operations on one message. */
function queueInput(ctx: RestContext, queue: string, form: URLSearchParams): Record<string, unknown> {
  const { Action: _action, Version: _version, ...members } = Object.fromEntries(form);
  const numbers = ["DelaySeconds", "MaxNumberOfMessages", "VisibilityTimeout", "WaitTimeSeconds"];
  const typed = Object.entries(members).map(([name, value]) => [name, numbers.includes(name) ? Number(value) : value]);
  return { ...Object.fromEntries(typed), QueueUrl: `${ctx.platform.settings.publicUrl}/${queue}` };
}
