import { arn } from "../../../kernel/arn.ts";
import { codeOf } from "../../../kernel/aws-error.ts";
import { groupArn, type GroupsContext } from "../model.ts";
import type { Member, Members, QueryError } from "./member.ts";

/** One resource of a stack, as CloudFormation lists it. */
interface StackResource {
  readonly type: string;
  readonly id: string;
}

const INACTIVE: QueryError = {
  ErrorCode: "CLOUDFORMATION_STACK_INACTIVE",
  Message:
    "The specified CloudFormation stack cannot have the following statuses: DELETE_COMPLETE, ROLLBACK_COMPLETE, CREATE_FAILED.",
};
const ABSENT: QueryError = {
  ErrorCode: "CLOUDFORMATION_STACK_NOT_EXISTING",
  Message: "The specified CloudFormation stack doesn't exist.",
};
/** Statuses of resources that are there. */
const IS_THERE =
  /^(CREATE|UPDATE|IMPORT)_COMPLETE$|^(UPDATE_IN_PROGRESS|UPDATE_FAILED|DELETE_FAILED|IMPORT_ROLLBACK_COMPLETE)$/;

/** What keeps a stack from having members, as the caller may see it. */
export async function stackFault(ctx: GroupsContext, stack: string): Promise<QueryError | undefined> {
  const found = await ctx.call("cloudformation", "DescribeStacks", { StackName: stack }).catch((error: unknown) => {
    if (codeOf(error) !== "ValidationError") throw error;
    return undefined;
  });
  const status = found?.Stacks?.[0]?.StackStatus;
  if (status === undefined) return ABSENT;
  return ["DELETE_COMPLETE", "ROLLBACK_COMPLETE", "CREATE_FAILED"].includes(status) ? INACTIVE : undefined;
}

/** The resources of a stack that groups know, in the order of their ARNs. Asks CloudFormation as the caller. */
export async function stackMembers(ctx: GroupsContext, stack: string): Promise<Members> {
  const fault = await stackFault(ctx, stack);
  if (fault) return { members: [], errors: [fault] };
  const resources: StackResource[] = [];
  for (let NextToken: string | undefined; ;) {
    const page = await ctx.call("cloudformation", "ListStackResources", {
      StackName: stack,
      ...(NextToken ? { NextToken } : {}),
    });
    for (const { ResourceType: type, PhysicalResourceId: id, ResourceStatus: status } of page.StackResourceSummaries ??
      [])
      if (type && id && IS_THERE.test(status ?? "")) resources.push({ type, id });
    NextToken = page.NextToken;
    if (!NextToken) break;
  }
  const members: Member[] = [];
  for (const { type, id } of resources) {
    const named = ARNS[type]?.(ctx, id, resources);
    if (named !== undefined) members.push({ type, arn: named });
  }
  return { members: members.toSorted((a, b) => (a.arn < b.arn ? -1 : 1)), errors: [] };
}

type ArnOf = (ctx: GroupsContext, id: string, all: readonly StackResource[]) => string | undefined;
const regional =
  (service: string, before = ""): ArnOf =>
  (ctx, id) =>
    arn(service, ctx.region, ctx.account, before + id);
const gateway =
  (before: string): ArnOf =>
  (ctx, id) =>
    arn("apigateway", ctx.region, "", before + id);
const itself: ArnOf = (_ctx, id) => (id.startsWith("arn:") ? id : undefined);

/** The ARN of each type that can be a group's member, from its physical id. */
const ARNS: Readonly<Record<string, ArnOf>> = {
  "AWS::ApiGateway::ApiKey": gateway("/apikeys/"),
  "AWS::ApiGateway::DomainName": gateway("/domainnames/"),
  "AWS::ApiGateway::RestApi": gateway("/restapis/"),
  // A stage's physical id is its name alone: it can be told whose it is where the stack has one API.
  "AWS::ApiGateway::Stage": (ctx, id, all) => {
    const apis = all.filter(({ type }) => type === "AWS::ApiGateway::RestApi");
    return apis.length === 1 ? gateway(`/restapis/${apis[0]!.id}/stages/`)(ctx, id, all) : undefined;
  },
  "AWS::ApiGateway::UsagePlan": gateway("/usageplans/"),
  "AWS::ApiGatewayV2::Api": gateway("/apis/"),
  "AWS::CloudFormation::Stack": itself,
  "AWS::CloudWatch::Alarm": regional("cloudwatch", "alarm:"),
  "AWS::CodeBuild::Project": regional("codebuild", "project/"),
  "AWS::CodeDeploy::Application": regional("codedeploy", "application:"),
  "AWS::CodePipeline::Pipeline": regional("codepipeline"),
  "AWS::ECR::Repository": regional("ecr", "repository/"),
  "AWS::Events::EventBus": regional("events", "event-bus/"),
  "AWS::Events::Rule": (ctx, id, all) => regional("events", "rule/")(ctx, id.replace("|", "/"), all),
  "AWS::IAM::ManagedPolicy": itself,
  "AWS::Lambda::Function": regional("lambda", "function:"),
  "AWS::Logs::LogGroup": regional("logs", "log-group:"),
  "AWS::ResourceGroups::Group": (ctx, id) => groupArn(ctx, id),
  "AWS::S3::Bucket": (_ctx, id) => arn("s3", "", "", id),
  "AWS::SQS::Queue": (ctx, id, all) => regional("sqs")(ctx, id.slice(id.lastIndexOf("/") + 1), all),
  "AWS::SSM::Parameter": (ctx, id, all) => regional("ssm", "parameter/")(ctx, id.replace(/^\//, ""), all),
};
