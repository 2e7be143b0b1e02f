import type { Generation } from "./generation.ts";

const sub = (text: string) => ({ "Fn::Sub": text });
const att = (id: string) => ({ "Fn::GetAtt": [id, "Arn"] });
const VERSION = "2012-10-17";

interface Statement {
  readonly Sid: string;
  readonly Action: string | readonly string[];
  readonly Resource?: unknown;
  readonly NotResource?: unknown;
  readonly Condition?: object;
}

const allow = (statements: readonly Statement[]) => ({
  Version: VERSION,
  Statement: statements.map((s) => ({ ...s, Effect: "Allow" })),
});
const trusts = (...services: string[]) => ({
  Version: VERSION,
  Statement: [
    { Effect: "Allow", Principal: { Service: services.map((s) => `${s}.amazonaws.com`) }, Action: "sts:AssumeRole" },
  ],
});
/** ARN of something of this account and region. */
const own = (service: string, resource: string) =>
  sub(`arn:\${AWS::Partition}:${service}:\${AWS::Region}:\${AWS::AccountId}:${resource}`);
const iam = (resource: string) => sub(`arn:\${AWS::Partition}:iam::\${AWS::AccountId}:${resource}`);
const bucket = (logicalId: string) => [att(logicalId), sub(`\${${logicalId}.Arn}/*`)];

/** The roles of a toolchain and the boundary of what a project's functions may do. They outlive the stack, because the application's stack needs them to its end. */
export function toolchainRoles(id: string, generation: Generation): Record<string, object> {
  return {
    ToolChainRole: role(
      id,
      "ToolChain",
      trusts("codepipeline", "codebuild", "events"),
      toolChainPolicy(id, generation),
    ),
    CloudFormationTrustRole: role(id, "CloudFormation", trusts("cloudformation"), cloudFormationPolicy(id, generation)),
    CodeDeployTrustRole: {
      ...role(id, "CodeDeploy", trusts("codedeploy")),
      Properties: {
        RoleName: `CodeStarWorker-${id}-CodeDeploy`,
        AssumeRolePolicyDocument: trusts("codedeploy"),
        ManagedPolicyArns: [sub("arn:${AWS::Partition}:iam::aws:policy/service-role/AWSCodeDeployRoleForLambda")],
      },
    },
    PermissionsBoundaryPolicy: boundary(id),
    ...(generation.importsLambdaRole ? { LambdaTrustRole: lambdaRole(id) } : {}),
  };
}

function role(id: string, purpose: string, trust: object, policy?: object): object {
  const RoleName = `CodeStarWorker-${id}-${purpose}`;
  const Policies = policy ? [{ PolicyName: `${purpose}Policy`, PolicyDocument: policy }] : [];
  return {
    Type: "AWS::IAM::Role",
    DeletionPolicy: "Retain",
    Properties: { RoleName, AssumeRolePolicyDocument: trust, Policies },
  };
}

/** What pipeline, build and event rule need. */
function toolChainPolicy(id: string, { lacksProjectId: isForeign = false }: Generation): object {
  const stack = own("cloudformation", `stack/awscodestar-${id}-*`);
  return allow([
    {
      Sid: "Sources",
      Action: [
        "codecommit:CancelUploadArchive",
        "codecommit:GetBranch",
        "codecommit:GetCommit",
        "codecommit:GetRepository",
        "codecommit:GetUploadArchiveStatus",
        "codecommit:GitPull",
        "codecommit:UploadArchive",
      ],
      Resource: att("CodeCommitRepo"),
    },
    {
      Sid: "Artifacts",
      Action: [
        "s3:GetBucketAcl",
        "s3:GetBucketLocation",
        "s3:GetBucketVersioning",
        "s3:GetObject",
        "s3:GetObjectVersion",
        "s3:ListBucket",
        "s3:PutObject",
      ],
      Resource: bucket("S3Bucket"),
    },
    {
      Sid: "Website",
      Action: [
        "s3:DeleteObject",
        "s3:GetBucketLocation",
        "s3:GetObject",
        "s3:ListBucket",
        "s3:PutObject",
        "s3:PutObjectAcl",
      ],
      Resource: bucket("WebsiteS3Bucket"),
    },
    {
      Sid: "Builds",
      Action: ["codebuild:BatchGetBuilds", "codebuild:StartBuild", "codebuild:StopBuild"],
      Resource: own("codebuild", `project/${id}*`),
    },
    {
      Sid: "BuildLogs",
      Action: ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"],
      Resource: own("logs", `log-group:/aws/codebuild/${id}*`),
    },
    {
      Sid: "Stacks",
      Action: [
        "cloudformation:CreateChangeSet",
        "cloudformation:CreateStack",
        "cloudformation:DeleteChangeSet",
        "cloudformation:DeleteStack",
        "cloudformation:Describe*",
        "cloudformation:ExecuteChangeSet",
        "cloudformation:GetTemplate*",
        "cloudformation:UpdateStack",
      ],
      Resource: [stack],
    },
    {
      Sid: "Transforms",
      Action: "cloudformation:CreateChangeSet",
      Resource: sub("arn:${AWS::Partition}:cloudformation:${AWS::Region}:aws:transform/*"),
    },
    { Sid: "HandOver", Action: "iam:PassRole", Resource: [att("CloudFormationTrustRole")] },
    { Sid: "Release", Action: "codepipeline:StartPipelineExecution", Resource: own("codepipeline", `${id}-Pipeline`) },
    {
      Sid: "Functions",
      Action: ["lambda:InvokeFunction", "lambda:ListFunctions"],
      Resource: own("lambda", `function:awscodestar-${id}-*`),
    },
    {
      Sid: "Parameters",
      Action: "ssm:GetParameter*",
      Resource: "*",
      // What CodeStar's documentation has people tag; other applications know of no such tag.
      ...(isForeign
        ? {}
        : {
            Condition: { StringEquals: { "ssm:ResourceTag/awscodestar:projectArn": own("codestar", `project/${id}`) } },
          }),
    },
    ...(isForeign ? [otherBuckets, templates] : []),
    { Sid: "Resources", Action: "codestar:SyncResources", Resource: own("codestar", `project/${id}`) },
  ]);
}

/** Buildspecs of applications that CodeStar did not generate often name a bucket for their code. */
const otherBuckets: Statement = {
  Sid: "OtherBuckets",
  Action: ["s3:GetBucketLocation", "s3:GetObject", "s3:ListBucket", "s3:PutObject"],
  NotResource: sub("arn:${AWS::Partition}:s3:::aws-codestar-*"),
};

/** Nor did CodeStar's buildspecs run `sam validate` or `aws cloudformation validate-template`; the operation knows of no resource. */
const templates: Statement = { Sid: "Templates", Action: "cloudformation:ValidateTemplate", Resource: "*" };

/** Kinds of resources that a project's template may have: what AWS's own toolchains lacked here rolled users' stacks back. */
const SERVICES = [
  "apigateway",
  "application-autoscaling",
  "applicationinsights",
  "cloudfront",
  "cloudwatch",
  "codedeploy",
  "cognito-identity",
  "cognito-idp",
  "dynamodb",
  "ecr",
  "events",
  "firehose",
  "iot",
  "kinesis",
  "kms",
  "logs",
  "pipes",
  "resource-groups",
  "scheduler",
  "secretsmanager",
  "sns",
  "sqs",
  "ssm",
  "states",
  "wafv2",
  "xray",
];

/**
 * What the deployment of the application's stack needs. Roles that it makes must have the project's boundary, except in
 * an application that CodeStar did not generate: its template knows of no boundary, and names its resources as it likes.
 */
function cloudFormationPolicy(id: string, { lacksProjectId: isForeign = false }: Generation): object {
  const roles = isForeign ? [iam("role/*")] : [iam(`role/CodeStar-${id}-*`), iam(`role/awscodestar-${id}-*`)];
  const functions = [
    own("lambda", isForeign ? "function:*" : `function:awscodestar-${id}-*`),
    own("lambda", "event-source-mapping:*"),
    own("lambda", "layer:*"),
  ];
  return allow([
    { Sid: "Code", Action: ["s3:GetObject", "s3:GetObjectVersion"], Resource: bucket("S3Bucket") },
    {
      Sid: "Transforms",
      Action: "cloudformation:CreateChangeSet",
      Resource: sub("arn:${AWS::Partition}:cloudformation:${AWS::Region}:aws:transform/*"),
    },
    { Sid: "Functions", Action: "lambda:*", Resource: functions },
    {
      Sid: "FunctionLists",
      Action: ["lambda:CreateEventSourceMapping", "lambda:GetEventSourceMapping", "lambda:List*"],
      Resource: "*",
    },
    { Sid: "Services", Action: SERVICES.map((service) => `${service}:*`), Resource: "*" },
    {
      Sid: "Buckets",
      Action: "s3:*",
      ...(isForeign
        ? { NotResource: sub("arn:${AWS::Partition}:s3:::aws-codestar-*") }
        : {
            Resource: [
              sub(`arn:\${AWS::Partition}:s3:::awscodestar-${id}-*`),
              sub(`arn:\${AWS::Partition}:s3:::${id}-*`),
            ],
          }),
    },
    {
      Sid: "NewRoles",
      Action: ["iam:AttachRolePolicy", "iam:CreateRole", "iam:PutRolePermissionsBoundary", "iam:PutRolePolicy"],
      Resource: roles,
      ...(isForeign
        ? {}
        : {
            Condition: {
              StringEquals: { "iam:PermissionsBoundary": iam(`policy/CodeStar_${id}_PermissionsBoundary`) },
            },
          }),
    },
    ...(isForeign ? foreignStatements(id) : []),
    {
      Sid: "OwnRoles",
      Action: [
        "iam:DeleteRole",
        "iam:DeleteRolePolicy",
        "iam:DetachRolePolicy",
        "iam:GetRole",
        "iam:GetRolePolicy",
        "iam:ListAttachedRolePolicies",
        "iam:ListRolePolicies",
        "iam:TagRole",
        "iam:UntagRole",
        "iam:UpdateAssumeRolePolicy",
        "iam:UpdateRole",
      ],
      Resource: roles,
    },
    {
      Sid: "HandOver",
      Action: "iam:PassRole",
      Resource: [...roles, iam(`role/CodeStarWorker-${id}-Lambda`), att("CodeDeployTrustRole")],
    },
  ]);
}

/** What templates of applications that CodeStar did not generate have besides. */
function foreignStatements(id: string): Statement[] {
  return [
    {
      Sid: "Policies",
      Action: [
        "iam:CreatePolicy",
        "iam:CreatePolicyVersion",
        "iam:DeletePolicy",
        "iam:DeletePolicyVersion",
        "iam:GetPolicy",
        "iam:GetPolicyVersion",
        "iam:ListPolicyVersions",
        "iam:TagPolicy",
        "iam:UntagPolicy",
      ],
      Resource: iam("policy/*"),
    },
    {
      Sid: "DeveloperTools",
      Action: ["codebuild:*", "codecommit:*", "codepipeline:*"],
      Resource: "*",
    },
    {
      Sid: "NestedStacks",
      Action: "cloudformation:*",
      Resource: own("cloudformation", `stack/awscodestar-${id}-*`),
    },
  ];
}

/** The most that a function of the project may do, whatever its role says. CodeStar adds what the application's stack makes. */
function boundary(id: string): object {
  return {
    Type: "AWS::IAM::ManagedPolicy",
    DeletionPolicy: "Retain",
    Properties: {
      ManagedPolicyName: `CodeStar_${id}_PermissionsBoundary`,
      Description: `The most that the functions of the project ${id} may do`,
      PolicyDocument: allow([
        {
          Sid: "ProjectResources",
          Action: "*",
          Resource: [
            ...bucket("WebsiteS3Bucket"),
            own("lambda", `function:awscodestar-${id}-*`),
            // Buckets that the application's stack names: they are used the moment that they are there.
            sub(`arn:\${AWS::Partition}:s3:::awscodestar-${id}-lambda-*`),
          ],
        },
        {
          Sid: "Always",
          Action: [
            "cloudwatch:PutMetricData",
            "logs:CreateLogGroup",
            "logs:CreateLogStream",
            "logs:DescribeLogStreams",
            "logs:PutLogEvents",
            "xray:Put*",
            "xray:Get*",
          ],
          Resource: "*",
        },
      ]),
    },
  };
}

/** The one role of all functions in repositories of 2017 and 2018, which import its ARN. */
function lambdaRole(id: string): object {
  return {
    Type: "AWS::IAM::Role",
    DeletionPolicy: "Retain",
    Properties: {
      RoleName: `CodeStarWorker-${id}-Lambda`,
      AssumeRolePolicyDocument: trusts("lambda"),
      ManagedPolicyArns: [sub("arn:${AWS::Partition}:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole")],
      PermissionsBoundary: { Ref: "PermissionsBoundaryPolicy" },
    },
  };
}
