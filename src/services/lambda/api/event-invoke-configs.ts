import type * as Lambda from "@aws-sdk/client-lambda";
import { operations } from "../../../aws/service.ts";
import {
  EVENT_INVOKE,
  eventInvokeConfig,
  eventInvokeSettings,
  eventInvokeView,
  noEventInvokeConfig,
  type EventInvokeConfig,
} from "../event-invoke-config.ts";
import { onFunction, parseName, policyId, resourceNotFound, type FunctionHead } from "../model.ts";
import type { LambdaState } from "../state.ts";

const DEFAULT_PAGE = 50;

export const eventInvokeConfigs = operations<typeof Lambda, LambdaState>()({
  PutFunctionEventInvokeConfig: {
    permissions: onFunction("PutFunctionEventInvokeConfig"),
    async run(ctx, input) {
      const target = parseName(input.FunctionName, input.Qualifier);
      const config = (await eventInvokeSettings(ctx, target, input))();
      await ctx.records.write(ctx.records.put(EVENT_INVOKE, policyId(target.name, target.qualifier), config));
      return eventInvokeView(ctx, config);
    },
  },
  UpdateFunctionEventInvokeConfig: {
    permissions: onFunction("UpdateFunctionEventInvokeConfig"),
    async run(ctx, input) {
      const { name, qualifier } = parseName(input.FunctionName, input.Qualifier);
      const change = await eventInvokeSettings(ctx, { name, qualifier }, input);
      const config = await ctx.records.update<EventInvokeConfig>(EVENT_INVOKE, policyId(name, qualifier), change);
      if (!config) throw noEventInvokeConfig(ctx, name, qualifier);
      return eventInvokeView(ctx, config);
    },
  },
  GetFunctionEventInvokeConfig: {
    permissions: onFunction("GetFunctionEventInvokeConfig"),
    async run(ctx, input) {
      const { name, qualifier } = parseName(input.FunctionName, input.Qualifier);
      const config = await eventInvokeConfig(ctx, name, qualifier);
      if (!config) throw noEventInvokeConfig(ctx, name, qualifier);
      return eventInvokeView(ctx, config);
    },
  },
  DeleteFunctionEventInvokeConfig: {
    permissions: onFunction("DeleteFunctionEventInvokeConfig"),
    async run(ctx, input) {
      const { name, qualifier } = parseName(input.FunctionName, input.Qualifier);
      if (!(await eventInvokeConfig(ctx, name, qualifier))) throw noEventInvokeConfig(ctx, name, qualifier);
      await ctx.records.write(ctx.records.remove(EVENT_INVOKE, policyId(name, qualifier)));
      return {};
    },
  },
  ListFunctionEventInvokeConfigs: {
    permissions: onFunction("ListFunctionEventInvokeConfigs"),
    async run(ctx, input) {
      const { name } = parseName(input.FunctionName);
      if (!(await ctx.records.get<FunctionHead>("function", name)))
        throw resourceNotFound("The function doesn't exist.");
      const limit = input.MaxItems ?? DEFAULT_PAGE;
      const found = await ctx.records.list<EventInvokeConfig>(EVENT_INVOKE, {
        prefix: `${name}:`,
        limit: limit + 1,
        ...(input.Marker ? { after: input.Marker } : {}),
      });
      const page = found.slice(0, limit);
      return {
        FunctionEventInvokeConfigs: page.map((s) => eventInvokeView(ctx, s.value)),
        ...(found.length > limit ? { NextMarker: page.at(-1)!.id } : {}),
      };
    },
  },
});
