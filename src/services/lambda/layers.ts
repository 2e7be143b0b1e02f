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

/** A version of a layer; throws ResourceNotFoundException. */
export async function layerOf(ctx: Context<any>, name: string, version: number): Promise<LayerVersion> {
  const stored = await ctx.records.get<LayerVersion>("layer-version", versionKey(name, version));
  if (!stored) throw resourceNotFound("The resource you requested does not exist.");
  return stored.value;
}

/** The digests of the layers that a function names, in their order; throws for one that is not there. */
export async function layerDigests(ctx: Context<any>, arns: readonly string[]): Promise<string[]> {
  return Promise.all(
    arns.map(async (layer) => {
      const { name, version } = parseLayerArn(layer);
      const stored = await ctx.records.get<LayerVersion>("layer-version", versionKey(name, version));
      if (!stored) throw invalidParameter(`Layer version ${layer} does not exist.`);
      return stored.value.digest;
    }),
  );
}
