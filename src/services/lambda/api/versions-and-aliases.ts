import type * as Lambda from "@aws-sdk/client-lambda";
import type { Context } from "../../../aws/context.ts";
import { operations } from "../../../aws/service.ts";
import type { AwsError } from "../../../kernel/aws-error.ts";
import { configurationView, listedView } from "../configuration.ts";
import {
  conflict,
  functionArn,
  functionNotFound,
  invalidParameter,
  onFunction,
  parseName,
  resourceNotFound,
  staleRevision,
  versionId,
  type AliasRecord,
  type FunctionRecord,
} from "../model.ts";
import { URL_PLACES, urlOf, urlRecordId, URLS } from "../function-url.ts";
import { applyProvisioned, forgetProvisioned } from "../provisioned.ts";
import { publish } from "../publish.ts";
import type { LambdaState } from "../state.ts";
import { headOf } from "../store.ts";

type Ctx = Context<LambdaState>;

const aliasId = (name: string, alias: string): string => `${name}:${alias}`;

const aliasView = (ctx: Ctx, alias: AliasRecord): Lambda.AliasConfiguration => ({
  AliasArn: functionArn(ctx, alias.functionName, alias.name),
  Name: alias.name,
  FunctionVersion: alias.version,
  Description: alias.description,
  RevisionId: alias.revisionId,
  ...(alias.weights && Object.keys(alias.weights).length
    ? { RoutingConfig: { AdditionalVersionWeights: { ...alias.weights } } }
    : {}),
});

async function checkTarget(
  ctx: Ctx,
  name: string,
  version: string,
  weights: Readonly<Record<string, number>> = {},
): Promise<void> {
  for (const target of [version, ...Object.keys(weights)]) {
    if (!(await ctx.records.get("version", versionId(name, target)))) throw functionNotFound(ctx, name, target);
  }
  if (Object.keys(weights).length === 0) return;
  if (Object.keys(weights).length > 1)
    throw invalidParameter("Number of items in AdditionalVersionWeights cannot be greater than 1");
  if (version === "$LATEST" || weights["$LATEST"] !== undefined)
    throw invalidParameter("$LATEST is not supported for an alias pointing to more than 1 version");
  if (weights[version] !== undefined)
    throw invalidParameter(
      `Invalid function version ${version}. Function version ${version} is already included in routing configuration.`,
    );
}

const noAlias = (ctx: Ctx, name: string, alias: string): AwsError =>
  resourceNotFound(`Alias not found: ${functionArn(ctx, name, alias)}`);
/** The permission is on the function and its alias: `Name` is what aliases call their qualifier. */
const onAlias = (action: string) => (input: any, ctx: Ctx) =>
  onFunction(action)({ FunctionName: input.FunctionName }, ctx);

export const versionsAndAliases = operations<typeof Lambda, LambdaState>()({
  PublishVersion: {
    permissions: onFunction("PublishVersion"),
    async run(ctx, input) {
      const { name } = parseName(input.FunctionName);
      const record = await publish(ctx, name, {
        description: input.Description,
        codeSha256: input.CodeSha256 || undefined,
        revisionId: input.RevisionId,
      });
      return configurationView(ctx, record);
    },
  },
  ListVersionsByFunction: {
    permissions: onFunction("ListVersionsByFunction"),
    async run(ctx, input) {
      const { name } = parseName(input.FunctionName);
      await headOf(ctx, name);
      const limit = input.MaxItems ?? 50;
      const stored = await ctx.records.list<FunctionRecord>("version", {
        prefix: `${name}:`,
        ...(input.Marker ? { after: input.Marker } : {}),
        limit: limit + 1,
      });
      const page = stored.slice(0, limit);
      return {
        Versions: page.map((s) => listedView(ctx, s.value, { qualifier: s.value.version })),
        ...(stored.length > limit ? { NextMarker: page.at(-1)!.id } : {}),
      };
    },
  },
  CreateAlias: {
    permissions: onAlias("CreateAlias"),
    async run(ctx, input) {
      const { name } = parseName(input.FunctionName);
      if (!(await ctx.records.get("function", name))) throw functionNotFound(ctx, name, String(input.FunctionVersion));
      const alias = String(input.Name);
      if (/^\d+$/.test(alias)) throw invalidParameter("The alias name cannot be a number.");
      const weights = input.RoutingConfig?.AdditionalVersionWeights;
      await checkTarget(ctx, name, String(input.FunctionVersion), weights);
      const record: AliasRecord = {
        name: alias,
        functionName: name,
        version: String(input.FunctionVersion),
        description: input.Description ?? "",
        revisionId: ctx.platform.ids.uuid(),
        ...(weights ? { weights } : {}),
      };
      if (!(await ctx.records.create("alias", aliasId(name, alias), record)))
        throw conflict(`Alias already exists: ${functionArn(ctx, name, alias)}`);
      return aliasView(ctx, record);
    },
  },
  GetAlias: {
    permissions: onAlias("GetAlias"),
    async run(ctx, input) {
      const { name } = parseName(input.FunctionName);
      const stored = await ctx.records.get<AliasRecord>("alias", aliasId(name, String(input.Name)));
      if (!stored) throw resourceNotFound(`Cannot find alias arn: ${functionArn(ctx, name, String(input.Name))}`);
      return aliasView(ctx, stored.value);
    },
  },
  UpdateAlias: {
    permissions: onAlias("UpdateAlias"),
    async run(ctx, input) {
      const { name } = parseName(input.FunctionName);
      const alias = String(input.Name);
      const stored = await ctx.records.get<AliasRecord>("alias", aliasId(name, alias));
      if (!stored) throw noAlias(ctx, name, alias);
      const weights = input.RoutingConfig ? input.RoutingConfig.AdditionalVersionWeights : stored.value.weights;
      await checkTarget(ctx, name, input.FunctionVersion ?? stored.value.version, weights);
      const record = await ctx.records.update<AliasRecord>("alias", aliasId(name, alias), (a) => {
        if (input.RevisionId !== undefined && input.RevisionId !== a.revisionId) throw staleRevision();
        const { weights: _w, ...kept } = a;
        return {
          ...kept,
          version: input.FunctionVersion ?? a.version,
          description: input.Description ?? a.description,
          revisionId: ctx.platform.ids.uuid(),
          ...(weights ? { weights } : {}),
        };
      });
      if (!record) throw noAlias(ctx, name, alias);
      await applyProvisioned(ctx, name, alias); // they move with the alias
      return aliasView(ctx, record);
    },
  },
  DeleteAlias: {
    permissions: onAlias("DeleteAlias"),
    async run(ctx, input) {
      const { name } = parseName(input.FunctionName);
      const url = await urlOf(ctx, name, String(input.Name));
      await ctx.records.write(
        url
          ? [ctx.records.remove(URLS, urlRecordId(name, url.alias)), ctx.globalRecords.remove(URL_PLACES, url.id)]
          : [],
        ctx.records.remove("alias", aliasId(name, String(input.Name))),
        ctx.records.remove("policy", `${name}:${input.Name}`),
        await forgetProvisioned(ctx, name, String(input.Name)),
      );
      return {};
    },
  },
  ListAliases: {
    permissions: onFunction("ListAliases"),
    async run(ctx, input) {
      const { name } = parseName(input.FunctionName);
      await headOf(ctx, name);
      const limit = input.MaxItems ?? 50;
      const stored = await ctx.records.list<AliasRecord>("alias", {
        prefix: `${name}:`,
        ...(input.Marker ? { after: input.Marker } : {}),
      });
      const matching = stored.filter((s) => !input.FunctionVersion || s.value.version === input.FunctionVersion);
      const page = matching.slice(0, limit);
      return {
        Aliases: page.map((s) => aliasView(ctx, s.value)),
        ...(matching.length > limit ? { NextMarker: page.at(-1)!.id } : {}),
      };
    },
  },
});
