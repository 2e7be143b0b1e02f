import type { Context } from "../../../aws/context.ts";
import {
  applyIncludes,
  evaluateConditions,
  expandLanguageExtensions,
  findIncludes,
  type Scope,
} from "../../../engines/cloudformation/index.ts";
import { transformCodeStar, transformSam } from "../../../engines/sam/index.ts";
import { isObject, type JsonObject, type JsonValue } from "../../../engines/yaml/index.ts";
import { messageOf } from "../../../kernel/aws-error.ts";
import {
  applyFragmentMacros,
  applyGlobalMacro,
  transformCalls,
  TransformFailed,
  type TransformCall,
} from "./macros.ts";
import { readObject } from "./source.ts";

const SAM = "AWS::Serverless-2016-10-31";
const MAX_INCLUDE_BYTES = 1_048_576;
const MAX_INCLUDES = 50;
const POLICY_PATHS = ["", "service-role/", "job-function/"];

/** Applies all transforms that a template names: includes, then macros of its parts, then its own in their order. */
export async function applyTransforms(
  ctx: Context<any>,
  source: JsonObject,
  scope: Scope,
): Promise<{ template: JsonObject; transforms: string[] }> {
  const applied: string[] = [];
  let template = await include(ctx, source, scope, applied);
  template = await applyFragmentMacros(ctx, template, scope, applied);
  for (const call of transformCalls(template.Transform)) {
    if (call.name === "AWS::Include") continue;
    applied.push(call.name);
    template = await applyOne(ctx, call, template, scope);
  }
  const { Transform: _done, ...rest } = template;
  return { template: applied.length > 0 ? rest : source, transforms: applied };
}

async function applyOne(
  ctx: Context<any>,
  call: TransformCall,
  template: JsonObject,
  scope: Scope,
): Promise<JsonObject> {
  switch (call.name) {
    case "AWS::LanguageExtensions":
      return expandLanguageExtensions(template, withConditions(template, scope));
    case "AWS::CodeStar":
      return transformCodeStar(template);
    case SAM: {
      const managedPolicies = await managedPolicyNames(ctx, template);
      const options = {
        parameters: scope.parameters,
        region: ctx.region,
        managedPolicies,
        deploymentToken: ctx.platform.ids.text(12),
      };
      const result = transformSam(template, options);
      if (result.template) return result.template;
      throw new TransformFailed(`Transform ${SAM} failed with: ${result.error}`);
    }
    default:
      return applyGlobalMacro(ctx, call, template, scope);
  }
}

function withConditions(template: JsonObject, scope: Scope): Scope {
  const mappings = isObject(template.Mappings) ? template.Mappings : {};
  // Loops may make conditions, too.
  const declared = isObject(template.Conditions)
    ? expandLanguageExtensions({ Conditions: template.Conditions }, { ...scope, mappings }).Conditions
    : undefined;
  const conditions = isObject(declared) ? evaluateConditions(declared, { ...scope, mappings }) : {};
  return { ...scope, mappings, conditions };
}

async function include(ctx: Context<any>, template: JsonObject, scope: Scope, applied: string[]): Promise<JsonObject> {
  const places = findIncludes(template, scope);
  if (places.length === 0) return template;
  if (places.length > MAX_INCLUDES)
    throw new TransformFailed(`Transform AWS::Include failed with: more than ${MAX_INCLUDES} includes.`);
  const texts = new Map<string, string>();
  for (const place of places) {
    const [, Bucket = "", Key = ""] = /^s3:\/\/([^/]+)\/(.+)$/.exec(place) ?? [];
    try {
      texts.set(place, await readObject(ctx, { Bucket, Key }, MAX_INCLUDE_BYTES));
    } catch (error) {
      throw new TransformFailed(`Transform AWS::Include failed with: ${messageOf(error)}`);
    }
  }
  applied.push("AWS::Include");
  return applyIncludes(template, scope, texts);
}

/** Names of AWS's managed policies (`AWSLambdaBasicExecutionRole`) in the template, with the ARNs that they stand for. */
async function managedPolicyNames(ctx: Context<any>, template: JsonObject): Promise<Record<string, string>> {
  const names = new Set<string>();
  const globals = isObject(template.Globals) ? Object.values(template.Globals) : [];
  const properties = Object.values(isObject(template.Resources) ? template.Resources : {}).map((r) =>
    isObject(r) ? r.Properties : undefined,
  );
  for (const holder of [...globals, ...properties]) {
    const policies: JsonValue | undefined = isObject(holder ?? null) ? (holder as JsonObject).Policies : undefined;
    for (const policy of Array.isArray(policies) ? policies : [policies]) {
      if (typeof policy === "string" && /^[\w+=,.@-]{1,128}$/.test(policy)) names.add(policy);
    }
  }
  const found: Record<string, string> = {};
  for (const name of names) {
    for (const path of POLICY_PATHS) {
      const arn = `arn:aws:iam::aws:policy/${path}${name}`;
      if (
        await ctx.platform.identity.policyDocument(arn).then(
          () => true,
          () => false,
        )
      ) {
        found[name] = arn;
        break;
      }
    }
  }
  return found;
}
