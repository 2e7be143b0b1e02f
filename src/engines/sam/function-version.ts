import type { JsonObject, JsonValue } from "../yaml/index.ts";
import { isObject } from "../yaml/index.ts";
import type { SamContext, SamResource } from "./context.ts";
import {
  addResource,
  canonicalJson,
  compact,
  getAtt,
  isIntrinsic,
  ref,
  resolveParameters,
  SamFault,
  sha1,
  sharedAttributes,
} from "./context.ts";

/** Adds a version named after the code, and the alias that AutoPublishAlias asks for. Gives the alias's logical id. */
export function addVersionAndAlias(context: SamContext, resource: SamResource, lambda: JsonObject): string | undefined {
  const { id, properties: p } = resource;
  if (p.AutoPublishAlias === undefined) return undefined;
  const alias = resolveParameters(context, p.AutoPublishAlias);
  if (typeof alias !== "string") {
    throw new SamFault(id, "'AutoPublishAlias' must be a string or a Ref to a template parameter");
  }
  if (alias !== "" && !/^(?![0-9]+$)[a-zA-Z0-9-_]+$/.test(alias)) {
    throw new SamFault(
      id,
      `AutoPublishAlias name ('${alias}') must contain only alphanumeric characters, hyphens, or underscores matching (?!^[0-9]+$)([a-zA-Z0-9-_]+) pattern.`,
    );
  }
  if (alias === "") throw new SamFault(id, "Alias name is required to create an alias");
  const sha256 =
    p.AutoPublishCodeSha256 === undefined ? undefined : resolveParameters(context, p.AutoPublishCodeSha256);
  if (sha256 !== undefined && typeof sha256 !== "string")
    throw new SamFault(id, "AutoPublishCodeSha256 must be a string");
  if (typeof sha256 === "string") describe(context, lambda, sha256);
  const versionId = `${id}Version${versionHash(context, resource, lambda, sha256)}`;
  const shared = sharedAttributes(resource);
  const policy = resolveParameters(context, p.VersionDeletionPolicy ?? "Retain");
  if (policy !== "Delete" && policy !== "Retain") {
    throw new SamFault(id, "Property 'VersionDeletionPolicy' should be a one of the strings: 'Delete' or 'Retain'.");
  }
  const kept = { DeletionPolicy: policy, ...shared };
  const version = compact({
    FunctionName: ref(id),
    Description: p.VersionDescription,
    FunctionScalingConfig: undefined,
  });
  addResource(context, versionId, "AWS::Lambda::Version", version, kept);
  const aliasId = `${id}Alias${alias.replace(/[^a-zA-Z0-9]/g, (c) => ALIAS_WORDS[c] ?? "")}`;
  const properties = compact({
    Name: alias,
    FunctionName: ref(id),
    FunctionVersion: getAtt(versionId, "Version"),
    ProvisionedConcurrencyConfig: p.ProvisionedConcurrencyConfig,
  });
  addResource(context, aliasId, "AWS::Lambda::Alias", properties, shared);
  context.aliases.set(id, { ...context.aliases.get(id), Alias: aliasId, Version: versionId });
  return aliasId;
}

const ALIAS_WORDS: Readonly<Record<string, string>> = { "-": "D", _: "U" };

function describe(context: SamContext, lambda: JsonObject, sha256: string): void {
  const own = resolveParameters(context, lambda.Description ?? "");
  lambda.Description = isIntrinsic(own)
    ? { "Fn::Join": [" ", [own, sha256]] }
    : own
      ? `${String(own)} ${sha256}`
      : sha256;
}

function versionHash(
  context: SamContext,
  resource: SamResource,
  lambda: JsonObject,
  sha256: string | undefined,
): string {
  const { properties: p } = resource;
  const code = resolveParameters(context, lambda.Code ?? {});
  let data: JsonValue = isObject(code) && sha256 ? { ...code } : code;
  if (isObject(data)) {
    const snap =
      isObject(lambda.SnapStart) && lambda.SnapStart.ApplyOn !== undefined && lambda.SnapStart.ApplyOn !== "None";
    data = {
      ...data,
      ...(isObject(lambda.Environment) && lambda.Environment),
      ...(lambda.MemorySize !== undefined && { MemorySize: lambda.MemorySize }),
      ...(snap && { SnapStart: lambda.SnapStart ?? null }),
    };
  }
  if (p.AutoPublishAliasAllProperties === true) data = lambda;
  if (sha256 !== undefined) return sha256.slice(0, 10);
  return sha1(canonicalJson(data)).slice(0, 10);
}
