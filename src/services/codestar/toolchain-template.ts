import type { Generation } from "./generation.ts";
import { EXPORTED_TEMPLATE } from "./release-template.ts";
import { toolchainRoles } from "./toolchain-roles.ts";

export interface ToolchainOptions {
  readonly id: string;
  /** Name of the repository; the project's id unless said otherwise. */
  readonly repository?: string;
  readonly description?: string;
  /** Zip of the first commit; without it the repository starts empty. */
  readonly code?: { readonly bucket: string; readonly key: string };
  readonly generation: Generation;
  /** Origin that a browser reaches the buckets at, `http://localhost:4566`. */
  readonly origin: string;
}

const sub = (text: string) => ({ "Fn::Sub": text });
const att = (id: string, attribute = "Arn") => ({ "Fn::GetAtt": [id, attribute] });
const ref = (id: string) => ({ Ref: id });
const artifact = (name: string) => [{ Name: name }];

/** The template of a project's toolchain stack, `awscodestar-<id>`, with the names that CodeStar gave. */
export function toolchainTemplate(options: ToolchainOptions): object {
  const { id, generation } = options;
  return {
    AWSTemplateFormatVersion: "2010-09-09",
    Description: `The toolchain of the project ${id}: repository, build, pipeline, their buckets and roles.`,
    Resources: {
      CodeCommitRepo: repository(options),
      S3Bucket: pipelineBucket(id),
      WebsiteS3Bucket: websiteBucket(id),
      ...toolchainRoles(id, generation),
      CodeBuildProject: buildProject(options),
      ProjectPipeline: pipeline(options),
      SourceEvent: sourceEvent(id),
    },
    ...(generation.importsLambdaRole
      ? {
          Outputs: {
            LambdaTrustRole: {
              Description: "The role of the project's functions.",
              Value: att("LambdaTrustRole"),
              Export: { Name: sub(`${id}-\${AWS::Region}-LambdaTrustRole`) },
            },
          },
        }
      : {}),
  };
}

const repositoryName = (options: ToolchainOptions): string => options.repository ?? options.id;

function repository(options: ToolchainOptions): object {
  const { code, id, description } = options;
  return {
    Type: "AWS::CodeCommit::Repository",
    Properties: {
      RepositoryName: repositoryName(options),
      RepositoryDescription: description || `Sources of the project ${id}`,
      ...(code ? { Code: { BranchName: "master", S3: { Bucket: code.bucket, Key: code.key } } } : {}),
    },
  };
}

function pipelineBucket(id: string): object {
  return {
    Type: "AWS::S3::Bucket",
    DeletionPolicy: "Retain",
    Properties: {
      BucketName: sub(`aws-codestar-\${AWS::Region}-\${AWS::AccountId}-${id}-pipe`),
      VersioningConfiguration: { Status: "Enabled" },
    },
  };
}

/** Builds grant everybody the reading of each object by an ACL: so ACLs are on, and public access is allowed. */
function websiteBucket(id: string): object {
  return {
    Type: "AWS::S3::Bucket",
    DeletionPolicy: "Retain",
    Properties: {
      BucketName: sub(`aws-codestar-\${AWS::Region}-\${AWS::AccountId}-${id}-app`),
      OwnershipControls: { Rules: [{ ObjectOwnership: "ObjectWriter" }] },
      PublicAccessBlockConfiguration: {
        BlockPublicAcls: false,
        IgnorePublicAcls: false,
        BlockPublicPolicy: false,
        RestrictPublicBuckets: false,
      },
      WebsiteConfiguration: { IndexDocument: "index.html" },
      CorsConfiguration: {
        CorsRules: [{ AllowedMethods: ["GET", "HEAD"], AllowedOrigins: ["*"], AllowedHeaders: ["*"] }],
      },
    },
  };
}

function buildProject({ id, origin, generation }: ToolchainOptions): object {
  const variables = {
    S3_BUCKET: ref("S3Bucket"),
    WEBSITE_S3_PREFIX: sub(`${origin}/\${WebsiteS3Bucket}`),
    WEBSITE_S3_BUCKET: ref("WebsiteS3Bucket"),
    PROJECT_ID: id,
    ACCOUNT_ID: ref("AWS::AccountId"),
    PARTITION: ref("AWS::Partition"),
  };
  return {
    Type: "AWS::CodeBuild::Project",
    DependsOn: ["ToolChainRole"],
    Properties: {
      Name: id,
      Description: `Builds the project ${id}`,
      ServiceRole: att("ToolChainRole"),
      Source: { Type: "CODEPIPELINE", ...(generation.buildspec ? { BuildSpec: generation.buildspec } : {}) },
      Artifacts: { Type: "CODEPIPELINE", Packaging: "ZIP" },
      Environment: {
        Type: "LINUX_CONTAINER",
        ComputeType: "BUILD_GENERAL1_SMALL",
        Image: "aws/codebuild/amazonlinux2-x86_64-standard:3.0",
        EnvironmentVariables: Object.entries(variables).map(([Name, Value]) => ({ Name, Value })),
      },
    },
  };
}

function pipeline(options: ToolchainOptions): object {
  const { id } = options;
  return {
    Type: "AWS::CodePipeline::Pipeline",
    // Its first run starts when it is made: what the run needs is there by then.
    DependsOn: [
      "CodeCommitRepo",
      "CodeBuildProject",
      "CodeDeployTrustRole",
      "PermissionsBoundaryPolicy",
      ...(options.generation.importsLambdaRole ? ["LambdaTrustRole"] : []),
    ],
    Properties: {
      Name: `${id}-Pipeline`,
      RoleArn: att("ToolChainRole"),
      ArtifactStore: { Type: "S3", Location: ref("S3Bucket") },
      RestartExecutionOnUpdate: false,
      Stages: [
        { Name: "Source", Actions: [sourceAction(options)] },
        { Name: "Build", Actions: [buildAction(id)] },
        { Name: "Deploy", Actions: deployActions(options) },
      ],
    },
  };
}

const actionType = (Category: string, Provider: string) => ({ Category, Owner: "AWS", Provider, Version: "1" });

function sourceAction(options: ToolchainOptions): object {
  return {
    Name: "ApplicationSource",
    ActionTypeId: actionType("Source", "CodeCommit"),
    Configuration: { RepositoryName: repositoryName(options), BranchName: "master", PollForSourceChanges: "false" },
    OutputArtifacts: artifact(`${options.id}-SourceArtifact`),
    RunOrder: 1,
  };
}

function buildAction(id: string): object {
  return {
    Name: "PackageExport",
    ActionTypeId: actionType("Build", "CodeBuild"),
    Configuration: { ProjectName: ref("CodeBuildProject") },
    InputArtifacts: artifact(`${id}-SourceArtifact`),
    OutputArtifacts: artifact(`${id}-BuildArtifact`),
    RunOrder: 1,
  };
}

function deployActions({ id, generation }: ToolchainOptions): object[] {
  const own = Object.entries(generation.parameters ?? {}).map(([name, value]) => [name, value.replaceAll("${", "${!")]);
  const overrides = {
    ...Object.fromEntries(own),
    ...(generation.lacksProjectId ? {} : { ProjectId: id }),
    ...(generation.hasCodeDeployRole ? { CodeDeployRole: "${CodeDeployTrustRole.Arn}" } : {}),
  };
  const StackName = `awscodestar-${id}-lambda`;
  const ChangeSetName = "pipeline-changeset";
  return [
    {
      Name: "GenerateChangeSet",
      ActionTypeId: actionType("Deploy", "CloudFormation"),
      Configuration: {
        ActionMode: "CHANGE_SET_REPLACE",
        StackName,
        ChangeSetName,
        // An application that CodeStar did not generate may nest others, and use macros.
        Capabilities: generation.lacksProjectId
          ? "CAPABILITY_NAMED_IAM,CAPABILITY_AUTO_EXPAND"
          : "CAPABILITY_NAMED_IAM",
        TemplatePath: `${id}-BuildArtifact::${generation.exportedTemplate ?? EXPORTED_TEMPLATE}`,
        ...(generation.hasTemplateConfiguration
          ? { TemplateConfiguration: `${id}-BuildArtifact::template-configuration.json` }
          : {}),
        ...(Object.keys(overrides).length > 0 ? { ParameterOverrides: sub(JSON.stringify(overrides)) } : {}),
        RoleArn: att("CloudFormationTrustRole"),
      },
      InputArtifacts: artifact(`${id}-BuildArtifact`),
      RunOrder: 1,
    },
    {
      Name: "ExecuteChangeSet",
      ActionTypeId: actionType("Deploy", "CloudFormation"),
      Configuration: { ActionMode: "CHANGE_SET_EXECUTE", StackName, ChangeSetName },
      RunOrder: 2,
    },
  ];
}

/** A push to the branch starts the pipeline. Made after the pipeline, so that the first commit does not start a second run. */
function sourceEvent(id: string): object {
  return {
    Type: "AWS::Events::Rule",
    Properties: {
      Name: `awscodestar-${id}-SourceEvent`,
      Description: `Starts the pipeline of ${id} when its branch master changes`,
      State: "ENABLED",
      EventPattern: {
        source: ["aws.codecommit"],
        "detail-type": ["CodeCommit Repository State Change"],
        resources: [att("CodeCommitRepo")],
        detail: {
          event: ["referenceCreated", "referenceUpdated"],
          referenceType: ["branch"],
          referenceName: ["master"],
        },
      },
      Targets: [
        {
          Id: `codepipeline-${id}`,
          Arn: sub("arn:${AWS::Partition}:codepipeline:${AWS::Region}:${AWS::AccountId}:${ProjectPipeline}"),
          RoleArn: att("ToolChainRole"),
        },
      ],
    },
  };
}
