import type { JsonObject } from "../yaml/index.ts";
import { isObject } from "../yaml/index.ts";
import type { SamContext, SamResource } from "./context.ts";
import { addResource, isIntrinsic, pick, ref, SamFault, sharedAttributes } from "./context.ts";

/** Adds a function URL and, where it is public, the permissions that make it so. */
export function addFunctionUrl(context: SamContext, resource: SamResource, alias: string | undefined): void {
  const { id, properties: p } = resource;
  const config = p.FunctionUrlConfig as JsonObject;
  const auth = config.AuthType;
  if (auth === undefined || (!isIntrinsic(auth) && auth !== "AWS_IAM" && auth !== "NONE")) {
    throw new SamFault(
      id,
      "AuthType is required to configure function property `FunctionUrlConfig`. Please provide either AWS_IAM or NONE.",
    );
  }
  if (config.Cors !== undefined && !isObject(config.Cors)) {
    throw new SamFault(id, "'Cors' must be a map. Please provide a map for `Cors` in `FunctionUrlConfig`.");
  }
  checkCors(id, config.Cors);
  const target = ref(alias ?? id);
  const shared = sharedAttributes(resource);
  const url = { TargetFunctionArn: target, ...pick(config, ["AuthType", "Cors", "InvokeMode"]) };
  addResource(context, `${id}Url`, "AWS::Lambda::Url", url, shared);
  if (auth !== "NONE") return;
  addResource(
    context,
    `${id}UrlPublicPermissions`,
    "AWS::Lambda::Permission",
    { Action: "lambda:InvokeFunctionUrl", FunctionName: target, Principal: "*", FunctionUrlAuthType: "NONE" },
    shared,
  );
  addResource(
    context,
    `${id}URLInvokeAllowPublicAccess`,
    "AWS::Lambda::Permission",
    { Action: "lambda:InvokeFunction", FunctionName: target, Principal: "*", InvokedViaFunctionUrl: true },
    shared,
  );
}

const CORS = new Set("AllowOrigins AllowMethods AllowCredentials AllowHeaders ExposeHeaders MaxAge".split(" "));

function checkCors(id: string, cors: unknown): void {
  if (!isObject(cors) || isIntrinsic(cors)) return;
  for (const name of Object.keys(cors)) {
    if (!CORS.has(name)) throw new SamFault(id, `${name} is not a valid property for configuring Cors.`);
    const value = cors[name] ?? null;
    const kind = name === "MaxAge" ? "int" : name === "AllowCredentials" ? "bool" : "list";
    const right = { int: Number.isInteger(value), bool: typeof value === "boolean", list: Array.isArray(value) }[kind];
    if (!right && !isIntrinsic(value)) throw new SamFault(id, `${name} must be of type ${kind}.`);
  }
}
