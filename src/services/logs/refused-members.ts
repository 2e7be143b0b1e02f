import type * as Logs from "@aws-sdk/client-cloudwatch-logs";
import type { RefusedMembers } from "../../aws/service.ts";

/** What nothing here acts on: calls that ask for it are answered 501. */
export const refused: RefusedMembers<typeof Logs> = {
  CreateLogGroup: { deletionProtectionEnabled: [], logGroupClass: ["STANDARD"] },
  DeleteResourcePolicy: { expectedRevisionId: [], resourceArn: [] },
  GetQueryResults: { maxItems: [], nextToken: [] },
  PutMetricFilter: { applyOnTransformedLogs: [], emitSystemFieldDimensions: [], fieldSelectionCriteria: [] },
  PutResourcePolicy: { expectedRevisionId: [] },
  PutSubscriptionFilter: { applyOnTransformedLogs: [], emitSystemFields: [], fieldSelectionCriteria: [] },
};
