import type * as Lambda from "@aws-sdk/client-lambda";
import type { Context } from "../../../aws/context.ts";
import { operations } from "../../../aws/service.ts";
import { codeOf } from "../../../kernel/aws-error.ts";
import {
  fullUrlView,
  URL_PLACES,
  urlOf,
  urlRecordId,
  URLS,
  urlView,
  type UrlPlace,
  type UrlRecord,
} from "../function-url.ts";
import { conflict, functionArn, onFunction, parseName, resourceNotFound, type FunctionHead } from "../model.ts";
import type { LambdaState } from "../state.ts";
import { versionOf } from "../store.ts";

type Ctx = Context<LambdaState>;

const DEFAULT_PAGE = 50;
const ID_LENGTH = 32;
const ID_ALPHABET = "abcdefghijklmnopqrstuvwxyz234567";

const noUrl = () => resourceNotFound("The resource you requested does not exist.");

/** The action with the kind of authorization as a condition, which policies use to forbid public URLs. */
const withAuthType = (action: string) => async (input: any, ctx: Ctx) => {
  const [base] = await onFunction(action)(input, ctx);
  return [{ ...base!, conditions: { "lambda:FunctionUrlAuthType": input.AuthType } }];
};

/** The same where the input need not say the kind: it is the stored one then. */
const withStoredAuthType = (action: string) => async (input: any, ctx: Ctx) => {
  const { name, qualifier } = parseName(input.FunctionName, input.Qualifier);
  const url = await urlOf(ctx, name, qualifier);
  return withAuthType(action)({ ...input, AuthType: input.AuthType ?? url?.authType }, ctx);
};

async function mustExist(ctx: Ctx, name: string, alias: string | undefined): Promise<void> {
  await versionOf(ctx, name, alias).catch((error: unknown) => {
    if (codeOf(error) !== "ResourceNotFoundException") throw error;
    throw resourceNotFound("Function does not exist");
  });
}

export const functionUrls = operations<typeof Lambda, LambdaState>()({
  CreateFunctionUrlConfig: {
    permissions: withAuthType("CreateFunctionUrlConfig"),
    async run(ctx, input) {
      const { name, qualifier: alias } = parseName(input.FunctionName, input.Qualifier);
      await mustExist(ctx, name, alias);
      const now = ctx.now();
      const url: UrlRecord = {
        id: ctx.platform.ids.text(ID_LENGTH, ID_ALPHABET),
        name,
        authType: input.AuthType!,
        created: now,
        modified: now,
        ...(alias === undefined ? {} : { alias }),
        ...(input.Cors ? { cors: input.Cors } : {}),
        ...(input.InvokeMode ? { invokeMode: input.InvokeMode } : {}),
      };
      const place: UrlPlace = { region: ctx.region, record: urlRecordId(name, alias) };
      if (!(await ctx.records.create(URLS, place.record, url, ctx.globalRecords.put(URL_PLACES, url.id, place)))) {
        throw conflict(
          `Failed to create function url config for [functionArn = ${functionArn(ctx, name, alias)}]. Error message:  FunctionUrlConfig exists for this Lambda function`,
        );
      }
      return urlView(ctx, url);
    },
  },
  GetFunctionUrlConfig: {
    permissions: onFunction("GetFunctionUrlConfig"),
    async run(ctx, input) {
      const { name, qualifier } = parseName(input.FunctionName, input.Qualifier);
      const url = await urlOf(ctx, name, qualifier);
      if (!url) throw noUrl();
      return fullUrlView(ctx, url);
    },
  },
  UpdateFunctionUrlConfig: {
    permissions: withStoredAuthType("UpdateFunctionUrlConfig"),
    async run(ctx, input) {
      const { name, qualifier } = parseName(input.FunctionName, input.Qualifier);
      await mustExist(ctx, name, qualifier);
      const url = await ctx.records.update<UrlRecord>(URLS, urlRecordId(name, qualifier), (before) => ({
        ...before,
        modified: ctx.now(),
        ...(input.AuthType ? { authType: input.AuthType } : {}),
        ...(input.Cors ? { cors: input.Cors } : {}),
        ...(input.InvokeMode ? { invokeMode: input.InvokeMode } : {}),
      }));
      if (!url) throw noUrl();
      const { InvokeMode, ...rest } = fullUrlView(ctx, url);
      return { ...rest, ...(url.invokeMode ? { InvokeMode } : {}) };
    },
  },
  DeleteFunctionUrlConfig: {
    permissions: withStoredAuthType("DeleteFunctionUrlConfig"),
    async run(ctx, input) {
      const { name, qualifier } = parseName(input.FunctionName, input.Qualifier);
      const url = await urlOf(ctx, name, qualifier);
      if (!url) throw noUrl();
      await ctx.records.write(
        ctx.records.remove(URLS, urlRecordId(name, qualifier)),
        ctx.globalRecords.remove(URL_PLACES, url.id),
      );
      return {};
    },
  },
  ListFunctionUrlConfigs: {
    permissions: onFunction("ListFunctionUrlConfigs"),
    async run(ctx, input) {
      const { name } = parseName(input.FunctionName);
      if (!(await ctx.records.get<FunctionHead>("function", name))) throw resourceNotFound("Function does not exist");
      const limit = input.MaxItems ?? DEFAULT_PAGE;
      const found = await ctx.records.list<UrlRecord>(URLS, {
        prefix: `${name}:`,
        limit: limit + 1,
        ...(input.Marker ? { after: input.Marker } : {}),
      });
      const page = found.slice(0, limit);
      return {
        FunctionUrlConfigs: page.map((s) => fullUrlView(ctx, s.value)),
        ...(found.length > limit ? { NextMarker: page.at(-1)!.id } : {}),
      };
    },
  },
});
