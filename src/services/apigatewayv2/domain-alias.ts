import type { Context } from "../../aws/context.ts";
import type { HostAlias } from "../../aws/service.ts";
import { mappingsOf, type DomainClaim, type Mapping } from "./domain-model.ts";

interface Claimed {
  readonly region: string;
  readonly mappings: readonly Mapping[];
}

/** What a custom domain name leads to; kept until something is written. */
export async function aliasOf(ctx: Context<any>, host: string, path: string): Promise<HostAlias | undefined> {
  const claimed = await ctx.records.made(`domain-alias\n${host}`, () => lookUp(ctx, host));
  if (!claimed) return undefined;
  const mapping = bestMapping(claimed.mappings, path);
  if (!mapping) return { refused: true };
  const basePath = mapping.key === "" ? "" : `/${mapping.key}`;
  const rest = path.slice(basePath.length);
  return {
    region: claimed.region,
    host: `${mapping.apiId}.execute-api.localhost`,
    path: mapping.stage === "" ? rest || "/" : `/${encodeURIComponent(mapping.stage)}${rest || "/"}`,
    basePath: mapping.stage === "" ? `${basePath}/${rest.split("/")[1] ?? ""}` : basePath,
  };
}

async function lookUp(ctx: Context<any>, host: string): Promise<Claimed | undefined> {
  for (const name of [host, host.replace(/^[^.]+/, "*")]) {
    const claim = (await ctx.globalRecords.getShared<DomainClaim>("domain-claim", name))?.value;
    if (claim?.account !== ctx.account) continue;
    return { region: claim.region, mappings: await mappingsOf(ctx.inRegion(claim.region), claim.name) };
  }
  return undefined;
}

/** The longest key that the path begins with. */
function bestMapping(mappings: readonly Mapping[], path: string): Mapping | undefined {
  const fits = mappings.filter(({ key }) => key === "" || `${path}/`.startsWith(`/${key}/`));
  return fits.sort((a, b) => b.key.length - a.key.length)[0];
}
