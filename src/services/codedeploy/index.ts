import type * as CodeDeploy from "@aws-sdk/client-codedeploy";
import { defineService } from "../../aws/service.ts";
import { watchWorker } from "./alarms.ts";
import { applications } from "./api/applications.ts";
import { configs } from "./api/configs.ts";
import { deployments } from "./api/deployments.ts";
import { groups } from "./api/groups.ts";
import { tags } from "./api/tags.ts";
import { codedeployApplication, codedeployConfig, codedeployGroup } from "./resources/application.ts";
import { stepWorker } from "./steps.ts";
import { refused } from "./refused-members.ts";

/** CodeDeploy for Lambda: traffic moves from one version of a function to another, in shares, with hooks and rollback. */
export const codedeploy = defineService<typeof CodeDeploy>({
  name: "codedeploy",
  operations: { ...applications, ...groups, ...configs, ...deployments, ...tags },
  refuses: refused,
  resources: [codedeployApplication, codedeployConfig, codedeployGroup],
  workers: [stepWorker, watchWorker],
});
