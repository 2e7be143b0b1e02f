import { contextVariable } from "../../compute/edge/context-variables.ts";
import {
  findPath,
  plain,
  shown,
  templated,
  TemplateObject,
  type TemplateValues,
} from "../../engines/mapping-template/index.ts";
import { headerValue, type Call } from "./call.ts";

/** What templates find of `$context` before they have set it. */
const NO_OVERRIDES = { requestOverride: { header: {}, path: {}, querystring: {} }, responseOverride: { header: {} } };

/** What a mapping template of a call knows, with the body that it maps. */
export function templateValues(call: Call, given: string): TemplateValues {
  const body = given === "" ? "{}" : given; // as API Gateway has it
  let parsed: unknown;
  const json = (): unknown => (parsed ??= templated(parseJson(body)));
  const parameters = parametersOf(call);
  const input = {
    json: (path: unknown) => {
      const found = findPath(json(), String(path));
      return found === undefined ? "" : JSON.stringify(plain(found));
    },
    path: (path: unknown) => findPath(json(), String(path)) ?? null,
    params: (name?: unknown) => {
      if (name === undefined) return parameters;
      const [path, query, headers] = ["path", "querystring", "header"].map((p) => parameters.get(p)!);
      return path!.get(String(name)) ?? query!.get(String(name)) ?? headers!.get(String(name)) ?? "";
    },
  };
  return {
    // A path may look through all of the body.
    input: new TemplateObject(input, { body }, 20 + Math.min(1000, body.length / 1000)),
    util: new TemplateObject(UTIL),
    context: templated({ ...NO_OVERRIDES, ...call.context }),
    stageVariables: new Map(Object.entries(call.variables)),
  };
}

function parametersOf({ request, matched }: Call): Map<string, Map<string, string>> {
  return new Map([
    ["path", new Map(Object.entries(matched.parameters))],
    ["querystring", new Map(new URLSearchParams(request.rawQuery))],
    ["header", new Map(request.headers.map(([name, value]) => [name, value]))],
  ]);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

const UTIL = {
  escapeJavaScript: (text: unknown) =>
    JSON.stringify(shown(text ?? ""))
      .slice(1, -1)
      .replaceAll("'", "\\'")
      .replaceAll("/", "\\/"),
  parseJson: (text: unknown) => templated(parseJson(shown(text ?? ""))),
  urlEncode: (text: unknown) => encodeURIComponent(shown(text ?? "")).replaceAll("%20", "+"),
  urlDecode: (text: unknown) => {
    try {
      return decodeURIComponent(shown(text ?? "").replaceAll("+", " "));
    } catch {
      return shown(text ?? "");
    }
  },
  base64Encode: (text: unknown) => Buffer.from(shown(text ?? "")).toString("base64"),
  base64Decode: (text: unknown) => Buffer.from(shown(text ?? ""), "base64").toString("utf8"),
};

/** The value of a mapping expression over the request: `method.request.header.x`, `'fixed'`, `context.x`, `stageVariables.x`. */
export function mappedValue(call: Call, from: string): string | undefined {
  const fixed = /^'(.*)'$/s.exec(from)?.[1];
  if (fixed !== undefined) return fixed;
  const { request, matched, variables, context } = call;
  const [, place = "", name = ""] =
    /^method\.request\.(header|multivalueheader|querystring|multivaluequerystring|path)\.(.+)$/.exec(from) ?? [];
  if (place.endsWith("header")) return headerValue(request, name.toLowerCase());
  if (place.endsWith("querystring")) return new URLSearchParams(request.rawQuery).get(name) ?? undefined;
  if (place === "path") return matched.parameters[name];
  if (from === "method.request.body") return request.body.toString("utf8");
  if (from.startsWith("method.request.body."))
    return pathText(request.body.toString("utf8"), from.slice("method.request.body.".length));
  if (from.startsWith("stageVariables.")) return variables[from.slice("stageVariables.".length)];
  const value = from.startsWith("context.") ? contextVariable(context, from.slice("context.".length)) : undefined;
  return value === undefined || value === null ? undefined : String(value as string);
}

/** What a path finds in a body, as text. */
export function pathText(body: string, path: string): string | undefined {
  const found = findPath(templated(parseJson(body)), path);
  return found === undefined || found === null
    ? undefined
    : typeof found === "string"
      ? found
      : JSON.stringify(plain(found));
}
