import type * as CloudWatch from "@aws-sdk/client-cloudwatch";
import { defineService } from "../../aws/service.ts";
import { metrics } from "./metrics.ts";

/** CloudWatch metrics. */
export const monitoring = defineService<typeof CloudWatch>({ name: "monitoring", operations: metrics });
