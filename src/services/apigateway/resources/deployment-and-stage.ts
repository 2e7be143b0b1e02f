import { tagChanges, tagMap } from "../../../aws/resource-tags.ts";
import type { ResourceType } from "../../../aws/service.ts";
import { codeOf } from "../../../kernel/aws-error.ts";

const ignoreGone = (error: unknown): void => {
  if (codeOf(error) !== "NotFoundException") throw error;
};

/** AWS::ApiGateway::Deployment. A stage that still uses it when it is replaced is moved first, so its removal waits for the clean-up. */
export const apiDeployment: ResourceType = {
  type: "AWS::ApiGateway::Deployment",
  async create(ctx, { RestApiId, Description, StageName, StageDescription }) {
    const made = await ctx.call("apigateway", "CreateDeployment", {
      restApiId: RestApiId,
      description: Description,
      stageName: StageName,
      variables: StageDescription?.Variables,
    });
    return String(made.id);
  },
  async update() {
    // A deployment is a snapshot: only its description could change, which nothing depends on.
  },
  async remove(ctx, id, { RestApiId, StageName }) {
    if (StageName) {
      const stage = await ctx
        .call("apigateway", "GetStage", { restApiId: RestApiId, stageName: StageName })
        .catch(() => undefined);
      if (stage?.deploymentId === id)
        await ctx.call("apigateway", "DeleteStage", { restApiId: RestApiId, stageName: StageName }).catch(ignoreGone);
    }
    await ctx.call("apigateway", "DeleteDeployment", { restApiId: RestApiId, deploymentId: id }).catch(ignoreGone);
  },
  attributes: async (_ctx, id) => ({ DeploymentId: id }),
};

/** AWS::ApiGateway::Stage. */
export const apiStage: ResourceType = {
  type: "AWS::ApiGateway::Stage",
  async create(ctx, { RestApiId, DeploymentId, StageName, Description, Variables, TracingEnabled, Tags }) {
    const input = {
      restApiId: RestApiId,
      deploymentId: DeploymentId,
      stageName: StageName,
      description: Description,
      variables: Variables,
      tracingEnabled: TracingEnabled,
    };
    try {
      await ctx.withStackTags(Tags, (tags) =>
        ctx.call("apigateway", "CreateStage", {
          ...input,
          ...(tags.length ? { tags: Object.fromEntries(tags.map((t) => [t.Key, t.Value])) } : {}),
        }),
      );
    } catch (error) {
      if (codeOf(error) !== "ConflictException" || !ctx.retried) throw error;
    }
    return String(StageName);
  },
  async update(ctx, id, next, previous) {
    const variables = Object.entries((next["Variables"] ?? {}) as Record<string, string>).map(([key, value]) => ({
      op: "replace" as const,
      path: `/variables/${key}`,
      value: String(value),
    }));
    const removed = Object.keys((previous["Variables"] ?? {}) as object)
      .filter((key) => !(key in (next["Variables"] ?? {})))
      .map((key) => ({ op: "remove" as const, path: `/variables/${key}` }));
    const patchOperations = [
      { op: "replace" as const, path: "/deploymentId", value: String(next["DeploymentId"]) },
      ...(["Description", "TracingEnabled"] as const).flatMap((name) => {
        if (next[name] === previous[name]) return [];
        const value = String(next[name] ?? (name === "Description" ? "" : false));
        return [{ op: "replace" as const, path: `/${name[0]!.toLowerCase()}${name.slice(1)}`, value }];
      }),
      ...variables,
      ...removed,
    ];
    await ctx.call("apigateway", "UpdateStage", { restApiId: next["RestApiId"], stageName: id, patchOperations });
    const resourceArn = `arn:aws:apigateway:${ctx.region}::/restapis/${next["RestApiId"]}/stages/${id}`;
    const { set, gone } = tagChanges(next["Tags"], previous["Tags"]);
    if (gone.length) await ctx.call("apigateway", "UntagResource", { resourceArn, tagKeys: gone });
    if (set.length) await ctx.call("apigateway", "TagResource", { resourceArn, tags: tagMap(set) });
  },
  async remove(ctx, id, { RestApiId }) {
    await ctx.call("apigateway", "DeleteStage", { restApiId: RestApiId, stageName: id }).catch(ignoreGone);
  },
};
