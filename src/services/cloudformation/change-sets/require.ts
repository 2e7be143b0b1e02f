import { isAllowed } from "../../../aws/authorize.ts";
import type { Context } from "../../../aws/context.ts";
import { AwsError } from "../../../kernel/aws-error.ts";

/** Refuses who may not create a change set of `resource`: a transform that it uses, or a nested stack that it covers. */
export async function requireChangeSet(ctx: Context<any>, resource: string): Promise<void> {
  const permission = { action: "cloudformation:CreateChangeSet", resource };
  if (await isAllowed(ctx, permission)) return;
  const who = "arn" in ctx.principal ? ctx.principal.arn : ctx.principal.kind;
  throw new AwsError(
    "AccessDenied",
    `User: ${who} is not authorized to perform: ${permission.action} on resource: ${permission.resource}`,
    403,
  );
}
