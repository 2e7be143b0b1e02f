import type * as CodeDeploy from "@aws-sdk/client-codedeploy";
import type { RefusedMembers } from "../../aws/service.ts";

/** What nothing here acts on: calls that ask for it are answered 501. */
export const refused: RefusedMembers<typeof CodeDeploy> = {
  CreateDeployment: { targetInstances: [], deploymentMode: [] },
  CreateDeploymentConfig: { minimumHealthyHosts: [], zonalConfig: [] },
  CreateDeploymentGroup: { outdatedInstancesStrategy: ["UPDATE"], terminationHookEnabled: [] },
  UpdateDeploymentGroup: { outdatedInstancesStrategy: ["UPDATE"], terminationHookEnabled: [] },
  ListDeployments: { externalId: [] },
};
