import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { ZipFile } from "yazl";

/** The module that custom resources answer with, which only inline code finds; by the language's extension. */
const RESPONSES: Readonly<Record<string, { readonly named: RegExp; readonly file: string; readonly place: string }>> = {
  js: { named: /\bcfn-response\b/, file: "cfn-response.js", place: "node_modules/cfn-response/index.js" },
  py: { named: /\bcfnresponse\b/, file: "cfnresponse.py", place: "cfnresponse.py" },
};

/** A zip of inline code as `index.js` or `index.py`, with the modules that it names; the same bytes for the same text. */
export async function inlineZip(extension: "js" | "py", text: string): Promise<Buffer> {
  const zip = new ZipFile();
  const add = (bytes: Buffer, name: string): void =>
    zip.addBuffer(bytes, name, { mtime: new Date(Date.UTC(2000, 0, 1)), mode: 0o100644 });
  add(Buffer.from(text), `index.${extension}`);
  const { named, file, place } = RESPONSES[extension]!;
  if (named.test(text)) add(await readFile(join(import.meta.dirname, "inline-modules", file)), place);
  zip.end();
  return buffer(zip.outputStream);
}
