import { PROJECT_TAG } from "../../kernel/project-tag.ts";
import type { UsageRecord } from "../../ports/telemetry.ts";
import type { Prices } from "./prices.ts";

/** A record of usage with its cost, and the facts that it can be filtered and grouped by. */
export interface LineItem {
  readonly hour: number;
  readonly amount: number;
  readonly unit: string;
  /** US dollars. */
  readonly cost: number;
  /** By Cost Explorer's names of dimensions. */
  readonly dimensions: Readonly<Record<string, string>>;
  readonly tags: Readonly<Record<string, string>>;
}

/** Beginnings of usage types by region; us-east-1 has none. https://docs.aws.amazon.com/general/latest/gr/rande.html */
const PREFIXES: Readonly<Record<string, string>> = {
  "us-east-2": "USE2-",
  "us-west-1": "USW1-",
  "us-west-2": "USW2-",
  "ca-central-1": "CAN1-",
  "eu-west-1": "EU-",
  "eu-west-2": "EUW2-",
  "eu-west-3": "EUW3-",
  "eu-central-1": "EUC1-",
  "eu-north-1": "EUN1-",
  "ap-southeast-1": "APS1-",
  "ap-southeast-2": "APS2-",
  "ap-south-1": "APS3-",
  "ap-northeast-1": "APN1-",
  "ap-northeast-2": "APN2-",
  "sa-east-1": "SAE1-",
};

/** Not a tag on AWS: tells the versions of a function apart. */
const VERSION_TAG = "starling:version";

export function lineItem(account: string, record: UsageRecord, prices: Prices): LineItem {
  const { hour, amount, region, service, usageType, operation, resource, version, project } = record;
  const { price, unit } = prices.get(usageType) ?? { price: 0, unit: "N/A" };
  return {
    hour,
    amount,
    unit,
    cost: amount * price,
    dimensions: {
      SERVICE: service,
      USAGE_TYPE: `${PREFIXES[region] ?? ""}${usageType}`,
      OPERATION: operation,
      REGION: region,
      LINKED_ACCOUNT: account,
      RESOURCE_ID: resource,
      RECORD_TYPE: "Usage",
    },
    tags: { ...(project && { [PROJECT_TAG]: project }), ...(version && { [VERSION_TAG]: version }) },
  };
}
