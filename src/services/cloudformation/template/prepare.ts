import type { Context } from "../../../aws/context.ts";
import {
  activeResources,
  checkResources,
  checkTemplate,
  evaluateConditions,
  isResourceType,
  KNOWN_AFTER_APPLY,
  readTemplate,
  resolveOutputs,
  resolveParameters,
  resolveProperties,
  TemplateError,
  type ParameterInput,
  type Scope,
  type SourceTemplate,
  type Template,
} from "../../../engines/cloudformation/index.ts";
import { isObject, type JsonObject } from "../../../engines/yaml/index.ts";
import { AwsError, codeOf } from "../../../kernel/aws-error.ts";
import { insufficientCapabilities, validation } from "../errors.ts";
import type { Inputs, Revision, StoredTemplate, Tag } from "../model.ts";
import { seal } from "../store.ts";
import { checkCapabilities } from "./capabilities.ts";
import { checkRules } from "./rules.ts";
import { isMacro, TransformFailed, usesMacros } from "./macros.ts";
import { applyTransforms } from "./transforms.ts";

/** Characters that the functions of one template make together; each resource is computed and stored several times. */
const COMPUTED_TEXT = 16_000_000;
const AUTO_EXPAND = "CAPABILITY_AUTO_EXPAND";

/** What a call says about the stack that it wants. */
export interface Wish {
  readonly text: string;
  readonly parameters: Readonly<Record<string, ParameterInput>>;
  readonly previous?: Inputs;
  readonly capabilities: readonly string[];
  readonly tags: readonly Tag[];
  readonly notificationArns: readonly string[];
  readonly resourceTypes?: readonly string[];
  readonly stackName: string;
  readonly stackArn: string;
  /** Whether transforms must be acknowledged (they must be where no change set is looked at first). */
  readonly mustAcknowledgeTransforms: boolean;
}

/** What of a wish is stored. */
export interface Kept {
  readonly stored: StoredTemplate;
  readonly revision: Revision;
  /** Why a transform made no template of it: what begins with it ends at once with this reason. */
  readonly failure?: string;
}

/** A wish that can be carried out. */
export interface Prepared extends Kept {
  readonly template: Template;
  readonly scope: Scope;
}

/** A transform failed. Stacks are begun all the same and rolled back, as transforms are applied after the call at AWS. */
export class Untransformed extends AwsError {
  readonly kept: Kept;

  constructor(message: string, kept: Kept) {
    super("ValidationError", message, 400);
    this.kept = { ...kept, failure: `${message}. ` };
  }
}

/** What is kept of a stack whose transform failed; throws what is no such failure. */
export function keptOf(error: unknown): Kept {
  if (error instanceof Untransformed) return error.kept;
  throw error;
}

/** Reads a template's text, as a ValidationError where that fails. */
export function parseText(text: string): SourceTemplate {
  const { source, diagnostics } = readTemplate(text);
  if (!source) throw validation(diagnostics[0].message);
  return source;
}

/** Checks structure and types of a template without transforms. */
export function parseTemplate(ctx: Context<any>, value: JsonObject, lineOf?: SourceTemplate["lineOf"]): Template {
  const { template, diagnostics } = checkTemplate(value, lineOf);
  if (!template) throw validation(diagnostics[0]!.message);
  // Types of SAM are gone once its transform has run: they are left where a template does not name it.
  const knows = (type: string): boolean =>
    (isResourceType(type) && !type.startsWith("AWS::Serverless::")) || ctx.registry.resourceType(type) !== undefined;
  const strange = checkResources(template, lineOf, knows).find((d) =>
    d.message.includes("Unrecognized resource types"),
  );
  if (strange) throw validation(strange.message);
  return template;
}

/** Turns a wish into a checked template with all its inputs. Throws AwsError in CloudFormation's words. */
export async function prepare(ctx: Context<any>, wish: Wish): Promise<Prepared> {
  try {
    return await prepareChecked(ctx, wish);
  } catch (error) {
    if (error instanceof TemplateError || error instanceof TransformFailed) throw validation(error.message);
    throw error;
  }
}

async function prepareChecked(ctx: Context<any>, wish: Wish): Promise<Prepared> {
  const source = parseText(wish.text);
  const declared = declarations(source.value);
  const inputs = await resolveParameters(declared, wish.parameters, wish.previous?.given, (name) => readSsm(ctx, name));
  const early = makeScope(ctx, {
    parameters: inputs.values,
    mappings: isObject(source.value.Mappings) ? source.value.Mappings : {},
    wish,
  });
  // What a macro would do is not known before: it is acknowledged before it is called.
  if (wish.mustAcknowledgeTransforms && usesMacros(source.value) && !wish.capabilities.includes(AUTO_EXPAND))
    throw insufficientCapabilities(AUTO_EXPAND);
  const { processed, transforms, template } = await transformed(ctx, source, early).catch((error: unknown) => {
    if (!(error instanceof TransformFailed)) throw error;
    const revision = revisionOf(ctx, wish, { inputs, template: declared });
    const processed = onlyParameters(source.value);
    throw new Untransformed(error.message, {
      revision,
      stored: { text: wish.text, processed, transforms: [], untransformed: true },
    });
  });
  // A transform may declare parameters of its own.
  const all =
    transforms.length === 0
      ? inputs
      : await resolveParameters(template, known(template, wish.parameters), wish.previous?.given, (name) =>
          readSsm(ctx, name),
        );
  checkCapabilities(template, wish.capabilities, wish.mustAcknowledgeTransforms && transforms.length > 0);
  checkAllowedTypes(template, wish.resourceTypes);
  const scope = scopeOf(template, makeScope(ctx, { parameters: all.values, mappings: template.mappings, wish }));
  checkRules(template, { ...scope, partial: false });
  checkImplemented(ctx, template, scope);
  checkFunctions(template, scope);
  const revision = revisionOf(ctx, wish, { inputs: all, template });
  return { template, scope, stored: { text: wish.text, processed, transforms }, revision };
}

/** The template with its transforms applied; what a macro answers that is no template is the macro's failure. */
async function transformed(ctx: Context<any>, source: SourceTemplate, scope: Scope) {
  const { template: processed, transforms } = await applyTransforms(ctx, source.value, scope);
  try {
    const template = parseTemplate(ctx, processed, transforms.length === 0 ? source.lineOf : undefined);
    return { processed, transforms, template };
  } catch (error) {
    if (transforms.some(isMacro) && error instanceof AwsError) throw new TransformFailed(error.message);
    throw error;
  }
}

function revisionOf(
  ctx: Context<any>,
  wish: Wish,
  { inputs, template }: { readonly inputs: Inputs; readonly template: Template },
): Revision {
  const noEcho = Object.entries(template.parameters)
    .filter(([, p]) => p.noEcho)
    .map(([name]) => name);
  return {
    templateId: ctx.platform.ids.text(12),
    inputs: seal(ctx, { given: inputs.given, values: inputs.values } satisfies Inputs),
    noEcho,
    ...(template.description === undefined ? {} : { description: template.description }),
    tags: wish.tags,
    capabilities: wish.capabilities,
    notificationArns: wish.notificationArns,
  };
}

const onlyParameters = (value: JsonObject): JsonObject => ({
  ...(value.Parameters === undefined ? {} : { Parameters: value.Parameters }),
  Resources: { None: { Type: "AWS::CloudFormation::WaitConditionHandle" } },
});

/** A template that has only the parameters of another: what is known before transforms. */
function declarations(value: JsonObject): Template {
  const { template, diagnostics } = checkTemplate(onlyParameters(value));
  if (!template) throw validation(diagnostics[0]!.message);
  return template;
}

const known = (template: Template, inputs: Readonly<Record<string, ParameterInput>>): Record<string, ParameterInput> =>
  Object.fromEntries(Object.entries(inputs).filter(([name]) => Object.hasOwn(template.parameters, name)));

function makeScope(
  ctx: Context<any>,
  {
    parameters,
    mappings,
    wish,
  }: {
    parameters: Scope["parameters"];
    mappings: JsonObject;
    wish: Pick<Wish, "stackName" | "stackArn" | "notificationArns">;
  },
): Scope {
  const { stackName, stackArn: stackId, notificationArns } = wish;
  return {
    parameters,
    mappings,
    conditions: {},
    pseudo: { accountId: ctx.account, region: ctx.region, stackName, stackId, notificationArns },
    partial: true,
  };
}

/** The scope with its conditions evaluated. */
export function scopeOf(template: Template, scope: Scope): Scope {
  const conditions = evaluateConditions(template.conditions, { ...scope, partial: false });
  return { ...scope, conditions };
}

/** The scope of a revision that is stored. */
export function storedScope(
  ctx: Context<any>,
  template: Template,
  inputs: Inputs,
  stack: { name: string; arn: string },
  notificationArns: readonly string[],
): Scope {
  const wish = { stackName: stack.name, stackArn: stack.arn, notificationArns };
  return scopeOf(template, makeScope(ctx, { parameters: inputs.values, mappings: template.mappings, wish }));
}

async function readSsm(ctx: Context<any>, Name: string): Promise<string | undefined> {
  try {
    const { Parameter } = await ctx.call("ssm", "GetParameter", { Name });
    return Parameter?.Value;
  } catch (error) {
    if (codeOf(error) === "ParameterNotFound") return undefined;
    throw error instanceof AwsError ? validation(error.message) : error;
  }
}

function checkAllowedTypes(template: Template, allowed: readonly string[] | undefined): void {
  if (!allowed || allowed.length === 0) return;
  const matches = (type: string): boolean =>
    allowed.some((a) => a === type || (a.endsWith("*") && type.startsWith(a.slice(0, -1))));
  const bad = Object.values(template.resources).find((r) => !matches(r.type));
  if (bad)
    throw validation(`Resource type ${bad.type} is not allowed by parameter ResourceTypes [${allowed.join(", ")}]`);
}

function checkImplemented(ctx: Context<any>, template: Template, scope: Scope): void {
  const types = [...activeResources({ template, scope }).values()].map((r) => r.type);
  const missing = [...new Set(types)].filter((type) => !implementationOf(ctx, type));
  if (missing.length > 0)
    throw validation(`Template error: Starling does not implement the resource types [${missing.join(", ")}] yet.`);
}

/** Refuses functions that no resource can make right, and references to resources that their condition leaves out. */
function checkFunctions(template: Template, scope: Scope): void {
  const active = activeResources({ template, scope });
  const missing = new Set<string>();
  const later = (id: string): typeof KNOWN_AFTER_APPLY => {
    if (!active.has(id)) missing.add(id);
    return KNOWN_AFTER_APPLY;
  };
  const room = { left: COMPUTED_TEXT };
  const live = { ref: later, getAtt: later, importValue: () => KNOWN_AFTER_APPLY };
  const unknown: Scope = { ...scope, ...live, partial: true, room };
  const insecure: string[] = [];
  const unresolved = (block: string): string =>
    `Unresolved resource dependencies [${[...missing].join(", ")}] in the ${block} block of the template`;
  for (const { type, properties } of active.values())
    insecure.push(...secureReferences(resolveProperties(properties, unknown), `${type}/Properties`));
  if (missing.size > 0) throw validation(`Template format error: ${unresolved("Resources")}`);
  if (insecure.length > 0) throw validation(`SSM Secure reference is not supported in: [${insecure.join(", ")}]`);
  resolveOutputs(template, unknown);
  if (missing.size > 0) throw validation(unresolved("Outputs"));
}

/** The one property of ours that AWS fills with secure parameters. */
const SECURE = "AWS::IAM::User/Properties/LoginProfile/Password";

/** Where properties name a secure parameter that may not be read there. */
function secureReferences(value: unknown, path: string): string[] {
  if (typeof value === "string") return value.includes("{{resolve:ssm-secure:") && path !== SECURE ? [path] : [];
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, item]) => secureReferences(item, `${path}/${key}`));
}

/** The implementation of a type; all custom resources share one. */
export function implementationOf(ctx: Context<any>, type: string) {
  return ctx.registry.resourceType(type.startsWith("Custom::") ? "AWS::CloudFormation::CustomResource" : type);
}
