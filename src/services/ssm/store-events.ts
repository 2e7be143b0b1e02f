import type { Context } from "../../aws/context.ts";
import type { Statement } from "../../ports/database.ts";
import { parameterArn, type ParameterPolicy, type ParameterType } from "./model.ts";

interface Changed {
  readonly name: string;
  readonly type: ParameterType;
  readonly description?: string | undefined;
}

/** EventBridge's event of a change; to be written with it. */
export function changeEvent(
  ctx: Context<any>,
  operation: "Create" | "Update" | "Delete" | "LabelParameterVersion",
  { name, type, description }: Changed,
): Statement[] {
  return send(ctx, name, "Parameter Store Change", { operation, name, type, ...(description ? { description } : {}) });
}

/** EventBridge's event of a policy that has come due. */
export function policyEvent(ctx: Context<any>, { name, type }: Changed, policy: ParameterPolicy): Statement[] {
  return send(ctx, name, "Parameter Store Policy Action", {
    "parameter-name": name,
    "parameter-type": type,
    "policy-type": policy.type,
    "policy-content": policy.text,
    "action-status": "Success",
    "action-reason": "",
  });
}

function send(ctx: Context<any>, name: string, DetailType: string, detail: object): Statement[] {
  const resource = parameterArn(ctx, name);
  const entry = {
    Source: "aws.ssm",
    DetailType,
    Resources: [resource],
    Detail: JSON.stringify(detail),
    Time: new Date(ctx.now()),
  };
  return ctx.asService(resource).later("events", "PutEvents", { Entries: [entry] });
}
