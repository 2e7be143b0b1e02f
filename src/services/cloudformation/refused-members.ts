import type * as CloudFormation from "@aws-sdk/client-cloudformation";
import type { RefusedMembers } from "../../aws/service.ts";

/** There are no organizations: nobody calls as their administrator. */
const CALLER = { CallAs: ["SELF"] };

const INSTANCES = { ...CALLER, "DeploymentTargets.AccountFilterType": ["NONE"] };

/** What nothing here acts on: calls that ask for it are answered 501. */
export const refused: RefusedMembers<typeof CloudFormation> = {
  CreateStackInstances: INSTANCES,
  DeleteStackInstances: INSTANCES,
  UpdateStackInstances: INSTANCES,
  UpdateStackSet: INSTANCES,
  DeleteStackSet: CALLER,
  DescribeStackInstance: CALLER,
  DescribeStackSet: CALLER,
  DescribeStackSetOperation: CALLER,
  ListStackInstances: CALLER,
  ListStackSetOperationResults: CALLER,
  ListStackSetOperations: CALLER,
  ListStackSets: CALLER,
  StopStackSetOperation: CALLER,
  ContinueUpdateRollback: { ForceRollback: [] },
  CreateChangeSet: { DeploymentConfig: [], DeploymentMode: [] },
  CreateStack: { DeploymentConfig: [] },
  DeleteStack: { DeploymentConfig: [] },
  ExecuteChangeSet: { RetainExceptOnCreate: [] },
  GetTemplateSummary: { ...CALLER, "TemplateSummaryConfig.TreatUnrecognizedResourceTypesAsWarnings": [] },
  RollbackStack: { DeploymentConfig: [] },
  UpdateStack: { DeploymentConfig: [] },
};
