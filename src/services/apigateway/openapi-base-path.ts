import { badRequest } from "./model.ts";

type Json = Record<string, any>;

/** What an import does with the path that a document has before all its paths. */
export type BasePathMode = "ignore" | "prepend" | "split";

export function basePathMode(given: string | undefined): BasePathMode {
  if (given === undefined || given === "ignore" || given === "prepend" || given === "split") return given ?? "ignore";
  throw badRequest("Invalid value for basepath. Valid values: [ignore, prepend, split]");
}

/** The path in front of a document's paths, as far as a mode takes it; without a slash at its end. */
export function basePathOf(document: Json, mode: BasePathMode): string {
  if (mode === "ignore") return "";
  const given: unknown = document["swagger"] === undefined ? ofServers(document) : document["basePath"];
  const parts = String(given ?? "")
    .split("/")
    .filter((part) => part !== "");
  // Split, the first part is left to who names the stage after it.
  return (mode === "split" ? parts.slice(1) : parts).map((part) => `/${part}`).join("");
}

/** OpenAPI 3 has it in its server: as the variable `basePath`, or in the URL. */
function ofServers({ servers }: Json): string {
  const [server] = Array.isArray(servers) ? (servers as Json[]) : [];
  const variable: unknown = server?.["variables"]?.["basePath"]?.["default"];
  if (variable !== undefined) return String(variable);
  const url = String(server?.["url"] ?? "");
  return /^(?:[a-z][\w+.-]*:)?\/\/[^/]*(\/.*)?$/i.exec(url)?.[1] ?? (url.startsWith("/") ? url : "");
}
