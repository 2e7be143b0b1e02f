import { ECR } from "@aws-sdk/client-ecr";
import { ResourceGroups } from "@aws-sdk/client-resource-groups";
import { S3 } from "@aws-sdk/client-s3";
import { SSM } from "@aws-sdk/client-ssm";
import { allow, sub, tags, type AreaOf } from "./table.ts";

const lifecycle = JSON.stringify({
  rules: [
    {
      rulePriority: 1,
      selection: { tagStatus: "any", countType: "imageCountMoreThan", countNumber: 1 },
      action: { type: "expire" },
    },
  ],
});

export const others: AreaOf = (client) => {
  const [ssm, s3, ecr] = [new SSM(client), new S3({ ...client, forcePathStyle: true }), new ECR(client)];
  const groups = new ResourceGroups(client);
  const orNone = (asked: Promise<object>) => asked.catch((error: Error) => error.name);
  const readBucket = (Bucket: string) =>
    Promise.all([
      orNone(s3.getBucketEncryption({ Bucket })),
      orNone(s3.getBucketCors({ Bucket })),
      orNone(s3.getBucketWebsite({ Bucket })),
      orNone(s3.getBucketLifecycleConfiguration({ Bucket })),
      orNone(s3.getBucketLogging({ Bucket })),
      orNone(s3.getBucketNotificationConfiguration({ Bucket })),
      orNone(s3.getBucketTagging({ Bucket })),
      orNone(s3.getBucketAcl({ Bucket })),
    ]);
  return {
    cases: {
      AParameter: {
        type: "AWS::SSM::Parameter",
        kept: { Type: "String", Value: "v" },
        dropped: { AllowedPattern: "v", Description: "d", DataType: "text", Tags: { k: "v" } },
        read: async (id) => [
          (await ssm.describeParameters({ ParameterFilters: [{ Key: "Name", Values: [id] }] })).Parameters,
          (await ssm.listTagsForResource({ ResourceType: "Parameter", ResourceId: id })).TagList,
        ],
      },
      AnExpiringParameter: {
        type: "AWS::SSM::Parameter",
        kept: { Type: "String", Value: "v", Tier: "Advanced" },
        dropped: {
          Policies: JSON.stringify([
            { Type: "Expiration", Version: "1.0", Attributes: { Timestamp: "2099-01-01T00:00:00.000Z" } },
          ]),
        },
        read: async (id) =>
          (await ssm.describeParameters({ ParameterFilters: [{ Key: "Name", Values: [id] }] })).Parameters,
      },
      ARepository: {
        type: "AWS::ECR::Repository",
        kept: {},
        dropped: {
          ImageScanningConfiguration: { ScanOnPush: true },
          ImageTagMutability: "IMMUTABLE",
          LifecyclePolicy: { LifecyclePolicyText: lifecycle },
          RepositoryPolicyText: allow("ecr:*", { Principal: "*" }),
          Tags: tags,
        },
        read: async (repositoryName) => {
          const { repositories } = await ecr.describeRepositories({ repositoryNames: [repositoryName] });
          return [
            repositories,
            await orNone(ecr.getRepositoryPolicy({ repositoryName })),
            await orNone(ecr.getLifecyclePolicy({ repositoryName })),
            (await ecr.listTagsForResource({ resourceArn: repositories![0]!.repositoryArn! })).tags,
          ];
        },
      },
      AGroup: {
        type: "AWS::ResourceGroups::Group",
        kept: {
          Name: sub("${AWS::StackName}"),
          ResourceQuery: {
            Type: "TAG_FILTERS_1_0",
            Query: { ResourceTypeFilters: ["AWS::AllSupported"], TagFilters: [{ Key: "k", Values: ["v"] }] },
          },
        },
        dropped: {
          Description: "d",
          Tags: tags,
        },
        read: async (Group) => {
          const { Group: found } = await groups.getGroup({ Group });
          return [found, await groups.getGroupQuery({ Group }), (await groups.getTags({ Arn: found!.GroupArn! })).Tags];
        },
      },
      ABucket: {
        type: "AWS::S3::Bucket",
        kept: {},
        dropped: {
          BucketEncryption: {
            ServerSideEncryptionConfiguration: [{ ServerSideEncryptionByDefault: { SSEAlgorithm: "aws:kms" } }],
          },
          CorsConfiguration: { CorsRules: [{ AllowedMethods: ["GET"], AllowedOrigins: ["*"] }] },
          LifecycleConfiguration: { Rules: [{ Status: "Enabled", ExpirationInDays: 3 }] },
          LoggingConfiguration: { LogFilePrefix: "l/" },
          NotificationConfiguration: { EventBridgeConfiguration: { EventBridgeEnabled: true } },
          Tags: tags,
          WebsiteConfiguration: { IndexDocument: "index.html" },
        },
        read: readBucket,
      },
      APartOfABucket: {
        type: "AWS::S3::Bucket",
        kept: {
          CorsConfiguration: { CorsRules: [{ AllowedMethods: ["GET"], AllowedOrigins: ["*"] }] },
          LifecycleConfiguration: { Rules: [{ Id: "r", Status: "Enabled", ExpirationInDays: 3 }] },
          WebsiteConfiguration: { IndexDocument: "index.html" },
        },
        dropped: {
          CorsConfiguration: { CorsRules: [{ AllowedMethods: ["GET"], AllowedOrigins: ["*"], MaxAge: 3 }] },
          LifecycleConfiguration: {
            Rules: [{ Id: "r", Status: "Enabled", ExpirationInDays: 3, NoncurrentVersionExpirationInDays: 3 }],
          },
          WebsiteConfiguration: { IndexDocument: "index.html", ErrorDocument: "e.html" },
        },
        read: readBucket,
      },
      AnOpenBucket: {
        type: "AWS::S3::Bucket",
        kept: {
          OwnershipControls: { Rules: [{ ObjectOwnership: "ObjectWriter" }] },
          PublicAccessBlockConfiguration: { BlockPublicAcls: false },
        },
        dropped: { AccessControl: "PublicRead" },
        read: async (Bucket) => (await s3.getBucketAcl({ Bucket })).Grants!.length,
      },
    },
  };
};
