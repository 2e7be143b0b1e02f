import { parseDocument, Scalar } from "yaml";

/** The `info.version` of an OpenAPI document as it is written: YAML would read `2.0` as the number 2. */
export function writtenVersion(text: string, read: unknown): string {
  if (typeof read !== "number") return String(read);
  const node: unknown = parseDocument(text).getIn(["info", "version"], true);
  return node instanceof Scalar && typeof node.source === "string" ? node.source : String(read);
}
