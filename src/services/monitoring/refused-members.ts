import type * as CloudWatch from "@aws-sdk/client-cloudwatch";
import type { RefusedMembers } from "../../aws/service.ts";

/** What nothing here acts on: calls that ask for it are answered 501. */
export const refused: RefusedMembers<typeof CloudWatch> = {
  DescribeAlarmHistory: { AlarmContributorId: [] },
  GetMetricData: { "LabelOptions.Timezone": ["+0000"] },
  ListMetrics: { RecentlyActive: [] },
  PutCompositeAlarm: { ActionConfiguration: [] },
  PutDashboard: { Tags: [] },
  PutMetricAlarm: {
    ActionConfiguration: [],
    EvaluationCriteria: [],
    EvaluationInterval: [],
    EvaluationWindow: [],
    WarmUpConfiguration: [],
  },
};
