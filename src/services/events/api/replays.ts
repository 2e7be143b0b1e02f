import type * as Events from "@aws-sdk/client-eventbridge";
import type { Context } from "../../../aws/context.ts";
import { operations } from "../../../aws/service.ts";
import { AwsError } from "../../../kernel/aws-error.ts";
import { existingBus } from "../access.ts";
import { archiveArn, exists, noReplay, REPLAY_STATES, replayArn, type Archive, type Replay } from "../archive-model.ts";
import { MAX_ACTIVE_REPLAYS } from "../limits.ts";
import { busArn, busName, invalid, overLimit } from "../model.ts";
import { pageOf } from "../page.ts";
import { REPLAYS, type ReplayStep } from "../replaying.ts";
import { invalidState } from "./archives.ts";

const on = (action: string) => (input: { ReplayName?: string | undefined }, ctx: Context<any>) => [
  { action: `events:${action}`, resource: replayArn(ctx, input.ReplayName ?? "*") },
];

const isActive = (replay: Replay): boolean => ["STARTING", "RUNNING"].includes(replay.state);

export const replays = operations<typeof Events, any>()({
  StartReplay: {
    permissions: (input, ctx) => [
      ...on("StartReplay")(input, ctx),
      { action: "events:StartReplay", resource: String(input.EventSourceArn) },
    ],
    async run(ctx, input) {
      const name = String(input.ReplayName);
      const replay = await replayOf(ctx, input as Events.StartReplayRequest, name);
      const all = await ctx.records.list<Replay>("replay");
      if (all.filter((r) => isActive(r.value)).length >= MAX_ACTIVE_REPLAYS)
        throw overLimit("The requested resource exceeds the maximum number allowed.");
      const step: ReplayStep = { name, started: replay.started };
      if (!(await ctx.records.create("replay", name, replay, ...ctx.enqueue(REPLAYS, step))))
        throw exists(`Replay ${name}`);
      return {
        ReplayArn: replayArn(ctx, name),
        State: "STARTING" as const,
        ReplayStartTime: new Date(replay.started),
      };
    },
  },
  DescribeReplay: {
    permissions: on("DescribeReplay"),
    async run(ctx, input) {
      const replay = await existing(ctx, String(input.ReplayName));
      return {
        ...view(ctx, replay),
        ReplayArn: replayArn(ctx, replay.name),
        ...(replay.description ? { Description: replay.description } : {}),
        Destination: {
          Arn: busArn(ctx, replay.bus),
          ...(replay.rules ? { FilterArns: [...replay.rules] } : {}),
        },
      };
    },
  },
  ListReplays: {
    permissions: (_input, ctx) => on("ListReplays")({}, ctx),
    async run(ctx, input) {
      const filters = [input.NamePrefix, input.EventSourceArn, input.State].filter((f) => f !== undefined);
      if (filters.length > 1)
        throw invalid(
          "At most one filter is allowed for ListReplays. Use either : State, EventSourceArn, or NamePrefix.",
        );
      if (input.State && !REPLAY_STATES.includes(input.State)) throw invalidState(input.State, REPLAY_STATES);
      const stored = await ctx.records.list<Replay>("replay", input.NamePrefix ? { prefix: input.NamePrefix } : {});
      const found = stored.filter(
        ({ value }) =>
          (!input.State || value.state === input.State) &&
          (!input.EventSourceArn || archiveArn(ctx, value.archive) === input.EventSourceArn),
      );
      const { items, next } = pageOf(found, input);
      return { Replays: items.map((r) => view(ctx, r.value)), ...next };
    },
  },
  CancelReplay: {
    permissions: on("CancelReplay"),
    async run(ctx, input) {
      const name = String(input.ReplayName);
      const replay = await ctx.records.update<Replay>("replay", name, (before) => {
        if (!isActive(before))
          throw new AwsError(
            "IllegalStatusException",
            `Replay ${name} is not in a valid state for this operation.`,
            400,
          );
        return { ...before, state: "CANCELLING" };
      });
      if (!replay) throw noReplay(name);
      return { ReplayArn: replayArn(ctx, name), State: "CANCELLING" as const };
    },
  },
});

async function replayOf(ctx: Context<any>, input: Events.StartReplayRequest, name: string): Promise<Replay> {
  const destination = String(input.Destination?.Arn);
  if (!/^arn:[\w-]+:events:[\w-]*:\d*:event-bus\//.test(destination))
    throw invalid("Parameter Destination.Arn is not valid. Reason: Must contain an event bus ARN.");
  const bus = busName(destination);
  await existingBus(ctx, bus);
  const archiveName = String(input.EventSourceArn).split("archive/")[1] ?? "";
  const archive = (await ctx.records.get<Archive>("archive", archiveName))?.value;
  if (!archive || archiveArn(ctx, archive.name) !== input.EventSourceArn)
    throw invalid(`Parameter EventSourceArn is not valid. Reason: Archive ${archiveName} does not exist.`);
  const [from, to] = [new Date(input.EventStartTime!).getTime(), new Date(input.EventEndTime!).getTime()];
  if (!(from < to))
    throw invalid("Parameter EventEndTime is not valid. Reason: EventStartTime must be before EventEndTime.");
  if (archive.bus !== bus)
    throw invalid("Parameter Destination.Arn is not valid. Reason: Cross event bus replay is not permitted.");
  const rules = input.Destination?.FilterArns;
  return {
    name,
    archive: archive.name,
    bus,
    from,
    to,
    state: "STARTING",
    started: ctx.now(),
    ...(input.Description ? { description: input.Description } : {}),
    ...(rules?.length ? { rules } : {}),
  };
}

async function existing(ctx: Context<any>, name: string): Promise<Replay> {
  const stored = await ctx.records.get<Replay>("replay", name);
  if (!stored) throw noReplay(name);
  return stored.value;
}

function view(ctx: Context<any>, replay: Replay) {
  return {
    ReplayName: replay.name,
    EventSourceArn: archiveArn(ctx, replay.archive),
    State: replay.state,
    EventStartTime: new Date(replay.from),
    EventEndTime: new Date(replay.to),
    ReplayStartTime: new Date(replay.started),
    ...(replay.lastReplayed ? { EventLastReplayedTime: new Date(replay.lastReplayed) } : {}),
    ...(replay.ended ? { ReplayEndTime: new Date(replay.ended) } : {}),
  };
}
