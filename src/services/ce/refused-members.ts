import type * as CostExplorer from "@aws-sdk/client-cost-explorer";
import type { RefusedMembers } from "../../aws/service.ts";

/** What nothing here acts on: calls that ask for it are answered 501. */
export const refused: RefusedMembers<typeof CostExplorer> = {
  GetCostAndUsage: { BillingViewArn: [] },
  GetCostAndUsageWithResources: { BillingViewArn: [] },
  GetDimensionValues: { BillingViewArn: [], SortBy: [] },
  GetTags: { BillingViewArn: [], SortBy: [] },
};
