import { arn } from "../../kernel/arn.ts";
import type { Context } from "../../aws/context.ts";
import { invalidParameter, resourceNotFound } from "./model.ts";

export interface LayerHead {
  readonly name: string;
  readonly lastVersion: number;
}

export interface LayerVersion {
  readonly name: string;
  readonly version: number;
  readonly description: string;
  readonly created: number;
  /** SHA-256 of the zip, hexadecimal. */
  readonly digest: string;
  readonly size: number;
  readonly runtimes: readonly string[];
  readonly architectures: readonly string[];
  /** Names of members that were given empty, which answers repeat. */
  readonly empty?: readonly ("CompatibleRuntimes" | "CompatibleArchitectures")[];
  readonly license?: string;
  /** The CloudFormation step that it was published for. */
  readonly once?: string;
}

/** Ids of versions sort by number. */
export const versionKey = (name: string, version: number): string => `${name}:${String(version).padStart(10, "0")}`;

export const layerArn = (ctx: { region: string; account: string }, name: string, version?: number): string =>
  arn("lambda", ctx.region, ctx.account, `layer:${name}${version === undefined ? "" : `:${version}`}`);

export function parseLayerArn(text: string): { name: string; version: number } {
  const match = /^arn:[\w-]+:lambda:[\w-]+:\d{12}:layer:([\w-]{1,140}):(\d+)$/.exec(text);
  if (!match) throw invalidParameter(`${text} is not the ARN of a layer version.`);
  return { name: match[1]!, version: Number(match[2]) };
}

/** The number of a layer's version; throws for what is none. */
export function layerNumber(version: number | undefined): number {
  if (!version || version < 1) throw invalidParameter("Layer Version Cannot be less than 1");
  return version;
}

/** A version of a layer; throws ResourceNotFoundException. */
export async function layerOf(ctx: Context<any>, name: string, version: number): Promise<LayerVersion> {
  const stored = await ctx.records.get<LayerVersion>("layer-version", versionKey(name, version));
  if (!stored) throw resourceNotFound("The resource you requested does not exist.");
  return stored.value;
}

/** Digests and sizes of the layers that a function names, in their order; throws for one that is not there, or named twice. */
export async function layerContents(
  ctx: Context<any>,
  arns: readonly string[],
): Promise<{ layerDigests: string[]; layerSizes: number[] }> {
  const named = new Map<string, string>();
  const found: LayerVersion[] = [];
  for (const layer of arns) {
    const { name, version } = parseLayerArn(layer);
    if (layer.split(":")[3] !== ctx.region)
      throw invalidParameter(
        `Layers are not in the same region as the function. Layers are expected to be in region ${ctx.region}.`,
      );
    const stored = await ctx.records.get<LayerVersion>("layer-version", versionKey(name, version));
    if (!stored) throw invalidParameter(`Layer version ${layer} does not exist.`);
    const other = named.get(name);
    if (other !== undefined)
      throw invalidParameter(
        `Two different versions of the same layer are not allowed to be referenced in the same function. ${other} and ${layer} are versions of the same layer.`,
      );
    named.set(name, layer);
    found.push(stored.value);
  }
  return { layerDigests: found.map((layer) => layer.digest), layerSizes: found.map((layer) => layer.size) };
}
