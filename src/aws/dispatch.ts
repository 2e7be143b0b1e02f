import { AwsError, notImplemented } from "../kernel/aws-error.ts";
import { authorize } from "./authorize.ts";
import type { Context } from "./context.ts";
import { validateInput } from "./protocol/validate.ts";

/**
 * Runs one operation of `ctx.service` as `ctx.principal`: it must exist (else 501), its input must fit the model, the
 * principal must be allowed; then the service does it. Both the front door and `ctx.call` come through here.
 */
export async function dispatch(ctx: Context<any>, name: string, input: object): Promise<object> {
  const service = ctx.registry.service(ctx.service);
  if (!service) throw notImplemented(`the service ${ctx.service}`);
  const model = ctx.registry.models.load(ctx.service);
  const shape = model.operation(name);
  if (!shape) throw new AwsError("UnknownOperationException", `The service ${ctx.service} has no operation ${name}.`, 404);
  const operation = service.operations[name];
  if (!operation) throw notImplemented(`${ctx.service} ${name}`);
  validateInput(model, shape, input);
  await authorize(ctx, operation, input);
  const output: unknown = await operation.run(ctx, input);
  return (output ?? {}) as object;
}
