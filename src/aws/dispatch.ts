import { AwsError, notImplemented } from "../kernel/aws-error.ts";
import { fileFailure, StorageBusy, StorageFull } from "../ports/database.ts";
import { authorize } from "./authorize.ts";
import type { Context } from "./context.ts";
import { validateInput } from "./protocol/validate.ts";
import { refuseMembers } from "./refused-members.ts";
import { refuseReservedTags } from "./resource-tags.ts";
import type { Operation, PreparedCall } from "./service.ts";

/**
 * Runs one operation of `ctx.service` as `ctx.principal`: it must exist (else 501), its input must fit the model, the
 * principal must be allowed; then the service does it. Both the front door and `ctx.call` come through here.
 */
export async function dispatch(ctx: Context<any>, name: string, input: object): Promise<object> {
  const operation = checked(ctx, name, input);
  await authorize(ctx, operation, input);
  refuse(ctx, name, input);
  try {
    const output: unknown = await operation.run(ctx, input);
    return (output ?? {}) as object;
  } catch (error) {
    throw storageError(ctx, error);
  }
}

/**
 * Does everything that comes before an operation's own work, for calls to come; good until something is written.
 * Undefined where the operation cannot be prepared, or a policy asks for what only the call itself tells (the time, an
 * address). Throws what `dispatch` would.
 */
export async function prepare(ctx: Context<any>, name: string, input: object): Promise<PreparedCall | undefined> {
  const operation = checked(ctx, name, input);
  const isLasting = await authorize(ctx, operation, input);
  refuse(ctx, name, input);
  return isLasting ? operation.prepare?.(ctx, input) : undefined;
}

/** The operation, which the service must have and whose model the input must fit. */
function checked(ctx: Context<any>, name: string, input: object): Operation<any, any, any> {
  const service = ctx.registry.service(ctx.service);
  if (!service) throw notImplemented(`the service ${ctx.service}`);
  const model = ctx.registry.models.load(ctx.service);
  const shape = model.operation(name);
  if (!shape)
    throw new AwsError("UnknownOperationException", `The service ${ctx.service} has no operation ${name}.`, 404);
  const operation = service.operations[name];
  if (!operation) throw notImplemented(`${ctx.service} ${name}`);
  validateInput(model, shape, input);
  refuseReservedTags(ctx, input as Readonly<Record<string, unknown>>);
  return operation;
}

const refuse = (ctx: Context<any>, name: string, input: object): void =>
  refuseMembers(name, ctx.registry.service(ctx.service)?.refuses[name], input);

/** What the store cannot take just now, in terms that every client understands and tries again. */
function storageError(ctx: Context<any>, error: unknown): unknown {
  const reason = fileFailure(error, "a file");
  if (!(reason instanceof StorageBusy) && !(reason instanceof StorageFull)) return error;
  ctx.platform.log.error("the store refused a write", { service: ctx.service, error: reason });
  const code = reason instanceof StorageBusy && ctx.service === "s3" ? "SlowDown" : "ServiceUnavailable";
  return Object.assign(new AwsError(code, `Nothing was stored: ${reason.message}.`, 503), { cause: reason });
}
