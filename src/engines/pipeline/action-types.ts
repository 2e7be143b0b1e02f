import type { ActionDefinition, ActionTypeLimits } from "./definition.ts";

const required = { required: true } as const;
const optional = { required: false } as const;

function keys(needed: string, others = ""): ActionTypeLimits["configuration"] {
  const entries = [
    ...needed
      .split(" ")
      .filter(Boolean)
      .map((key) => [key, required] as const),
    ...others
      .split(" ")
      .filter(Boolean)
      .map((key) => [key, optional] as const),
  ];
  return Object.fromEntries(entries);
}

/** AWS's own action types, by category and provider. */
const AWS_TYPES: Readonly<Record<string, ActionTypeLimits>> = {
  "Source/CodeCommit": {
    inputs: [0, 0],
    outputs: [1, 1],
    configuration: keys("RepositoryName BranchName", "PollForSourceChanges OutputArtifactFormat"),
  },
  "Source/S3": {
    inputs: [0, 0],
    outputs: [1, 1],
    configuration: keys("S3Bucket S3ObjectKey", "PollForSourceChanges AllowOverrideForS3ObjectKey"),
  },
  "Source/ECR": { inputs: [0, 0], outputs: [1, 1], configuration: keys("RepositoryName", "ImageTag") },
  "Source/CodeStarSourceConnection": {
    inputs: [0, 0],
    outputs: [1, 1],
    configuration: keys("ConnectionArn FullRepositoryId BranchName", "DetectChanges OutputArtifactFormat"),
  },
  "Build/CodeBuild": {
    inputs: [1, 5],
    outputs: [0, 5],
    configuration: keys(
      "ProjectName",
      "PrimarySource BatchEnabled CombineArtifacts EnvironmentVariables BuildspecOverride",
    ),
  },
  "Test/CodeBuild": {
    inputs: [1, 5],
    outputs: [0, 5],
    configuration: keys(
      "ProjectName",
      "PrimarySource BatchEnabled CombineArtifacts EnvironmentVariables BuildspecOverride",
    ),
  },
  "Deploy/CloudFormation": {
    inputs: [0, 10],
    outputs: [0, 1],
    configuration: keys(
      "ActionMode",
      "StackName ChangeSetName Capabilities OutputFileName ParameterOverrides RoleArn TemplateConfiguration TemplatePath",
    ),
  },
  "Deploy/CodeDeploy": { inputs: [1, 1], outputs: [0, 0], configuration: keys("ApplicationName DeploymentGroupName") },
  "Deploy/S3": {
    inputs: [1, 1],
    outputs: [0, 0],
    configuration: keys("BucketName Extract", "ObjectKey KMSEncryptionKeyARN CannedACL CacheControl"),
  },
  "Deploy/Lambda": { inputs: [0, 1], outputs: [0, 0] },
  "Invoke/Lambda": { inputs: [0, 5], outputs: [0, 5], configuration: keys("FunctionName", "UserParameters") },
  "Invoke/StepFunctions": {
    inputs: [0, 1],
    outputs: [0, 1],
    configuration: keys("StateMachineArn", "ExecutionNamePrefix InputType Input"),
  },
  "Invoke/CodePipeline": {
    inputs: [0, 0],
    outputs: [0, 0],
    configuration: keys("PipelineName", "SourceRevisions Variables"),
  },
  "Approval/Manual": {
    inputs: [0, 0],
    outputs: [0, 0],
    configuration: keys("", "CustomData ExternalEntityLink NotificationArn"),
  },
  "Compute/Commands": { inputs: [0, 10], outputs: [0, 1], configuration: {} },
};

const GITHUB: ActionTypeLimits = {
  inputs: [0, 0],
  outputs: [1, 1],
  configuration: keys("Owner Repo Branch OAuthToken", "PollForSourceChanges"),
};

/** The limits of the action types that every account has; custom types come from the caller. */
export function builtInActionType(type: ActionDefinition["actionTypeId"]): ActionTypeLimits | undefined {
  if (type.version !== "1" && type.version !== "2") return undefined;
  if (type.owner === "ThirdParty" && type.provider === "GitHub" && type.category === "Source") return GITHUB;
  return type.owner === "AWS" ? AWS_TYPES[`${type.category}/${type.provider}`] : undefined;
}
