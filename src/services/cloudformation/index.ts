import type * as CloudFormation from "@aws-sdk/client-cloudformation";
import { defineService } from "../../aws/service.ts";
import { changeSets } from "./api/change-sets.ts";
import { driftOperations } from "./api/drift.ts";
import { describe } from "./api/describe.ts";
import { rollbacks } from "./api/rollbacks.ts";
import { stackInstances } from "./api/stack-instances.ts";
import { stackSets } from "./api/stack-sets.ts";
import { stacks } from "./api/stacks.ts";
import { templates } from "./api/templates.ts";
import { customResponses } from "./custom-responses.ts";
import { driftDetector } from "./drift/detect.ts";
import { forget } from "./forget.ts";
import { stackWorkers, startStackWork, type StackWork } from "./operation/worker.ts";
import { cdkMetadata } from "./resources/cdk-metadata.ts";
import { customResource } from "./resources/custom-resource.ts";
import { macro } from "./resources/macro.ts";
import { nestedStack } from "./resources/stack.ts";
import { waitCondition, waitConditionHandle } from "./resources/wait-condition.ts";
import { stackSetWorker } from "./stack-sets/run.ts";
import { waitSignals } from "./wait-signals.ts";
import { refused } from "./refused-members.ts";

/** CloudFormation: stacks made of resources, by templates. */
export const cloudformation = defineService<typeof CloudFormation, StackWork>({
  name: "cloudformation",
  refuses: refused,
  operations: {
    ...stacks,
    ...rollbacks,
    ...describe,
    ...templates,
    ...changeSets,
    ...driftOperations,
    ...stackSets,
    ...stackInstances,
  },
  resources: [nestedStack, customResource, waitCondition, waitConditionHandle, cdkMetadata, macro],
  routes: [customResponses, waitSignals],
  periodic: [forget],
  workers: [...stackWorkers, driftDetector, stackSetWorker],
  start: startStackWork,
});
