import type * as Events from "@aws-sdk/client-eventbridge";
import type { Context } from "../../../aws/context.ts";
import { countedTags } from "../../../aws/resource-tags.ts";
import { operations } from "../../../aws/service.ts";
import { AwsError } from "../../../kernel/aws-error.ts";
import { busArn, invalid, ruleArn, ruleId, type Bus, type Rule } from "../model.ts";
import { DEFAULT_BUS } from "../model.ts";
import { findBus } from "../access.ts";

const MAX_TAGS = 50;

export function tagsFrom(
  tags: readonly { Key?: string | undefined; Value?: string | undefined }[],
): Record<string, string> {
  return Object.fromEntries(tags.map((tag) => [String(tag.Key), tag.Value ?? ""]));
}

const onArn = (action: string) => (input: { ResourceARN?: string | undefined }) => [
  { action: `events:${action}`, resource: String(input.ResourceARN) },
];

type Place = { kind: "rule" | "bus"; id: string; name: string };

/** The record behind an ARN of a rule or a bus of this account. */
function placeOf(ctx: Context<any>, resource: string): Place {
  const [kind, ...path] = (resource.split(":")[5] ?? "").split("/");
  const last = path.at(-1) ?? "";
  const bus = path.length > 1 ? path.slice(0, -1).join("/") : DEFAULT_BUS;
  if (kind === "rule" && resource === ruleArn(ctx, bus, last))
    return { kind: "rule", id: ruleId(bus, last), name: last };
  if (kind === "event-bus" && resource === busArn(ctx, path.join("/")))
    return { kind: "bus", id: path.join("/"), name: path.join("/") };
  throw invalid(`Parameter ResourceARN is not valid. Reason: Provided Arn is not in correct format.`);
}

const missing = (place: Place): AwsError =>
  new AwsError(
    "ResourceNotFoundException",
    place.kind === "rule"
      ? `Rule ${place.name} does not exist on EventBus ${place.id.slice(0, place.id.lastIndexOf(":"))}.`
      : `Event bus ${place.name} does not exist.`,
    400,
  );

async function setTags(
  ctx: Context<any>,
  resource: string,
  make: (tags: Readonly<Record<string, string>>) => Record<string, string>,
): Promise<object> {
  const place = placeOf(ctx, resource);
  const change = <T extends Rule | Bus>(value: T): T => {
    const tags = make(value.tags ?? {});
    if (countedTags(Object.keys(tags)) > MAX_TAGS) throw invalid(`A resource may have at most ${MAX_TAGS} tags.`);
    return { ...value, tags };
  };
  // The default bus is stored when something is said of it first.
  if (place.kind === "bus" && place.id === DEFAULT_BUS)
    await ctx.records.create("bus", DEFAULT_BUS, await findBus(ctx, DEFAULT_BUS));
  if (!(await ctx.records.update<Rule | Bus>(place.kind, place.id, change))) throw missing(place);
  return {};
}

export const tags = operations<typeof Events, any>()({
  TagResource: {
    permissions: onArn("TagResource"),
    run: (ctx, input) =>
      setTags(ctx, String(input.ResourceARN), (before) => ({ ...before, ...tagsFrom(input.Tags ?? []) })),
  },
  UntagResource: {
    permissions: onArn("UntagResource"),
    run: (ctx, input) =>
      setTags(ctx, String(input.ResourceARN), (before) =>
        Object.fromEntries(Object.entries(before).filter(([key]) => !input.TagKeys?.includes(key))),
      ),
  },
  ListTagsForResource: {
    permissions: onArn("ListTagsForResource"),
    async run(ctx, input) {
      const place = placeOf(ctx, String(input.ResourceARN));
      const value =
        place.kind === "bus" ? await findBus(ctx, place.id) : (await ctx.records.get<Rule>("rule", place.id))?.value;
      if (!value) throw missing(place);
      return { Tags: Object.entries(value.tags ?? {}).map(([Key, Value]) => ({ Key, Value })) };
    },
  },
});
