import type { Properties, ResourceType } from "../../../aws/service.ts";
import { ignoring } from "../../../kernel/aws-error.ts";
import { retag, text } from "./patches.ts";
import { stageSettings } from "./stage.ts";

const ignoreGone = ignoring("NotFoundException");

/** AWS::ApiGateway::Deployment. A stage that still uses it when it is replaced is moved first, so its removal waits for the clean-up. */
export const apiDeployment: ResourceType = {
  type: "AWS::ApiGateway::Deployment",
  refuses: { "StageDescription.ClientCertificateId": [] },
  async create(ctx, { RestApiId, Description, StageName, StageDescription, DeploymentCanarySettings: canary }) {
    const made = await ctx.call("apigateway", "CreateDeployment", {
      restApiId: RestApiId,
      description: Description,
      stageName: StageName,
      variables: StageDescription?.Variables,
      stageDescription: StageDescription?.Description,
      tracingEnabled: StageDescription?.TracingEnabled,
      ...(canary ? { canarySettings: canarySettings(canary) } : {}),
    });
    const patchOperations = StageName ? deployedSettings(StageDescription ?? {}) : [];
    if (patchOperations.length)
      await ctx.call("apigateway", "UpdateStage", { restApiId: RestApiId, stageName: StageName, patchOperations });
    if (StageName && StageDescription?.Tags)
      await retag(ctx, `restapis/${RestApiId}/stages/${StageName}`, StageDescription.Tags, []);
    return String(made.id);
  },
  async update(ctx, id, { RestApiId, Description }) {
    const patchOperations = [{ op: "replace" as const, path: "/description", value: String(Description ?? "") }];
    await ctx.call("apigateway", "UpdateDeployment", { restApiId: RestApiId, deploymentId: id, patchOperations });
  },
  async remove(ctx, id, { RestApiId, StageName }) {
    if (StageName) {
      const stage = await ctx
        .call("apigateway", "GetStage", { restApiId: RestApiId, stageName: StageName })
        .catch(() => undefined);
      if (stage?.deploymentId === id)
        await ctx.call("apigateway", "DeleteStage", { restApiId: RestApiId, stageName: StageName }).catch(ignoreGone);
      else if (stage?.canarySettings?.deploymentId === id)
        await ctx.call("apigateway", "UpdateStage", {
          restApiId: RestApiId,
          stageName: StageName,
          patchOperations: [{ op: "remove", path: "/canarySettings" }],
        });
    }
    await ctx.call("apigateway", "DeleteDeployment", { restApiId: RestApiId, deploymentId: id }).catch(ignoreGone);
  },
  attributes: async (_ctx, id) => ({ DeploymentId: id }),
};

const canarySettings = ({ PercentTraffic, StageVariableOverrides, UseStageCache }: Properties) => ({
  percentTraffic: Number(PercentTraffic ?? 0),
  useStageCache: String(UseStageCache) === "true",
  ...(StageVariableOverrides ? { stageVariableOverrides: StageVariableOverrides as object } : {}),
});

/** The settings of the stage that comes with a deployment; one method's are among them under `*`, and by name. */
function deployedSettings(description: Properties) {
  const names = ["CachingEnabled", "CacheTtlInSeconds", "CacheDataEncrypted", "DataTraceEnabled", "LoggingLevel"];
  const more = ["MetricsEnabled", "ThrottlingBurstLimit", "ThrottlingRateLimit"];
  const forAll = Object.fromEntries(
    [...names, ...more].filter((name) => description[name] !== undefined).map((name) => [name, description[name]]),
  );
  const everything = { ResourcePath: "/*", HttpMethod: "*", ...forAll };
  const MethodSettings = [
    ...(Object.keys(forAll).length ? [everything] : []),
    ...((description["MethodSettings"] ?? []) as Properties[]),
  ];
  const { AccessLogSetting, CacheClusterEnabled, CanarySetting, DocumentationVersion } = description;
  return [
    ...text("/documentationVersion", DocumentationVersion, undefined),
    ...stageSettings({ MethodSettings, AccessLogSetting, CacheClusterEnabled, CanarySetting }, {}),
  ];
}
