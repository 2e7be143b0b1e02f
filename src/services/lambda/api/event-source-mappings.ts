import type * as Lambda from "@aws-sdk/client-lambda";
import { operations, type Permission } from "../../../aws/service.ts";
import { notImplemented } from "../../../kernel/aws-error.ts";
import { MAPPING, mappingArn, mappingView, type Ctx, type Mapping } from "../event-sources/mapping.ts";
import { mappingSettings } from "../event-sources/settings.ts";
import { conflict, functionArn, invalidParameter, parseName, resourceNotFound } from "../model.ts";
import type { LambdaState } from "../state.ts";

const MAX_PAGE = 100;

const onMapping =
  (action: string) =>
  (input: { UUID?: string | undefined }, ctx: Ctx): Permission[] => [
    { action: `lambda:${action}`, resource: mappingArn(ctx, String(input.UUID)) },
  ];

const notFound = () => resourceNotFound("The resource you requested does not exist.");

async function existing(ctx: Ctx, uuid: string | undefined): Promise<Mapping> {
  const stored = await ctx.records.get<Mapping>(MAPPING, String(uuid));
  if (!stored) throw notFound();
  return stored.value;
}

async function refuseSecond(ctx: Ctx, mapping: Mapping): Promise<void> {
  const all = await ctx.records.list<Mapping>(MAPPING);
  const same = all.find(
    ({ value: other }) =>
      other.uuid !== mapping.uuid &&
      other.source === mapping.source &&
      other.functionName === mapping.functionName &&
      other.qualifier === mapping.qualifier,
  );
  if (same)
    throw conflict(
      `An event source mapping with SQS arn (" ${mapping.source} ") and function (" ${mapping.functionName} ") already exists. Please update or delete the existing mapping with UUID ${same.id}`,
    );
}

export const eventSourceMappings = operations<typeof Lambda, LambdaState>()({
  CreateEventSourceMapping: {
    permissions: (input, ctx) => {
      const { name, qualifier } = parseName(input.FunctionName);
      const conditions = { "lambda:FunctionArn": functionArn(ctx, name, qualifier) };
      return [{ action: "lambda:CreateEventSourceMapping", resource: "*", conditions }];
    },
    async run(ctx, input) {
      if (input.SelfManagedEventSource) throw notImplemented("event source mappings of self-managed Kafka");
      if (!input.EventSourceArn) throw invalidParameter("Unrecognized event source.");
      const uuid = ctx.platform.ids.uuid();
      const start = { uuid, source: input.EventSourceArn, ...(input.Tags ? { tags: input.Tags } : {}) };
      const mapping = await mappingSettings(ctx, start, input);
      await refuseSecond(ctx, mapping);
      await ctx.records.write(ctx.records.put(MAPPING, uuid, mapping, 0));
      ctx.state.mappings.changed(ctx, uuid, mapping);
      return mappingView(ctx, mapping, mapping.enabled ? "Creating" : undefined);
    },
  },
  GetEventSourceMapping: {
    permissions: onMapping("GetEventSourceMapping"),
    run: async (ctx, input) => mappingView(ctx, await existing(ctx, input.UUID)),
  },
  UpdateEventSourceMapping: {
    permissions: onMapping("UpdateEventSourceMapping"),
    async run(ctx, input) {
      const stored = await ctx.records.get<Mapping>(MAPPING, String(input.UUID));
      if (!stored) throw notFound();
      const { value: before } = stored;
      const mapping = await mappingSettings(ctx, before, input);
      await refuseSecond(ctx, mapping);
      await ctx.records.write(ctx.records.put(MAPPING, mapping.uuid, mapping, stored.rev));
      ctx.state.mappings.changed(ctx, mapping.uuid, mapping);
      const turned = mapping.enabled ? "Enabling" : "Disabling";
      return mappingView(ctx, mapping, mapping.enabled === before.enabled ? "Updating" : turned);
    },
  },
  DeleteEventSourceMapping: {
    permissions: onMapping("DeleteEventSourceMapping"),
    async run(ctx, input) {
      const mapping = await existing(ctx, input.UUID);
      await ctx.records.write(ctx.records.remove(MAPPING, mapping.uuid));
      ctx.state.mappings.changed(ctx, mapping.uuid, undefined);
      return mappingView(ctx, mapping, "Deleting");
    },
  },
  ListEventSourceMappings: {
    permissions: () => [{ action: "lambda:ListEventSourceMappings", resource: "*" }],
    async run(ctx, input) {
      const wanted = input.FunctionName === undefined ? undefined : parseName(input.FunctionName);
      const all = await ctx.records.list<Mapping>(MAPPING, input.Marker ? { after: input.Marker } : {});
      const found = all.filter(
        ({ value }) =>
          (!input.EventSourceArn || value.source === input.EventSourceArn) &&
          (!wanted || (value.functionName === wanted.name && value.qualifier === wanted.qualifier)),
      );
      const page = found.slice(0, Math.min(input.MaxItems ?? MAX_PAGE, MAX_PAGE));
      return {
        EventSourceMappings: page.map(({ value }) => mappingView(ctx, value)),
        ...(page.length < found.length ? { NextMarker: page.at(-1)?.id } : {}),
      };
    },
  },
});
