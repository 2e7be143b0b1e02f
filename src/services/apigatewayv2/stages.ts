import type * as V2 from "@aws-sdk/client-apigatewayv2";
import type { Context } from "../../aws/context.ts";
import { operations } from "../../aws/service.ts";
import {
  apiOf,
  badRequest,
  conflict,
  given,
  missing,
  notForHttp,
  notFound,
  on,
  path,
  type HttpStage,
  type RouteSettings,
} from "./model.ts";
import { changed } from "./integration-model.ts";
import { page } from "./page.ts";

const settingsView = (settings: RouteSettings | undefined): V2.RouteSettings =>
  given({
    DetailedMetricsEnabled: settings?.detailedMetrics,
    ThrottlingBurstLimit: settings?.throttlingBurstLimit,
    ThrottlingRateLimit: settings?.throttlingRateLimit,
  });

const stageView = (stage: HttpStage) => ({
  StageName: stage.name,
  ...(stage.managed ? { ApiGatewayManaged: true } : {}),
  AutoDeploy: stage.autoDeploy,
  CreatedDate: new Date(stage.created),
  LastUpdatedDate: new Date(stage.updated),
  StageVariables: { ...stage.variables },
  DefaultRouteSettings: { DetailedMetricsEnabled: false, ...settingsView(stage.defaultRouteSettings) },
  RouteSettings: Object.fromEntries(
    Object.entries(stage.routeSettings ?? {}).map(([key, settings]) => [key, settingsView(settings)]),
  ),
  ...(stage.accessLog
    ? { AccessLogSettings: given({ DestinationArn: stage.accessLog.destinationArn, Format: stage.accessLog.format }) }
    : {}),
  Tags: { ...stage.tags },
  ...(stage.deploymentId ? { DeploymentId: stage.deploymentId } : {}),
  ...(stage.description ? { Description: stage.description } : {}),
});

function routeSettings(said: V2.RouteSettings): RouteSettings {
  if ((said.LoggingLevel && said.LoggingLevel !== "OFF") || said.DataTraceEnabled)
    throw badRequest("Execution logs are not supported on protocolType HTTP");
  return given({
    detailedMetrics: said.DetailedMetricsEnabled,
    throttlingBurstLimit: said.ThrottlingBurstLimit,
    throttlingRateLimit: said.ThrottlingRateLimit,
  }) as RouteSettings;
}

function accessLogOf({ DestinationArn = "", Format }: V2.AccessLogSettings): NonNullable<HttpStage["accessLog"]> {
  if (/^arn:[\w-]+:firehose:/.test(DestinationArn)) throw missing("access logs to Firehose");
  if (!/^arn:[\w-]+:logs:[\w-]+:\d{12}:log-group:[^:*]+(:\*)?$/.test(DestinationArn))
    throw badRequest(
      "Invalid ARN specified in the request. ARNs must start with 'arn:': access logs go to a log group",
    );
  return given({ destinationArn: DestinationArn.replace(/:\*$/, ""), format: Format?.replace(/\s+$/, "") }) as {
    destinationArn: string;
  };
}

/** What an input says of logs, throttles and metrics; route settings are added to those that are there. */
function settingsOf(
  input: Pick<
    V2.CreateStageRequest,
    "AccessLogSettings" | "ClientCertificateId" | "DefaultRouteSettings" | "RouteSettings"
  >,
  before?: HttpStage,
): Partial<HttpStage> {
  notForHttp(input, "ClientCertificateId");
  const { AccessLogSettings, DefaultRouteSettings, RouteSettings } = input;
  const own = Object.entries(RouteSettings ?? {}).map(([key, settings]) => [key, routeSettings(settings)]);
  return given({
    accessLog: AccessLogSettings && accessLogOf(AccessLogSettings),
    defaultRouteSettings: DefaultRouteSettings && {
      ...before?.defaultRouteSettings,
      ...routeSettings(DefaultRouteSettings),
    },
    routeSettings: RouteSettings && { ...before?.routeSettings, ...Object.fromEntries(own) },
  }) as Partial<HttpStage>;
}

export async function stageOf(
  ctx: Context<any>,
  api: string | undefined,
  name: string | undefined,
): Promise<HttpStage> {
  const stored = await ctx.records.get<HttpStage>("stage", `${api}:${name}`);
  if (!stored) throw notFound("stage", name);
  return stored.value;
}

export const stages = operations<typeof V2, any>()({
  CreateStage: {
    permissions: on("POST", path("stages")),
    async run(ctx, input) {
      const { id } = await apiOf(ctx, input.ApiId);
      const name = String(input.StageName);
      if (!/^(\$default|[\w-]{1,128})$/.test(name)) throw badRequest("Stage name only allows a-zA-Z0-9_- or $default");
      const now = ctx.now();
      const stage = {
        name,
        autoDeploy: input.AutoDeploy ?? false,
        variables: input.StageVariables ?? {},
        created: now,
        updated: now,
        ...given({ deploymentId: input.DeploymentId, description: input.Description, tags: input.Tags }),
        ...settingsOf(input),
      } as HttpStage;
      if (!(await ctx.records.create("stage", `${id}:${name}`, stage))) throw conflict("Stage already exists");
      return stageView(stage);
    },
  },
  GetStage: {
    permissions: on("GET", path("stages", "StageName")),
    run: async (ctx, input) => stageView(await stageOf(ctx, input.ApiId, input.StageName)),
  },
  GetStages: {
    permissions: on("GET", path("stages")),
    async run(ctx, input) {
      const { id } = await apiOf(ctx, input.ApiId);
      const stages = await ctx.records.list<HttpStage>("stage", { prefix: `${id}:` });
      return page(
        stages.map((s) => stageView(s.value)),
        input,
      );
    },
  },
  UpdateStage: {
    permissions: on("PATCH", path("stages", "StageName")),
    async run(ctx, input) {
      const changes = given({
        autoDeploy: input.AutoDeploy,
        deploymentId: input.DeploymentId,
        description: input.Description,
      });
      const stage = await ctx.records.update<HttpStage>(
        "stage",
        `${input.ApiId}:${input.StageName}`,
        (s) =>
          ({
            ...s,
            ...changes,
            variables: changed(s.variables, input.StageVariables ?? {}),
            ...settingsOf(input, s),
            updated: ctx.now(),
          }) as HttpStage,
      );
      if (!stage) throw notFound("stage", input.StageName);
      return stageView(stage);
    },
  },
  DeleteStage: {
    permissions: on("DELETE", path("stages", "StageName")),
    async run(ctx, input) {
      await stageOf(ctx, input.ApiId, input.StageName);
      await ctx.records.write(ctx.records.remove("stage", `${input.ApiId}:${input.StageName}`));
      return {};
    },
  },
  DeleteAccessLogSettings: {
    permissions: on("DELETE", (i) => `/apis/${i.ApiId}/stages/${i.StageName}/accesslogsettings`),
    async run(ctx, input) {
      await changeStage(ctx, input, ({ accessLog: _gone, ...stage }) => stage);
      return {};
    },
  },
  DeleteRouteSettings: {
    permissions: on("DELETE", (i) => `/apis/${i.ApiId}/stages/${i.StageName}/routesettings/${i.RouteKey}`),
    async run(ctx, input) {
      const key = String(input.RouteKey);
      await changeStage(ctx, input, ({ routeSettings = {}, ...stage }) => {
        const { [key]: gone, ...kept } = routeSettings;
        if (!gone) throw notFound("route settings", key);
        return { ...stage, routeSettings: kept };
      });
      return {};
    },
  },
});

async function changeStage(
  ctx: Context<any>,
  where: { ApiId?: string | undefined; StageName?: string | undefined },
  change: (stage: HttpStage) => HttpStage,
): Promise<void> {
  const id = `${where.ApiId}:${where.StageName}`;
  const changed = await ctx.records.update<HttpStage>("stage", id, (s) => ({ ...change(s), updated: ctx.now() }));
  if (!changed) throw notFound("stage", where.StageName);
}
