import type * as CostExplorer from "@aws-sdk/client-cost-explorer";
import { defineService } from "../../aws/service.ts";
import { costAndUsage } from "./api/cost-and-usage.ts";
import { values } from "./api/values.ts";
import { refused } from "./refused-members.ts";
import { readPrices, type CostState } from "./prices.ts";

/** Cost Explorer: what was used, by the hour, and what it would cost at AWS's prices. */
export const ce = defineService<typeof CostExplorer, CostState>({
  name: "ce",
  refuses: refused,
  operations: { ...costAndUsage, ...values },
  start: (platform) => ({ prices: readPrices(platform.settings.data) }),
});
