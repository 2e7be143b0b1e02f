/**
 * Writes the model packs under `src/aws/models` from the schemas of the installed SDK clients and from botocore's
 * models. The packs are committed: run this only to take over newer models.
 *
 *   node tools/generate-models.ts [folder of botocore's data]
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import type { ModelPack, PackHead } from "../src/aws/model-pack.ts";
import { mergeBotocore } from "./generate-models/constraints.ts";
import { packFromBotocore, type BotocoreModel } from "./generate-models/from-botocore.ts";
import { packFromSdk } from "./generate-models/from-sdk.ts";
import { MODEL_SOURCES, type ModelSource } from "./generate-models/services.ts";

const DEBIAN_DATA = "/usr/lib/python3/dist-packages/botocore/data";
const OUTPUT = join(import.meta.dirname, "../src/aws/models");

const requirePackage = createRequire(import.meta.url);

function main(dataFolder: string): void {
  if (!existsSync(dataFolder)) {
    throw new Error(`There is no ${dataFolder}: install the package python3-botocore, or name the folder of botocore's data`);
  }
  mkdirSync(OUTPUT, { recursive: true });
  const heads: PackHead[] = [];
  for (const source of MODEL_SOURCES) {
    const pack = makePack(source, dataFolder);
    const text = `${JSON.stringify(pack)}\n`;
    writeFileSync(join(OUTPUT, `${source.name}.json`), text);
    heads.push(headOf(pack));
    const operations = Object.keys(pack.operations).length;
    process.stdout.write(`${source.name.padEnd(16)} ${String(operations).padStart(4)} operations ${text.length} bytes\n`);
  }
  writeFileSync(join(OUTPUT, "index.json"), `${JSON.stringify(heads, undefined, 1)}\n`);
}

function makePack(source: ModelSource, dataFolder: string): ModelPack {
  const model = readBotocore(join(dataFolder, source.botocore));
  if (!source.client) return packFromBotocore(source.name, model);
  const sdk = requirePackage(`@aws-sdk/client-${source.client}`) as Record<string, unknown>;
  return mergeBotocore(packFromSdk(source.name, sdk), model);
}

function readBotocore(folder: string): BotocoreModel {
  const newest = readdirSync(folder).sort().at(-1);
  if (!newest) throw new Error(`${folder} holds no version of the model`);
  return JSON.parse(readFileSync(join(folder, newest, "service-2.json"), "utf8")) as BotocoreModel;
}

function headOf({ name, serviceId, version, protocol, signingName, targetPrefix }: ModelPack): PackHead {
  return { name, serviceId, version, protocol, signingName, targetPrefix };
}

main(process.argv[2] ?? DEBIAN_DATA);
