import type { Context } from "../../../aws/context.ts";
import { AwsError } from "../../../kernel/aws-error.ts";
import type { LiveReader } from "./reading.ts";

/** Users, groups, event buses, image repositories, alarms and pipelines: each is known by its name. */
export const namedReaders: Readonly<Record<string, LiveReader>> = {
  "AWS::IAM::User": user,
  "AWS::IAM::Group": group,
  "AWS::Events::EventBus": eventBus,
  "AWS::ECR::Repository": imageRepository,
  "AWS::CloudWatch::Alarm": alarm,
  "AWS::CodePipeline::Pipeline": pipeline,
};

async function user(ctx: Context<any>, UserName: string): Promise<object> {
  const { User } = await ctx.call("iam", "GetUser", { UserName });
  return {
    UserName: User?.UserName,
    Path: User?.Path,
    PermissionsBoundary: User?.PermissionsBoundary?.PermissionsBoundaryArn,
    Tags: User?.Tags,
  };
}

async function group(ctx: Context<any>, GroupName: string): Promise<object> {
  const { Group } = await ctx.call("iam", "GetGroup", { GroupName });
  return { GroupName: Group?.GroupName, Path: Group?.Path };
}

async function eventBus(ctx: Context<any>, Name: string): Promise<object> {
  const bus = await ctx.call("events", "DescribeEventBus", { Name });
  return { Name: bus.Name, Description: bus.Description };
}

async function imageRepository(ctx: Context<any>, id: string): Promise<object> {
  const { repositories = [] } = await ctx.call("ecr", "DescribeRepositories", { repositoryNames: [id] });
  const found = repositories[0];
  return {
    RepositoryName: found?.repositoryName,
    ImageTagMutability: found?.imageTagMutability,
    ImageScanningConfiguration: { ScanOnPush: found?.imageScanningConfiguration?.scanOnPush ?? false },
  };
}

const ALARM = [
  "AlarmName",
  "AlarmDescription",
  "ActionsEnabled",
  "ComparisonOperator",
  "DatapointsToAlarm",
  "EvaluationPeriods",
  "MetricName",
  "Namespace",
  "Period",
  "Statistic",
  "ExtendedStatistic",
  "Threshold",
  "TreatMissingData",
  "Unit",
] as const;

async function alarm(ctx: Context<any>, id: string): Promise<object> {
  const { MetricAlarms = [] } = await ctx.call("monitoring", "DescribeAlarms", { AlarmNames: [id] });
  const [found] = MetricAlarms;
  if (!found) throw new AwsError("ResourceNotFound", `The alarm ${id} does not exist`, 404);
  return Object.fromEntries(ALARM.map((name) => [name, found[name]]));
}

async function pipeline(ctx: Context<any>, id: string): Promise<object> {
  const { pipeline: found } = await ctx.call("codepipeline", "GetPipeline", { name: id });
  return { Name: found?.name, RoleArn: found?.roleArn };
}
