import type { Context } from "../../aws/context.ts";
import { URL_PLACES, urlArn, URLS, type UrlPlace, type UrlRecord } from "./function-url.ts";
import { UrlMeter } from "./metrics.ts";
import { sharedPolicyText, policyId, type PolicyRecord } from "./model.ts";
import { runnableOf, type Runnable } from "./run-function.ts";
import type { LambdaState } from "./state.ts";
import { fixedVersionOf } from "./store.ts";

type Ctx = Context<LambdaState>;

/** What every call of a URL needs, looked up once for each change of anything. */
export interface UrlPlan {
  readonly region: string;
  readonly url: UrlRecord;
  readonly arn: string;
  /** The function's own policy, as text. */
  readonly policy: string | undefined;
  readonly meter: UrlMeter;
  /** Undefined where it is chosen, or found missing, at each call. */
  readonly runnable: Runnable | undefined;
}

/** Undefined where there is no such URL. */
export function urlPlan(anywhere: Ctx, id: string): UrlPlan | undefined | Promise<UrlPlan | undefined> {
  return anywhere.globalRecords.made(`function url\n${id}`, () => makePlan(anywhere, id));
}

async function makePlan(anywhere: Ctx, id: string): Promise<UrlPlan | undefined> {
  const place = (await anywhere.globalRecords.getShared<UrlPlace>(URL_PLACES, id))?.value;
  if (!place) return undefined;
  const ctx = anywhere.inRegion(place.region);
  const url = (await ctx.records.getShared<UrlRecord>(URLS, place.record))?.value;
  if (!url) return undefined;
  const policy = (await ctx.records.getShared<PolicyRecord>("policy", policyId(url.name, url.alias)))?.value;
  const record = await fixedVersionOf(ctx, url.name, url.alias).catch(() => undefined);
  return {
    region: place.region,
    url,
    arn: urlArn(ctx, url),
    policy: policy && sharedPolicyText(ctx, policy),
    meter: new UrlMeter(ctx, url.name),
    runnable: record && (await runnableOf(ctx, record)),
  };
}
