import type * as Lambda from "@aws-sdk/client-lambda";
import type { Context } from "../../aws/context.ts";
import type { Cors } from "../../compute/edge/cors.ts";
import { functionArn, LATEST, policyId } from "./model.ts";
import type { LambdaState } from "./state.ts";

type Ctx = Context<LambdaState>;

/** The URL of a function or of one of its aliases. */
export interface UrlRecord {
  /** First part of the URL's host. */
  readonly id: string;
  readonly name: string;
  readonly alias?: string;
  readonly authType: Lambda.FunctionUrlAuthType;
  readonly cors?: Cors;
  readonly invokeMode?: Lambda.InvokeMode;
  /** Milliseconds since the epoch. */
  readonly created: number;
  readonly modified: number;
}

/** Where the record of a URL is: its host names neither the function nor, on every host, the region. */
export interface UrlPlace {
  readonly region: string;
  readonly record: string;
}

export const URLS = "url";
/** Global records: `UrlPlace` by the URL's id. */
export const URL_PLACES = "url-place";

export const urlArn = (ctx: Ctx, url: UrlRecord): string => functionArn(ctx, url.name, url.alias ?? LATEST);
export const urlRecordId = (name: string, alias?: string): string => policyId(name, alias);

export async function urlOf(ctx: Ctx, name: string, alias?: string): Promise<UrlRecord | undefined> {
  return (await ctx.records.get<UrlRecord>(URLS, urlRecordId(name, alias)))?.value;
}

/** The address that is handed out, with a slash at its end, as AWS writes it. */
function addressOf(ctx: Ctx, id: string): string {
  const { protocol, host } = new URL(ctx.platform.settings.publicUrl);
  return `${protocol}//${id}.lambda-url.${ctx.region}.${host}/`;
}

/** A URL as Create and Update show it: the invoke mode only where it was given once. */
export function urlView(ctx: Ctx, url: UrlRecord) {
  return {
    FunctionUrl: addressOf(ctx, url.id),
    FunctionArn: urlArn(ctx, url),
    AuthType: url.authType,
    CreationTime: new Date(url.created).toISOString(),
    ...(url.cors ? { Cors: url.cors as Lambda.Cors } : {}),
    ...(url.invokeMode ? { InvokeMode: url.invokeMode } : {}),
  };
}

export const fullUrlView = (ctx: Ctx, url: UrlRecord): Lambda.FunctionUrlConfig => ({
  InvokeMode: "BUFFERED",
  ...urlView(ctx, url),
  LastModifiedTime: new Date(url.modified).toISOString(),
});
