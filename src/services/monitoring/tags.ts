import type * as CloudWatch from "@aws-sdk/client-cloudwatch";
import type { Context } from "../../aws/context.ts";
import { countedTags } from "../../aws/resource-tags.ts";
import { operations } from "../../aws/service.ts";
import { AwsError } from "../../kernel/aws-error.ts";
import { alarmArn, type Alarm } from "./alarm-model.ts";
import { invalid } from "./metric-input.ts";

const MAX_TAGS = 50;

const on = (action: string) => (input: { ResourceARN?: string | undefined }) => [
  { action: `cloudwatch:${action}`, resource: String(input.ResourceARN) },
];

/** The alarm that an ARN of this place names. */
function nameOf(ctx: Context<any>, resource: string): string | undefined {
  const name = /^arn:[\w-]+:cloudwatch:[\w-]*:\d*:alarm:(.+)$/.exec(resource)?.[1];
  return name !== undefined && resource === alarmArn(ctx, name) ? name : undefined;
}

const missing = (): AwsError =>
  new AwsError("ResourceNotFoundException", "Unknown", 404, { ResourceType: "alarm", ResourceId: "" });

async function setTags(
  ctx: Context<any>,
  resource: string,
  make: (tags: Readonly<Record<string, string>>) => Record<string, string>,
): Promise<object> {
  const name = nameOf(ctx, resource);
  const change = (alarm: Alarm): Alarm => {
    const tags = make(alarm.tags ?? {});
    if (countedTags(Object.keys(tags)) > MAX_TAGS) throw invalid(`A resource may have at most ${MAX_TAGS} tags.`);
    return { ...alarm, tags };
  };
  if (name === undefined || !(await ctx.records.update<Alarm>("alarm", name, change))) throw missing();
  return {};
}

export const tags = operations<typeof CloudWatch, any>()({
  TagResource: {
    permissions: on("TagResource"),
    run: (ctx, input) =>
      setTags(ctx, String(input.ResourceARN), (before) => ({
        ...before,
        ...Object.fromEntries((input.Tags ?? []).map((t) => [String(t.Key), t.Value ?? ""])),
      })),
  },
  UntagResource: {
    permissions: on("UntagResource"),
    run: (ctx, input) =>
      setTags(ctx, String(input.ResourceARN), (before) =>
        Object.fromEntries(Object.entries(before).filter(([key]) => !input.TagKeys?.includes(key))),
      ),
  },
  ListTagsForResource: {
    permissions: on("ListTagsForResource"),
    async run(ctx, input) {
      const name = nameOf(ctx, String(input.ResourceARN));
      const alarm = name === undefined ? undefined : await ctx.records.get<Alarm>("alarm", name);
      // CloudWatch answers an empty list for what is not there.
      return { Tags: Object.entries(alarm?.value.tags ?? {}).map(([Key, Value]) => ({ Key, Value })) };
    },
  },
});
