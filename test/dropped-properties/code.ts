import { CodeBuild } from "@aws-sdk/client-codebuild";
import { CodeCommit } from "@aws-sdk/client-codecommit";
import { CodeDeploy } from "@aws-sdk/client-codedeploy";
import { CodePipeline } from "@aws-sdk/client-codepipeline";
import { arn, ref, sub, tags, trusts, type AreaOf } from "./table.ts";

const role = (service: string) => ({
  Type: "AWS::IAM::Role",
  Properties: {
    AssumeRolePolicyDocument: trusts(service),
    ManagedPolicyArns: ["arn:aws:iam::aws:policy/AdministratorAccess"],
  },
});
const spec = "version: 0.2\nphases:\n  build:\n    commands: [ls]\n";
const project = {
  Artifacts: { Type: "NO_ARTIFACTS" },
  Environment: { Type: "LINUX_CONTAINER", ComputeType: "BUILD_GENERAL1_SMALL", Image: "aws/codebuild/standard:7.0" },
  ServiceRole: arn("Builder"),
  Source: { Type: "NO_SOURCE", BuildSpec: spec },
};
const second = (SourceIdentifier: string) => ({
  SourceIdentifier,
  Type: "CODECOMMIT",
  Location: "https://git-codecommit.us-east-1.amazonaws.com/v1/repos/x",
});
const action = (Name: string, ActionTypeId: object, more: object) => ({
  Name,
  ActionTypeId: { Owner: "AWS", Version: "1", ...ActionTypeId },
  ...more,
});
const stages = [
  {
    Name: "Source",
    Actions: [
      action(
        "S",
        { Category: "Source", Provider: "S3" },
        {
          Configuration: { S3Bucket: ref("Store"), S3ObjectKey: "x.zip", PollForSourceChanges: false },
          OutputArtifacts: [{ Name: "S" }],
        },
      ),
    ],
  },
  { Name: "Look", Actions: [action("L", { Category: "Approval", Provider: "Manual" }, {})] },
];
const pipeline = {
  Name: sub("p-${AWS::StackName}"),
  RoleArn: arn("Releaser"),
  ArtifactStore: { Type: "S3", Location: ref("Store") },
  Stages: stages,
};

export const code: AreaOf = (client) => {
  const [builds, commits] = [new CodeBuild(client), new CodeCommit(client)];
  const [deploys, pipelines] = [new CodeDeploy(client), new CodePipeline(client)];
  const readProject = async (name: string) => (await builds.batchGetProjects({ names: [name] })).projects![0];
  const readPipeline = async (name: string) => {
    const { pipeline: declared, metadata } = await pipelines.getPipeline({ name });
    const { stageStates } = await pipelines.getPipelineState({ name });
    const transitions = stageStates!.map((s) => s.inboundTransitionState?.enabled);
    return [declared, transitions, await pipelines.listTagsForResource({ resourceArn: metadata!.pipelineArn! })];
  };
  return {
    beside: {
      Builder: role("codebuild"),
      Deployer: role("codedeploy"),
      Releaser: role("codepipeline"),
      Store: { Type: "AWS::S3::Bucket", Properties: { VersioningConfiguration: { Status: "Enabled" } } },
      Application: { Type: "AWS::CodeDeploy::Application", Properties: { ComputePlatform: "Lambda" } },
      Queue: { Type: "AWS::SQS::Queue" },
    },
    cases: {
      AProject: {
        type: "AWS::CodeBuild::Project",
        kept: project,
        dropped: {
          BuildBatchConfig: { ServiceRole: arn("Builder"), TimeoutInMins: 60 },
          Cache: { Type: "LOCAL", Modes: ["LOCAL_CUSTOM_CACHE"] },
          ConcurrentBuildLimit: 1,
          Description: "d",
          EncryptionKey: "alias/aws/s3",
          LogsConfig: { CloudWatchLogs: { Status: "DISABLED" } },
          QueuedTimeoutInMinutes: 60,
          SecondaryArtifacts: [{ ArtifactIdentifier: "a", Type: "S3", Location: ref("Store"), Name: "a" }],
          SecondarySourceVersions: [{ SourceIdentifier: "s", SourceVersion: "main" }],
          SecondarySources: [second("s")],
          SourceVersion: "main",
          Tags: tags,
          TimeoutInMinutes: 30,
        },
        read: readProject,
      },
      AnEnvironment: {
        type: "AWS::CodeBuild::Project",
        kept: project,
        dropped: {
          Environment: {
            ...project.Environment,
            PrivilegedMode: true,
            EnvironmentVariables: [{ Name: "A", Value: "b" }],
          },
          LogsConfig: { CloudWatchLogs: { Status: "ENABLED", GroupName: "g" } },
        },
        read: readProject,
      },
      AReportGroup: {
        type: "AWS::CodeBuild::ReportGroup",
        kept: { Type: "TEST", ExportConfig: { ExportConfigType: "NO_EXPORT" } },
        dropped: { Tags: tags },
        read: async (one) => (await builds.batchGetReportGroups({ reportGroupArns: [one] })).reportGroups,
      },
      ARepository: {
        type: "AWS::CodeCommit::Repository",
        kept: { RepositoryName: sub("${AWS::StackName}") },
        dropped: {
          RepositoryDescription: "d",
          Tags: tags,
        },
        read: async (_id, ids) => {
          const { repositories } = await commits.listRepositories({});
          const { repositoryName } = repositories!.find((one) => one.repositoryId === ids["ARepository"])!;
          const { repositoryMetadata } = await commits.getRepository({ repositoryName: repositoryName! });
          const { triggers } = await commits.getRepositoryTriggers({ repositoryName: repositoryName! });
          const { tags: own } = await commits.listTagsForResource({ resourceArn: repositoryMetadata!.Arn! });
          return [repositoryMetadata!.repositoryDescription, triggers, own];
        },
      },
      AnApplication: {
        type: "AWS::CodeDeploy::Application",
        kept: { ApplicationName: sub("${AWS::StackName}"), ComputePlatform: "Lambda" },
        dropped: { Tags: tags },
        read: async (id) =>
          deploys.listTagsForResource({ ResourceArn: `arn:aws:codedeploy:us-east-1:000000000000:application:${id}` }),
      },
      ADeploymentGroup: {
        type: "AWS::CodeDeploy::DeploymentGroup",
        kept: {
          ApplicationName: ref("Application"),
          DeploymentGroupName: "g",
          ServiceRoleArn: arn("Deployer"),
          DeploymentStyle: { DeploymentType: "BLUE_GREEN", DeploymentOption: "WITH_TRAFFIC_CONTROL" },
        },
        dropped: {
          AlarmConfiguration: { Enabled: true, Alarms: [{ Name: "a" }] },
          AutoRollbackConfiguration: { Enabled: true, Events: ["DEPLOYMENT_FAILURE"] },
          DeploymentConfigName: "CodeDeployDefault.LambdaLinear10PercentEvery1Minute",
          Tags: tags,
        },
        read: async (deploymentGroupName, ids) => {
          const applicationName = ids["Application"]!;
          const ResourceArn = `arn:aws:codedeploy:us-east-1:000000000000:deploymentgroup:${applicationName}/${deploymentGroupName}`;
          const { deploymentGroupInfo } = await deploys.getDeploymentGroup({ applicationName, deploymentGroupName });
          return [deploymentGroupInfo, await deploys.listTagsForResource({ ResourceArn })];
        },
      },
      APipeline: {
        type: "AWS::CodePipeline::Pipeline",
        kept: pipeline,
        dropped: {
          DisableInboundStageTransitions: [{ StageName: "Look", Reason: "r" }],
          ExecutionMode: "QUEUED",
          PipelineType: "V2",
          Tags: tags,
          Variables: [{ Name: "V", DefaultValue: "v" }],
        },
        read: readPipeline,
      },
    },
  };
};
