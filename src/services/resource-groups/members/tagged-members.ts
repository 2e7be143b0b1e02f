import { arn } from "../../../kernel/arn.ts";
import { codeOf } from "../../../kernel/aws-error.ts";
import { tagMap } from "../../../aws/resource-tags.ts";
import { MAX_SEARCHED } from "../limits.ts";
import { groupArn, KIND, type Group, type GroupsContext } from "../model.ts";
import type { TagFilter } from "../query.ts";
import type { Member } from "./member.ts";

/** A resource with its tags. */
interface Tagged {
  readonly arn: string;
  readonly tags: Readonly<Record<string, string>>;
}

/**
 * All resources of the account and region that match the tags, in the order of their ARNs. AWS asks its own index of tags,
 * which answers to `tag:GetResources` alone; here each service is asked as the account itself, once that permission was checked.
 */
export async function taggedMembers(
  ctx: GroupsContext,
  tags: readonly TagFilter[],
  types: ReadonlySet<string> | undefined,
): Promise<Member[]> {
  const { account } = ctx;
  const owner = ctx.as({ kind: "root", account, arn: arn("iam", "", account, "root"), id: account });
  const members: Member[] = [];
  for (const [type, list] of Object.entries(SOURCES)) {
    if (types && !types.has(type)) continue;
    for (const resource of await list(owner))
      if (matches(resource.tags, tags)) members.push({ type, arn: resource.arn });
  }
  return members.toSorted((a, b) => (a.arn < b.arn ? -1 : 1));
}

function matches(tags: Readonly<Record<string, string>>, filters: readonly TagFilter[]): boolean {
  return filters.every(({ key, values }) => {
    const value = Object.hasOwn(tags, key) ? tags[key]! : undefined;
    return value !== undefined && (values.length === 0 || values.includes(value));
  });
}

/** What a service answers page by page, up to the most that a search looks at. */
async function all<Item>(
  ask: (token: string | undefined) => Promise<{ items: readonly Item[] | undefined; next: string | undefined }>,
): Promise<Item[]> {
  const found: Item[] = [];
  for (let token: string | undefined; ;) {
    const { items = [], next } = await ask(token);
    found.push(...items);
    if (!next || found.length >= MAX_SEARCHED) return found;
    token = next;
  }
}

/** The resources with the tags that `tagsOf` reads; one that is gone by then, or has none, is left out. */
async function withTags<Item>(
  items: readonly Item[],
  arnOf: (item: Item) => string | undefined,
  tagsOf: (item: Item, arn: string) => Promise<unknown>,
): Promise<Tagged[]> {
  const found: Tagged[] = [];
  for (const item of items) {
    const named = arnOf(item);
    if (named === undefined) continue;
    const tags = await tagsOf(item, named).catch((error: unknown) => {
      if (GONE.test(codeOf(error) ?? "")) return undefined;
      throw error;
    });
    if (tags !== undefined) found.push({ arn: named, tags: tagMap(tags) });
  }
  return found;
}

const GONE = /NotFound|NoSuch|DoesNotExist|NonExistent|InvalidResourceId/;
const when = (token: string | undefined, name: string): object => (token === undefined ? {} : { [name]: token });

/** For each type that groups find by tags, all of its resources. */
const SOURCES: Readonly<Record<string, (ctx: GroupsContext) => Promise<readonly Tagged[]>>> = {
  "AWS::ApiGateway::RestApi": async (ctx) => {
    const apis = await all(async (token) => {
      const page = await ctx.call("apigateway", "GetRestApis", { limit: 500, ...when(token, "position") });
      return { items: page.items, next: page.position };
    });
    return apis.map(({ id, tags }) => ({
      arn: arn("apigateway", ctx.region, "", `/restapis/${id}`),
      tags: tagMap(tags),
    }));
  },
  "AWS::ApiGatewayV2::Api": async (ctx) => {
    const apis = await all(async (token) => {
      const page = await ctx.call("apigatewayv2", "GetApis", when(token, "NextToken"));
      return { items: page.Items, next: page.NextToken };
    });
    return apis.map(({ ApiId, Tags }) => ({
      arn: arn("apigateway", ctx.region, "", `/apis/${ApiId}`),
      tags: tagMap(Tags),
    }));
  },
  "AWS::CloudFormation::Stack": async (ctx) => {
    const stacks = await all(async (token) => {
      const page = await ctx.call("cloudformation", "DescribeStacks", when(token, "NextToken"));
      return { items: page.Stacks, next: page.NextToken };
    });
    return stacks.map(({ StackId, Tags }) => ({ arn: String(StackId), tags: tagMap(Tags) }));
  },
  "AWS::CloudWatch::Alarm": async (ctx) => {
    const alarms = await all(async (token) => {
      const page = await ctx.call("monitoring", "DescribeAlarms", when(token, "NextToken"));
      return { items: page.MetricAlarms, next: page.NextToken };
    });
    return withTags(
      alarms,
      (a) => a.AlarmArn,
      async (_, ResourceARN) => (await ctx.call("monitoring", "ListTagsForResource", { ResourceARN })).Tags,
    );
  },
  "AWS::CodeBuild::Project": async (ctx) => {
    const names = await all(async (token) => {
      const page = await ctx.call("codebuild", "ListProjects", when(token, "nextToken"));
      return { items: page.projects, next: page.nextToken };
    });
    const found: Tagged[] = [];
    for (let at = 0; at < names.length; at += 100) {
      const { projects = [] } = await ctx.call("codebuild", "BatchGetProjects", { names: names.slice(at, at + 100) });
      for (const project of projects)
        found.push({
          arn: String(project.arn),
          tags: tagMap(project.tags?.map(({ key, value }) => ({ Key: key, Value: value }))),
        });
    }
    return found;
  },
  "AWS::CodeCommit::Repository": async (ctx) => {
    const repositories = await all(async (token) => {
      const page = await ctx.call("codecommit", "ListRepositories", when(token, "nextToken"));
      return { items: page.repositories, next: page.nextToken };
    });
    return withTags(
      repositories,
      (r) => arn("codecommit", ctx.region, ctx.account, String(r.repositoryName)),
      async (_, resourceArn) => (await ctx.call("codecommit", "ListTagsForResource", { resourceArn })).tags,
    );
  },
  "AWS::CodePipeline::Pipeline": async (ctx) => {
    const pipelines = await all(async (token) => {
      const page = await ctx.call("codepipeline", "ListPipelines", when(token, "nextToken"));
      return { items: page.pipelines, next: page.nextToken };
    });
    return withTags(
      pipelines,
      (p) => arn("codepipeline", ctx.region, ctx.account, String(p.name)),
      async (_, resourceArn) =>
        (await ctx.call("codepipeline", "ListTagsForResource", { resourceArn })).tags?.map(({ key, value }) => ({
          Key: key,
          Value: value,
        })),
    );
  },
  "AWS::ECR::Repository": async (ctx) => {
    const repositories = await all(async (token) => {
      const page = await ctx.call("ecr", "DescribeRepositories", when(token, "nextToken"));
      return { items: page.repositories, next: page.nextToken };
    });
    return withTags(
      repositories,
      (r) => r.repositoryArn,
      async (_, resourceArn) => (await ctx.call("ecr", "ListTagsForResource", { resourceArn })).tags,
    );
  },
  "AWS::Events::Rule": async (ctx) => {
    const found: Tagged[] = [];
    for (const bus of await buses(ctx)) {
      const rules = await all(async (token) => {
        const page = await ctx.call("events", "ListRules", { EventBusName: bus.Name, ...when(token, "NextToken") });
        return { items: page.Rules, next: page.NextToken };
      });
      found.push(
        ...(await withTags(
          rules,
          (r) => r.Arn,
          async (_, ResourceARN) => (await ctx.call("events", "ListTagsForResource", { ResourceARN })).Tags,
        )),
      );
    }
    return found;
  },
  "AWS::Events::EventBus": async (ctx) =>
    withTags(
      await buses(ctx),
      (b) => b.Arn,
      async (_, ResourceARN) => (await ctx.call("events", "ListTagsForResource", { ResourceARN })).Tags,
    ),
  "AWS::Lambda::Function": async (ctx) => {
    const functions = await all(async (token) => {
      const page = await ctx.call("lambda", "ListFunctions", when(token, "Marker"));
      return { items: page.Functions, next: page.NextMarker };
    });
    return withTags(
      functions,
      (f) => f.FunctionArn,
      async (_, Resource) => (await ctx.call("lambda", "ListTags", { Resource })).Tags,
    );
  },
  "AWS::Logs::LogGroup": async (ctx) => {
    const groups = await all(async (token) => {
      const page = await ctx.call("logs", "DescribeLogGroups", when(token, "nextToken"));
      return { items: page.logGroups, next: page.nextToken };
    });
    return withTags(
      groups,
      (g) => arn("logs", ctx.region, ctx.account, `log-group:${g.logGroupName}`),
      async (_, resourceArn) => (await ctx.call("logs", "ListTagsForResource", { resourceArn })).tags,
    );
  },
  "AWS::ResourceGroups::Group": async (ctx) =>
    (await ctx.records.list<Group>(KIND)).map(({ value }) => ({ arn: groupArn(ctx, value.name), tags: value.tags })),
  "AWS::S3::Bucket": async (ctx) => {
    const buckets = await all(async (token) => {
      const page = await ctx.call("s3", "ListBuckets", {
        BucketRegion: ctx.region,
        MaxBuckets: 1000,
        ...when(token, "ContinuationToken"),
      });
      return { items: page.Buckets, next: page.ContinuationToken };
    });
    return withTags(
      buckets,
      (b) => arn("s3", "", "", String(b.Name)),
      async (b) => (await ctx.call("s3", "GetBucketTagging", { Bucket: b.Name })).TagSet,
    );
  },
  "AWS::SQS::Queue": async (ctx) => {
    const queues = await all(async (token) => {
      const page = await ctx.call("sqs", "ListQueues", { MaxResults: 1000, ...when(token, "NextToken") });
      return { items: page.QueueUrls, next: page.NextToken };
    });
    return withTags(
      queues,
      (url) => arn("sqs", ctx.region, ctx.account, url.slice(url.lastIndexOf("/") + 1)),
      async (QueueUrl) => (await ctx.call("sqs", "ListQueueTags", { QueueUrl })).Tags,
    );
  },
  "AWS::SSM::Parameter": async (ctx) => {
    const parameters = await all(async (token) => {
      const page = await ctx.call("ssm", "DescribeParameters", { MaxResults: 50, ...when(token, "NextToken") });
      return { items: page.Parameters, next: page.NextToken };
    });
    return withTags(
      parameters,
      ({ Name = "" }) => arn("ssm", ctx.region, ctx.account, `parameter/${Name.replace(/^\//, "")}`),
      async ({ Name }) =>
        (await ctx.call("ssm", "ListTagsForResource", { ResourceType: "Parameter", ResourceId: Name })).TagList,
    );
  },
};

async function buses(ctx: GroupsContext) {
  return all(async (token) => {
    const page = await ctx.call("events", "ListEventBuses", when(token, "NextToken"));
    return { items: page.EventBuses, next: page.NextToken };
  });
}
