import { readdir, readFile, stat } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import { buffer } from "node:stream/consumers";
import { ZipFile } from "yazl";
import type { Generation } from "../services/codestar/generation.ts";
import { describeRepository } from "./describe-repository.ts";

/** A project template: a folder below `templates/`, whose `repository/` is what a project starts with. */
export interface Template {
  readonly id: string;
  readonly name: string;
  readonly language: string;
  readonly type: string;
  readonly description: string;
}

/** Every template, in the order of their folders. */
export async function listTemplates(code: string): Promise<Template[]> {
  const folder = join(code, "templates");
  const entries = await readdir(folder, { withFileTypes: true });
  const names = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  return Promise.all(
    names
      .sort()
      .map(async (name) => JSON.parse(await readFile(join(folder, name, "starling.json"), "utf8")) as Template),
  );
}

/** The first commit of a template as a zip, with what its files ask of the toolchain. */
export async function packTemplate(code: string, id: string): Promise<{ zip: Buffer; generation: Generation }> {
  const known = await listTemplates(code);
  if (!known.some((template) => template.id === id)) {
    throw new Error(`there is no template "${id}". There are: ${known.map((t) => t.id).join(", ")}`);
  }
  const root = join(code, "templates", id, "repository");
  const zip = new ZipFile();
  const texts = new Map<string, string>();
  for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
    const place = join(entry.parentPath, entry.name);
    const path = relative(root, place).split(sep).join("/");
    if (!entry.isFile() || /(^|\/)(node_modules|__pycache__)(\/|$)/.test(path)) continue;
    const content = await readFile(place);
    zip.addBuffer(content, path, { mode: ((await stat(place)).mode & 0o100) === 0 ? 0o100644 : 0o100755 });
    if (/\.(ya?ml|json)$/.test(path) && !path.includes("/")) texts.set(path, content.toString("utf8"));
  }
  zip.end();
  return { zip: await buffer(zip.outputStream), generation: generationOfFiles(texts) };
}

/** A template's files are ours: a refusal is a mistake in them. */
function generationOfFiles(texts: ReadonlyMap<string, string>): Generation {
  const description = describeRepository({ text: (name) => texts.get(name) });
  if (description.refusal !== undefined) throw new Error(`the template ${description.refusal}`);
  return description.generation;
}
