import type { Context } from "../../aws/context.ts";
import { compilePolicy } from "../../engines/policy/index.ts";
import { badRequest, type RestApi } from "./model.ts";

type Statement = Record<string, unknown>;

/** The API with its policy as it is enforced: checked, with resources in full. An empty text is no policy. */
export function withPolicy(ctx: Context<any>, api: RestApi): RestApi {
  const { policy, ...rest } = api;
  if (policy === undefined || policy.trim() === "") return rest;
  try {
    const document = JSON.parse(policy) as { Statement?: Statement | Statement[] };
    const statements = [document.Statement ?? []].flat().map((statement) => ({
      ...statement,
      ...inFull(ctx, api.id, statement, "Resource"),
      ...inFull(ctx, api.id, statement, "NotResource"),
    }));
    const full = JSON.stringify({ ...document, Statement: statements });
    compilePolicy(full, "resource");
    return { ...rest, policy: full };
  } catch {
    throw badRequest("Invalid policy document. Please check the policy syntax and ensure that Principals are valid.");
  }
}

/** `execute-api:/stage/GET/path` is short for what is below this API. */
function inFull(ctx: Context<any>, api: string, statement: Statement, member: "Resource" | "NotResource"): Statement {
  const given = statement[member];
  if (given === undefined) return {};
  const full = (resource: unknown): unknown =>
    typeof resource === "string"
      ? resource.replace(/^execute-api:\//, `arn:aws:execute-api:${ctx.region}:${ctx.account}:${api}/`)
      : resource;
  return { [member]: Array.isArray(given) ? given.map(full) : full(given) };
}
