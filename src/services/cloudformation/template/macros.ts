import type { Context } from "../../../aws/context.ts";
import { MAX_TEMPLATE_BYTES, resolveValue, type Scope } from "../../../engines/cloudformation/index.ts";
import { isObject, type JsonObject, type JsonValue } from "../../../engines/yaml/index.ts";
import { macroNamed } from "../resources/macro.ts";

/** A transform could not be applied; the message names it. */
export class TransformFailed extends Error {}

/** A transform that a template asks for, with what it is given. */
export interface TransformCall {
  readonly name: string;
  readonly parameters: JsonObject;
}

const MAX_CALLS = 50;
const MAX_DEPTH = 200;

/** The transforms that a `Transform` section or an `Fn::Transform` names, in their order. */
export function transformCalls(value: JsonValue | undefined): TransformCall[] {
  if (value === undefined || value === null) return [];
  return (Array.isArray(value) ? value : [value]).map((item) => {
    const name = isObject(item) ? item.Name : item;
    if (typeof name !== "string") throw new TransformFailed("Key Name of transform definition must be a string.");
    const parameters = isObject(item) && isObject(item.Parameters ?? null) ? (item.Parameters as JsonObject) : {};
    return { name, parameters };
  });
}

/** Whether a transform is a macro of the account, and none of AWS. */
export const isMacro = (name: string): boolean => !name.startsWith("AWS::");

/** Whether a template asks for a macro of its account anywhere. */
export function usesMacros(template: JsonObject): boolean {
  if (transformCalls(template.Transform).some(({ name }) => isMacro(name))) return true;
  return JSON.stringify(template).includes('"Fn::Transform"') && callsOf(template, 0).some(({ name }) => isMacro(name));
}

function callsOf(value: JsonValue, depth: number): TransformCall[] {
  if (depth > MAX_DEPTH) return [];
  if (Array.isArray(value)) return value.flatMap((item) => callsOf(item, depth + 1));
  if (!isObject(value)) return [];
  const own = value["Fn::Transform"] === undefined ? [] : transformCalls(value["Fn::Transform"]);
  return [...own, ...Object.values(value).flatMap((item) => callsOf(item, depth + 1))];
}

/** Applies the macros that parts of a template name (`Fn::Transform`), the innermost first: each gets its siblings. */
export async function applyFragmentMacros(
  ctx: Context<any>,
  template: JsonObject,
  scope: Scope,
  applied: string[],
): Promise<JsonObject> {
  let calls = 0;
  const visit = async (value: JsonValue, depth: number): Promise<JsonValue> => {
    if (depth > MAX_DEPTH) throw new TransformFailed("Template format error: the template is nested too deeply");
    if (Array.isArray(value)) {
      const items: JsonValue[] = [];
      for (const item of value) items.push(await visit(item, depth + 1));
      return items;
    }
    if (!isObject(value)) return value;
    const { "Fn::Transform": asked, ...rest } = value;
    const siblings: JsonObject = {};
    for (const [name, item] of Object.entries(rest)) siblings[name] = await visit(item, depth + 1);
    let fragment: JsonValue = siblings;
    for (const call of transformCalls(asked)) {
      if (++calls > MAX_CALLS) throw new TransformFailed(`A template may call ${MAX_CALLS} macros at most.`);
      fragment = await callMacro(ctx, call, fragment, scope);
      if (!applied.includes(call.name)) applied.push(call.name);
    }
    return fragment;
  };
  return wholeTemplate(await visit(template, 0));
}

/** Applies a macro of the template's `Transform` section, which gets the template without that section. */
export async function applyGlobalMacro(
  ctx: Context<any>,
  call: TransformCall,
  template: JsonObject,
  scope: Scope,
): Promise<JsonObject> {
  const { Transform: all, ...fragment } = template;
  const made = wholeTemplate(await callMacro(ctx, call, fragment, scope));
  return all === undefined ? made : { ...made, Transform: all };
}

function wholeTemplate(value: JsonValue): JsonObject {
  if (!isObject(value)) throw new TransformFailed("Template format error: unsupported structure.");
  if (Buffer.byteLength(JSON.stringify(value)) > MAX_TEMPLATE_BYTES)
    throw new TransformFailed(`The template after its macros may not exceed ${MAX_TEMPLATE_BYTES} bytes in size.`);
  return value;
}

async function callMacro(
  ctx: Context<any>,
  { name, parameters }: TransformCall,
  fragment: JsonValue,
  scope: Scope,
): Promise<JsonValue> {
  const transformId = `${ctx.account}::${name}`;
  const macro = await macroNamed(ctx, name);
  if (!macro) throw new TransformFailed(`No transform named ${name.includes("::") ? name : transformId} found.`);
  const requestId = ctx.platform.ids.uuid();
  const event = {
    accountId: ctx.account,
    fragment,
    transformId,
    requestId,
    region: ctx.region,
    params: resolveValue(parameters, { ...scope, partial: false }) ?? {},
    templateParameterValues: scope.parameters,
  };
  const { FunctionError, Payload } = await ctx.call("lambda", "Invoke", {
    FunctionName: macro.functionName,
    Payload: Buffer.from(JSON.stringify(event)),
  });
  const answer = FunctionError ? undefined : parsed(Payload);
  if (!answer || answer.requestId !== requestId || typeof answer.status !== "string")
    throw new TransformFailed(`Received malformed response from transform ${transformId}`);
  if (answer.status.toLowerCase() !== "success") {
    const { errorMessage } = answer;
    throw new TransformFailed(
      typeof errorMessage === "string" && errorMessage !== ""
        ? `Transform ${transformId} failed with: ${errorMessage}`
        : `Transform ${transformId} failed without an error message.`,
    );
  }
  return answer.fragment ?? null;
}

function parsed(payload: Uint8Array | string | undefined): JsonObject | undefined {
  try {
    const value = JSON.parse(Buffer.from(payload ?? "").toString("utf8")) as JsonValue;
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
