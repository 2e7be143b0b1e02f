import { CloudWatch } from "@aws-sdk/client-cloudwatch";
import { CloudWatchLogs } from "@aws-sdk/client-cloudwatch-logs";
import { EventBridge } from "@aws-sdk/client-eventbridge";
import { SQS } from "@aws-sdk/client-sqs";
import { allow, arn, ref, sub, tags, trusts, type AreaOf, type Case } from "./table.ts";

const sns = [sub("arn:aws:sns:${AWS::Region}:${AWS::AccountId}:t")];

export const queues: AreaOf = (client) => {
  const api = new SQS(client);
  const read: Case["read"] = async (QueueUrl) => [
    (await api.getQueueAttributes({ QueueUrl, AttributeNames: ["All"] })).Attributes,
    (await api.listQueueTags({ QueueUrl })).Tags,
  ];
  return {
    beside: { Dead: { Type: "AWS::SQS::Queue" } },
    cases: {
      AQueue: {
        type: "AWS::SQS::Queue",
        kept: {},
        dropped: {
          DelaySeconds: 5,
          MaximumMessageSize: 2048,
          MessageRetentionPeriod: 60,
          ReceiveMessageWaitTimeSeconds: 3,
          RedriveAllowPolicy: { redrivePermission: "denyAll" },
          RedrivePolicy: { deadLetterTargetArn: arn("Dead"), maxReceiveCount: 3 },
          SqsManagedSseEnabled: false,
          Tags: tags,
          VisibilityTimeout: 9,
        },
        read,
      },
      AFifoQueue: {
        type: "AWS::SQS::Queue",
        kept: { FifoQueue: true },
        dropped: {
          ContentBasedDeduplication: true,
          DeduplicationScope: "messageGroup",
          FifoThroughputLimit: "perMessageGroupId",
        },
        read,
      },
    },
  };
};

export const watchers: AreaOf = (client) => {
  const [logs, cloudWatch] = [new CloudWatchLogs(client), new CloudWatch(client)];
  const metric = { Namespace: "n", MetricName: "m", Statistic: "Sum", Period: 60 };
  const alarm = { ComparisonOperator: "GreaterThanThreshold", EvaluationPeriods: 2, Threshold: 0, ...metric };
  const readAlarm: Case["read"] = async (id) => {
    const AlarmTypes = ["MetricAlarm" as const, "CompositeAlarm" as const];
    const { MetricAlarms, CompositeAlarms } = await cloudWatch.describeAlarms({ AlarmNames: [id], AlarmTypes });
    const found = { ...MetricAlarms![0], ...CompositeAlarms![0] };
    const ResourceARN = found.AlarmArn!;
    const { StateReason: _r, StateReasonData: _d, StateValue: _v, ...shown } = found;
    return [shown, (await cloudWatch.listTagsForResource({ ResourceARN })).Tags];
  };
  return {
    beside: {
      Group: { Type: "AWS::Logs::LogGroup" },
      Other: { Type: "AWS::CloudWatch::Alarm", Properties: alarm },
    },
    cases: {
      ALogGroup: {
        type: "AWS::Logs::LogGroup",
        kept: {},
        dropped: { RetentionInDays: 7, Tags: tags },
        read: async (id) => {
          const found = (await logs.describeLogGroups({ logGroupNamePrefix: id })).logGroups![0]!;
          return [found, await logs.listTagsForResource({ resourceArn: found.logGroupArn! })];
        },
      },
      AMetricFilter: {
        type: "AWS::Logs::MetricFilter",
        kept: {
          LogGroupName: ref("Group"),
          FilterPattern: "x",
          MetricTransformations: [{ MetricName: "m", MetricNamespace: "n", MetricValue: "1" }],
        },
        dropped: {
          MetricTransformations: [
            { MetricName: "m", MetricNamespace: "n", MetricValue: "1", DefaultValue: 0, Unit: "Count" },
          ],
        },
        read: async (_id, ids) => (await logs.describeMetricFilters({ logGroupName: ids["Group"]! })).metricFilters,
      },
      AQuery: {
        type: "AWS::Logs::QueryDefinition",
        kept: { Name: sub("${AWS::StackName}"), QueryString: "fields @message" },
        dropped: { LogGroupNames: [ref("Group")] },
        read: async (id) =>
          (await logs.describeQueryDefinitions({})).queryDefinitions!.find((q) => q.queryDefinitionId === id),
      },
      AnAlarm: {
        type: "AWS::CloudWatch::Alarm",
        kept: alarm,
        dropped: {
          ActionsEnabled: false,
          AlarmActions: sns,
          AlarmDescription: "d",
          DatapointsToAlarm: 1,
          Dimensions: [{ Name: "n", Value: "v" }],
          InsufficientDataActions: sns,
          OKActions: sns,
          Tags: tags,
          TreatMissingData: "breaching",
          Unit: "Count",
        },
        read: readAlarm,
      },
      APercentile: {
        type: "AWS::CloudWatch::Alarm",
        kept: { ...alarm, Statistic: undefined, ExtendedStatistic: "p90" },
        dropped: { EvaluateLowSampleCountPercentile: "ignore" },
        read: readAlarm,
      },
      AComposite: {
        type: "AWS::CloudWatch::CompositeAlarm",
        kept: { AlarmRule: sub("ALARM(${Other})") },
        dropped: {
          ActionsEnabled: false,
          AlarmActions: sns,
          AlarmDescription: "d",
          InsufficientDataActions: sns,
          OKActions: sns,
          Tags: tags,
        },
        read: readAlarm,
      },
    },
  };
};

export const events: AreaOf = (client) => {
  const api = new EventBridge(client);
  const rule: Case["read"] = async (Name) => {
    const found = await api.describeRule({ Name });
    return [
      found,
      (await api.listTargetsByRule({ Rule: Name })).Targets,
      (await api.listTagsForResource({ ResourceARN: found.Arn! })).Tags,
    ];
  };
  const bus = sub("arn:aws:events:${AWS::Region}:${AWS::AccountId}:event-bus/default");
  const key = {
    AuthorizationType: "API_KEY",
    AuthParameters: { ApiKeyAuthParameters: { ApiKeyName: "k", ApiKeyValue: "v" } },
  };
  const parameter = [{ Key: "a", Value: "b", IsValueSecret: false }];
  return {
    beside: {
      Queue: { Type: "AWS::SQS::Queue" },
      Role: { Type: "AWS::IAM::Role", Properties: { AssumeRolePolicyDocument: trusts("events") } },
      Connection: { Type: "AWS::Events::Connection", Properties: key },
      Bus: { Type: "AWS::Events::EventBus", Properties: { Name: sub("second-${AWS::StackName}") } },
    },
    cases: {
      ARule: {
        type: "AWS::Events::Rule",
        kept: { EventPattern: { source: ["x"] } },
        dropped: {
          Description: "d",
          RoleArn: arn("Role"),
          ScheduleExpression: "rate(1 day)",
          State: "DISABLED",
          Tags: tags,
          Targets: [{ Id: "q", Arn: arn("Queue") }],
        },
        read: rule,
      },
      ASchedule: {
        type: "AWS::Events::Rule",
        kept: { ScheduleExpression: "rate(1 day)", Targets: [{ Id: "q", Arn: arn("Queue") }] },
        dropped: {
          EventPattern: { source: ["x"] },
          Targets: [{ Id: "q", Arn: arn("Queue"), Input: "{}", RetryPolicy: { MaximumRetryAttempts: 1 } }],
        },
        read: rule,
      },
      ABus: {
        type: "AWS::Events::EventBus",
        kept: { Name: sub("${AWS::StackName}") },
        dropped: {
          Description: "d",
          Policy: allow("events:PutEvents", {
            Sid: "s",
            Principal: { AWS: "arn:aws:iam::111111111111:root" },
            Resource: sub("arn:aws:events:${AWS::Region}:${AWS::AccountId}:event-bus/${AWS::StackName}"),
          }),
          Tags: tags,
        },
        read: async (Name) => {
          const found = await api.describeEventBus({ Name });
          return [found, (await api.listTagsForResource({ ResourceARN: found.Arn! })).Tags];
        },
      },
      ABusPolicy: {
        type: "AWS::Events::EventBusPolicy",
        kept: { EventBusName: ref("Bus"), StatementId: "s", Action: "events:PutEvents", Principal: "*" },
        dropped: { Condition: { Type: "StringEquals", Key: "aws:PrincipalOrgID", Value: "o-1234567890" } },
        read: async (_id, ids) => (await api.describeEventBus({ Name: ids["Bus"]! })).Policy,
      },
      AnArchive: {
        type: "AWS::Events::Archive",
        kept: { SourceArn: bus },
        dropped: { Description: "d", RetentionDays: 3 },
        read: (ArchiveName) => api.describeArchive({ ArchiveName }),
      },
      AConnection: {
        type: "AWS::Events::Connection",
        kept: key,
        dropped: {
          Description: "d",
          AuthParameters: {
            ...key.AuthParameters,
            InvocationHttpParameters: {
              HeaderParameters: parameter,
              QueryStringParameters: parameter,
              BodyParameters: parameter,
            },
          },
        },
        read: (Name) => api.describeConnection({ Name }),
      },
      APartOfParameters: {
        type: "AWS::Events::Connection",
        kept: {
          ...key,
          AuthParameters: { ...key.AuthParameters, InvocationHttpParameters: { HeaderParameters: parameter } },
        },
        dropped: {
          AuthParameters: {
            ...key.AuthParameters,
            InvocationHttpParameters: { HeaderParameters: parameter, QueryStringParameters: parameter },
          },
        },
        read: (Name) => api.describeConnection({ Name }),
      },
      ADestination: {
        type: "AWS::Events::ApiDestination",
        kept: { ConnectionArn: arn("Connection"), HttpMethod: "GET", InvocationEndpoint: "https://example.com/" },
        dropped: { Description: "d", InvocationRateLimitPerSecond: 5 },
        read: (Name) => api.describeApiDestination({ Name }),
      },
    },
  };
};
