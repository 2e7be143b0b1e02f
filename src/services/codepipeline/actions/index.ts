import type { ActionDefinition } from "../../../engines/pipeline/index.ts";
import type { ActionProvider } from "../action-run.ts";
import { approval } from "./approval.ts";
import { cloudformation } from "./cloudformation.ts";
import { codebuild } from "./codebuild.ts";
import { codecommit } from "./codecommit.ts";
import { commands } from "./commands.ts";
import { customJob } from "./custom-job.ts";
import { invokePipeline } from "./invoke-pipeline.ts";
import { lambda } from "./lambda.ts";
import { alarmRule, deploymentWindow, variableCheck } from "./rules.ts";
import { s3Deploy } from "./s3-deploy.ts";
import { s3Source } from "./s3-source.ts";

/** Every provider of actions: one line each. */
const PROVIDERS: Readonly<Record<string, ActionProvider>> = {
  "Source/CodeCommit": codecommit,
  "Source/S3": s3Source,
  "Build/CodeBuild": codebuild,
  "Test/CodeBuild": codebuild,
  "Deploy/CloudFormation": cloudformation,
  "Deploy/S3": s3Deploy,
  "Compute/Commands": commands,
  "Invoke/CodePipeline": invokePipeline,
  "Invoke/Lambda": lambda,
  "Approval/Manual": approval,
  "Rule/CloudWatchAlarm": alarmRule,
  "Rule/CodeBuild": codebuild,
  "Rule/Commands": commands,
  "Rule/DeploymentWindow": deploymentWindow,
  "Rule/LambdaInvoke": lambda,
  "Rule/VariableCheck": variableCheck,
};

/** The provider of an action type; `undefined` where there is none yet. */
export function providerOf(type: ActionDefinition["actionTypeId"]): ActionProvider | undefined {
  if (type.owner === "Custom") return customJob;
  return type.owner === "AWS" && Object.hasOwn(PROVIDERS, `${type.category}/${type.provider}`)
    ? PROVIDERS[`${type.category}/${type.provider}`]
    : undefined;
}

export const builtInTypes = (): string[] => Object.keys(PROVIDERS).filter((type) => !type.startsWith("Rule/"));
