import type * as Events from "@aws-sdk/client-eventbridge";
import { createContext, type Context } from "../../../aws/context.ts";
import { operations } from "../../../aws/service.ts";
import { compileEventPattern, matchEventPattern } from "../../../engines/event-pattern/index.ts";
import type { Statement } from "../../../ports/database.ts";
import { findBus } from "../access.ts";
import { MAX_REQUEST_BYTES } from "../limits.ts";
import { busArn, busName, invalid, type EventEnvelope } from "../model.ts";
import { publish } from "../publish.ts";
import type { EventsState } from "../state.ts";

type Ctx = Context<EventsState>;
type Entry = Partial<Record<keyof Events.PutEventsRequestEntry, unknown>> & {
  Detail?: string | undefined;
  Source?: string | undefined;
  DetailType?: string | undefined;
};
type Failure = { readonly ErrorCode: string; readonly ErrorMessage: string };

/** Services of the platform that tell what happens to their resources. */
const SERVICES = [
  "s3",
  "codecommit",
  "codepipeline",
  "codebuild",
  "codedeploy",
  "cloudformation",
  "lambda",
  "logs",
  "ssm",
  "codestar",
  "ecr",
  "cloudwatch",
  "states",
  "kms",
  "secretsmanager",
  "autoscaling",
];

export const putEvents = operations<typeof Events, EventsState>()({
  PutEvents: {
    async permissions(input, ctx) {
      const conditions = {
        "events:source": [...new Set((input.Entries ?? []).map((e) => e.Source ?? ""))],
        "events:detail-type": [...new Set((input.Entries ?? []).map((e) => e.DetailType ?? ""))],
      };
      const buses = [...new Set((input.Entries ?? []).map((e) => busName(e.EventBusName)))];
      return Promise.all(
        buses.map(async (bus) => ({
          action: "events:PutEvents",
          resource: busArn(ctx, bus),
          conditions,
          resourcePolicy: (await findBus(ctx, bus))?.policy,
        })),
      );
    },
    callers: SERVICES.map((name) => `${name}.amazonaws.com`),
    async run(ctx, input) {
      const entries = (input.Entries ?? []) as Entry[];
      if (entries.reduce((sum, entry) => sum + sizeOf(entry), 0) > MAX_REQUEST_BYTES) {
        throw invalid("Total size of the entries in the request is over the limit.");
      }
      const statements: Statement[] = [];
      const answers: ({ EventId: string } | Failure)[] = [];
      for (const entry of entries) {
        const accepted = accept(ctx, entry);
        if ("ErrorCode" in accepted) answers.push(accepted);
        else {
          const bus = busName(entry["EventBusName"] as string | undefined);
          // As AWS: an event for a bus that is not there is accepted, and reaches nobody.
          const within = traced(ctx, entry["TraceHeader"] as string | undefined);
          if (await findBus(ctx, bus)) statements.push(...(await publish(within, bus, accepted)));
          answers.push({ EventId: accepted.id });
        }
      }
      // All deliveries are on disk before the caller hears that its events were accepted.
      if (statements.length) await ctx.records.write(statements);
      return { FailedEntryCount: answers.filter((a) => "ErrorCode" in a).length, Entries: answers };
    },
  },
  TestEventPattern: {
    permissions: () => [{ action: "events:TestEventPattern", resource: "*" }],
    async run(_ctx, input) {
      const pattern = compileEventPattern(String(input.EventPattern));
      const event = parseObject(String(input.Event));
      const needed = ["id", "account", "source", "time", "region", "detail-type"];
      if (!event || needed.some((name) => event[name] === undefined)) throw invalid("Parameter Event is not valid.");
      return { Result: matchEventPattern(pattern, event as never) };
    },
  },
});

/** The context in which an event that is part of a trace goes to its targets. */
function traced(ctx: Ctx, traceId: string | undefined): Ctx {
  if (!traceId) return ctx;
  const { platform, registry, service, account, region, principal, requestId } = ctx;
  const facts = { service, account, region, principal, requestId, traceId };
  return createContext(platform, registry, facts);
}

/** https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevent-size.html */
function sizeOf(entry: Entry): number {
  const text = (value: unknown): number => (typeof value === "string" ? Buffer.byteLength(value) : 0);
  const resources = (entry["Resources"] as string[] | undefined) ?? [];
  return (
    (entry["Time"] ? 14 : 0) +
    text(entry.Source) +
    text(entry.DetailType) +
    text(entry.Detail) +
    resources.reduce((sum, r) => sum + text(r), 0)
  );
}

function accept(ctx: Ctx, entry: Entry): EventEnvelope | Failure {
  for (const name of ["Source", "DetailType", "Detail"] as const) {
    if (!entry[name])
      return {
        ErrorCode: "InvalidArgument",
        ErrorMessage: `Parameter ${name} is not valid. Reason: ${name} is a required argument.`,
      };
  }
  const source = String(entry.Source);
  if (source.startsWith("aws.") && ctx.principal.kind !== "service") {
    return { ErrorCode: "NotAuthorizedForSourceException", ErrorMessage: "Not authorized for the source." };
  }
  const detail = parseObject(String(entry.Detail));
  if (!detail) return { ErrorCode: "MalformedDetail", ErrorMessage: "Detail is malformed." };
  const given = entry["Time"];
  const time = new Date(given === undefined ? ctx.now() : (given as Date | string | number));
  return {
    version: "0",
    id: ctx.platform.ids.uuid(),
    "detail-type": String(entry.DetailType),
    source,
    account: ctx.account,
    time: `${(Number.isNaN(time.getTime()) ? new Date(ctx.now()) : time).toISOString().slice(0, 19)}Z`,
    region: ctx.region,
    resources: (entry["Resources"] as string[] | undefined) ?? [],
    detail,
  };
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}
