import type * as Ssm from "@aws-sdk/client-ssm";
import { defineService } from "../../aws/service.ts";
import { getParameters } from "./api/get-parameters.ts";
import { manageParameters } from "./api/manage-parameters.ts";
import { putParameter } from "./api/put-parameter.ts";
import { tags } from "./api/tags.ts";
import { policyWorker } from "./policies.ts";
import { ssmParameter } from "./resources/parameter.ts";

/** Systems Manager: the parameter store. */
export const ssm = defineService<typeof Ssm>({
  name: "ssm",
  operations: { ...putParameter, ...getParameters, ...manageParameters, ...tags },
  resources: [ssmParameter],
  workers: [policyWorker],
});
