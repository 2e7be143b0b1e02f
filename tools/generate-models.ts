/**
 * Writes the model packs under `src/aws/models` from the schemas of the installed SDK clients and from botocore's
 * models. The packs are committed: run this only to take over newer models.
 *
 *   node tools/generate-models.ts [folder of botocore's data]...
 *
 * Constraints come from the first folder that has the service; Debian's package python3-botocore is looked at last,
 * and is needed, because CodeStar is in no newer one.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import type { ModelPack, PackHead } from "../src/aws/model-pack.ts";
import { markDoubles, mergeBotocore, relaxRequired } from "./generate-models/constraints.ts";
import { packFromBotocore, type BotocoreModel } from "./generate-models/from-botocore.ts";
import { packFromSdk } from "./generate-models/from-sdk.ts";
import { MODEL_SOURCES, type ModelSource } from "./generate-models/services.ts";

const DEBIAN_DATA = "/usr/lib/python3/dist-packages/botocore/data";
const OUTPUT = join(import.meta.dirname, "../src/aws/models");

const requirePackage = createRequire(import.meta.url);

function main(folders: readonly string[]): void {
  for (const folder of folders) {
    if (existsSync(folder)) continue;
    throw new Error(`There is no ${folder}: install the package python3-botocore, or name a folder of botocore's data`);
  }
  mkdirSync(OUTPUT, { recursive: true });
  const heads: PackHead[] = [];
  for (const source of MODEL_SOURCES) {
    const pack = makePack(source, folders);
    const text = `${JSON.stringify(pack)}\n`;
    writeFileSync(join(OUTPUT, `${source.name}.json`), text);
    heads.push(headOf(pack));
    const operations = Object.keys(pack.operations).length;
    process.stdout.write(
      `${source.name.padEnd(16)} ${String(operations).padStart(4)} operations ${text.length} bytes\n`,
    );
  }
  writeFileSync(join(OUTPUT, "index.json"), `${JSON.stringify(heads, undefined, 1)}\n`);
}

function makePack(source: ModelSource, folders: readonly string[]): ModelPack {
  const models = folders
    .map((folder) => readBotocore(join(folder, source.botocore)))
    .filter((model) => model !== undefined);
  const [newest, ...older] = models;
  if (!newest) throw new Error(`None of ${folders.join(", ")} has a model of ${source.botocore}`);
  if (!source.client) return packFromBotocore(source.name, newest);
  const sdk = requirePackage(`@aws-sdk/client-${source.client}`) as Record<string, unknown>;
  const pack = mergeBotocore(packFromSdk(source.name, sdk), newest, (name) => enumValues(sdk[name]));
  return [newest, ...older].reduce(relaxRequired, markDoubles(pack, newest));
}

/** The SDK exports each enumeration as an object. */
function enumValues(exported: unknown): readonly string[] | undefined {
  if (typeof exported !== "object" || exported === null) return undefined;
  const values: readonly unknown[] = Object.values(exported);
  return values.length > 0 && values.every((value) => typeof value === "string") ? values : undefined;
}

function readBotocore(folder: string): BotocoreModel | undefined {
  const versions = existsSync(folder)
    ? readdirSync(folder)
        .filter((name) => /^\d{4}-/.test(name))
        .sort()
    : [];
  const newest = versions.at(-1);
  if (newest === undefined) return undefined;
  const plain = join(folder, newest, "service-2.json");
  const text = existsSync(plain) ? readFileSync(plain) : gunzipSync(readFileSync(`${plain}.gz`));
  return JSON.parse(text.toString("utf8")) as BotocoreModel;
}

function headOf({ name, serviceId, version, protocol, signingName, targetPrefix }: ModelPack): PackHead {
  return { name, serviceId, version, protocol, signingName, targetPrefix };
}

main([...process.argv.slice(2), DEBIAN_DATA]);
