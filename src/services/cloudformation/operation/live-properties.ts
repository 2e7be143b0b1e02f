import type { Context } from "../../../aws/context.ts";
import {
  findDynamicReferences,
  substituteDynamicReferences,
  type DynamicReference,
} from "../../../engines/cloudformation/index.ts";
import type { JsonObject } from "../../../engines/yaml/index.ts";
import { AwsError } from "../../../kernel/aws-error.ts";
import { StepFailed } from "./failure.ts";

/** Properties with the values of their dynamic references (`{{resolve:ssm:...}}`), read as the stack; never stored. */
export async function liveProperties(ctx: Context<any>, properties: JsonObject): Promise<JsonObject> {
  const references = findDynamicReferences(properties);
  if (references.length === 0) return properties;
  const values = new Map<string, string>();
  for (const reference of references) values.set(reference.text, await read(ctx, reference));
  return substituteDynamicReferences(properties, values) as JsonObject;
}

async function read(ctx: Context<any>, { service, key, text }: DynamicReference): Promise<string> {
  try {
    if (service === "secretsmanager") return await readSecret(ctx, key);
    const { Parameter } = await ctx.call("ssm", "GetParameter", {
      Name: key,
      WithDecryption: service === "ssm-secure",
    });
    if (service === "ssm" && Parameter?.Type === "SecureString") {
      throw new StepFailed(`Parameters [${key}] referenced by template have types not supported by CloudFormation.`);
    }
    return String(Parameter?.Value ?? "");
  } catch (error) {
    if (error instanceof AwsError) throw new StepFailed(`Could not resolve ${text}: ${error.message}`);
    throw error;
  }
}

/** `secret-id:SecretString:json-key:version-stage:version-id`; an id may be an ARN, which has colons itself. */
async function readSecret(ctx: Context<any>, key: string): Promise<string> {
  const at = key.indexOf(":SecretString");
  const id = at < 0 ? key : key.slice(0, at);
  const [, , member = "", stage = "", version = ""] = at < 0 ? [] : key.slice(at).split(":");
  const call = ctx.call.bind(ctx) as (
    service: string,
    operation: string,
    input: object,
  ) => Promise<{ SecretString?: string }>;
  const input = { SecretId: id, ...(stage ? { VersionStage: stage } : {}), ...(version ? { VersionId: version } : {}) };
  const { SecretString = "" } = await call("secretsmanager", "GetSecretValue", input);
  if (!member) return SecretString;
  let values: unknown;
  try {
    values = JSON.parse(SecretString);
  } catch {
    throw new StepFailed(`Could not parse SecretString JSON of secret ${id}.`);
  }
  const value =
    typeof values === "object" && values !== null && Object.hasOwn(values, member)
      ? (values as Record<string, unknown>)[member]
      : undefined;
  if (value === undefined) throw new StepFailed(`Could not find a value associated with JSONKey in SecretString`);
  return typeof value === "string" ? value : JSON.stringify(value);
}
