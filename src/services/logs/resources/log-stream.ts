import { policyText } from "../../../aws/policy-text.ts";
import { codeOf, ignoring } from "../../../kernel/aws-error.ts";
import type { ResourceContext, ResourceType } from "../../../aws/service.ts";

const ignoreMissing = ignoring("ResourceNotFoundException");

/** AWS::Logs::LogStream. */
export const logStream: ResourceType = {
  type: "AWS::Logs::LogStream",
  async create(ctx, properties) {
    const logStreamName = String(properties["LogStreamName"] ?? ctx.physicalName({ maxLength: 512 }));
    await ctx
      .call("logs", "CreateLogStream", { logGroupName: properties["LogGroupName"], logStreamName })
      .catch((error: unknown) => {
        if (codeOf(error) !== "ResourceAlreadyExistsException" || !ctx.retried) throw error;
      });
    return logStreamName;
  },
  async remove(ctx, id, properties) {
    await ctx
      .call("logs", "DeleteLogStream", { logGroupName: properties["LogGroupName"], logStreamName: id })
      .catch(ignoreMissing);
  },
};

const putPolicy = (ctx: ResourceContext, policyName: string, document: unknown): Promise<unknown> =>
  ctx.call("logs", "PutResourcePolicy", {
    policyName,
    policyDocument: policyText(document),
  });

/** AWS::Logs::ResourcePolicy. */
export const logResourcePolicy: ResourceType = {
  type: "AWS::Logs::ResourcePolicy",
  async create(ctx, properties) {
    const name = String(properties["PolicyName"]);
    await putPolicy(ctx, name, properties["PolicyDocument"]);
    return name;
  },
  async update(ctx, id, next) {
    await putPolicy(ctx, id, next["PolicyDocument"]);
  },
  async remove(ctx, id) {
    await ctx.call("logs", "DeleteResourcePolicy", { policyName: id }).catch(ignoreMissing);
  },
};

const definition = (properties: Record<string, any>) => ({
  name: properties["Name"],
  queryString: properties["QueryString"],
  ...(properties["LogGroupNames"] ? { logGroupNames: properties["LogGroupNames"] } : {}),
  ...(properties["QueryLanguage"] ? { queryLanguage: properties["QueryLanguage"] } : {}),
});

/** AWS::Logs::QueryDefinition. Its physical id is that of the query. */
export const logQueryDefinition: ResourceType = {
  type: "AWS::Logs::QueryDefinition",
  refuses: { Parameters: [] },
  async create(ctx, properties) {
    const once = { once: ctx.token };
    const { queryDefinitionId } = await ctx.call("logs", "PutQueryDefinition", definition(properties), once);
    return String(queryDefinitionId);
  },
  async update(ctx, id, next) {
    await ctx.call("logs", "PutQueryDefinition", { ...definition(next), queryDefinitionId: id });
  },
  async remove(ctx, id) {
    await ctx.call("logs", "DeleteQueryDefinition", { queryDefinitionId: id }).catch(ignoreMissing);
  },
  attributes: async (_ctx, id) => ({ QueryDefinitionId: id }),
};
