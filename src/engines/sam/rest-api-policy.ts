import type { JsonObject, JsonValue } from "../yaml/index.ts";
import { isObject } from "../yaml/index.ts";
import type { SamContext, SamResource } from "./context.ts";
import { canonicalJson, resolveParameters, SamFault, structureFault } from "./context.ts";

const KNOWN = new Set(
  (
    "CustomStatements AwsAccountWhitelist AwsAccountBlacklist IpRangeWhitelist IpRangeBlacklist SourceVpcWhitelist " +
    "SourceVpcBlacklist IntrinsicVpcWhitelist IntrinsicVpcBlacklist IntrinsicVpceWhitelist IntrinsicVpceBlacklist"
  ).split(" "),
);

/** Adds the resource policy that the API, or the events of its routes, ask for. */
export function applyResourcePolicy(context: SamContext, resource: SamResource, body: JsonObject): void {
  const given = resolveParameters(context, resource.properties.Auth ?? null);
  const auth = isObject(given) ? given : {};
  const statements: JsonValue[] = [];
  const stage = resource.properties.StageName ?? "Prod";
  if (auth.ResourcePolicy !== undefined) {
    for (const [path, item] of Object.entries(isObject(body.paths) ? body.paths : {})) {
      for (const method of Object.keys(isObject(item) ? item : {})) {
        if (method === "options" || method === "parameters") continue;
        const own = isObject(auth.ResourcePolicy) ? { ...auth.ResourcePolicy } : auth.ResourcePolicy;
        if (isObject(own)) delete own.CustomStatements;
        add(resource, own, path, method, stage, statements);
      }
    }
    if (isObject(auth.ResourcePolicy)) statements.push(...custom(auth.ResourcePolicy));
  }
  for (const route of context.routes.get(resource.id) ?? []) {
    const own = isObject(route.event.settings.Auth) ? route.event.settings.Auth.ResourcePolicy : undefined;
    if (own === undefined) continue;
    if (isObject(own)) statements.push(...custom(own));
    add(resource, own, route.path, route.method, stage, statements);
  }
  const unique = new Map(statements.map((one) => [canonicalJson(one), one]));
  statements.splice(0, statements.length, ...unique.values());
  const [first] = statements;
  if (first === undefined) return;
  const before = body["x-amazon-apigateway-policy"];
  const own = isObject(before) ? before.Statement : undefined;
  const all = [...(Array.isArray(own) ? own : own === undefined || own === null ? [] : [own]), ...statements];
  // A statement that is alone stays without a list, unless the template gave it in one.
  const listed = isObject(auth.ResourcePolicy) && Array.isArray(auth.ResourcePolicy.CustomStatements);
  const Statement = all.length === 1 && !listed ? first : all;
  body["x-amazon-apigateway-policy"] = { Version: "2012-10-17", ...(isObject(before) ? before : {}), Statement };
}

function custom(policy: JsonObject): JsonValue[] {
  const own = policy.CustomStatements;
  return own === undefined ? [] : Array.isArray(own) ? own : [own];
}

function add(
  resource: SamResource,
  policy: JsonValue,
  path: string,
  method: string,
  stage: JsonValue,
  out: JsonValue[],
): void {
  if (!isObject(policy)) throw new SamFault(resource.id, "ResourcePolicy must be a map");
  const strange = Object.keys(policy).find((name) => !KNOWN.has(name));
  if (strange) throw new SamFault(resource.id, `Starling does not translate '${strange}' of ResourcePolicy.`);
  const verb = /any/.test(method) ? "*" : method.toUpperCase();
  const text = `execute-api:/\${__Stage__}/${verb}${path.replace(/\{[a-zA-Z0-9._-]+\+?\}/g, "*")}`;
  const Resource = [{ "Fn::Sub": [text, { __Stage__: stage }] }];
  const statement = (Effect: string, more: JsonObject): JsonObject => ({
    Action: "execute-api:Invoke",
    Effect,
    Principal: "*",
    Resource,
    ...more,
  });
  const accounts: readonly [string, string][] = [
    ["AwsAccountWhitelist", "Allow"],
    ["AwsAccountBlacklist", "Deny"],
  ];
  for (const [name, effect] of accounts) {
    if (policy[name] !== undefined) out.push(statement(effect, { Principal: { AWS: policy[name] } }));
  }
  const limits = conditions(policy);
  if (limits.length > 0) out.push(statement("Allow", {}));
  for (const condition of limits) out.push(statement("Deny", { Condition: condition }));
}

function conditions(policy: JsonObject): JsonObject[] {
  const result: JsonObject[] = [];
  if (policy.IpRangeWhitelist !== undefined) result.push({ NotIpAddress: { "aws:SourceIp": policy.IpRangeWhitelist } });
  if (policy.IpRangeBlacklist !== undefined) result.push({ IpAddress: { "aws:SourceIp": policy.IpRangeBlacklist } });
  for (const [suffix, operator] of [
    ["Whitelist", "StringNotEquals"],
    ["Blacklist", "StringEquals"],
  ] as const) {
    const given = policy[`SourceVpc${suffix}`];
    if (given !== undefined && !(Array.isArray(given) && given.every((item) => typeof item === "string"))) {
      throw structureFault(
        `SourceVpc${suffix} must be a list of strings. Use IntrinsicVpc${suffix} instead for values that use Intrinsic Functions`,
      );
    }
    const all = Array.isArray(given) ? given : given === undefined ? [] : [given];
    const endpoint = (value: JsonValue): boolean => typeof value === "string" && value.startsWith("vpce-");
    const more = (name: string): JsonValue[] => (Array.isArray(policy[name]) ? policy[name] : []);
    const vpcs = [...all.filter((value) => !endpoint(value)), ...more(`IntrinsicVpc${suffix}`)];
    const endpoints = [...all.filter(endpoint), ...more(`IntrinsicVpce${suffix}`)];
    const keys: JsonObject = {};
    if (vpcs.length > 0) keys["aws:SourceVpc"] = vpcs;
    if (endpoints.length > 0) keys["aws:SourceVpce"] = endpoints;
    if (Object.keys(keys).length > 0) result.push({ [operator]: keys });
  }
  return result;
}
