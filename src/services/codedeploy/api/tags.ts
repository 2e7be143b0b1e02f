import type * as CodeDeploy from "@aws-sdk/client-codedeploy";
import type { Context } from "../../../aws/context.ts";
import { operations } from "../../../aws/service.ts";
import { bad, groupId, type Application, type Group } from "../model.ts";

export function tagsFrom(
  tags: readonly { Key?: string | undefined; Value?: string | undefined }[],
): Record<string, string> {
  return Object.fromEntries(tags.map((tag) => [String(tag.Key), tag.Value ?? ""]));
}

const onArn = (action: string) => (input: { ResourceArn?: string | undefined }) => [
  { action: `codedeploy:${action}`, resource: String(input.ResourceArn) },
];
const noArn = (arn: string) =>
  bad("InvalidArnException", `The specified ARN is not in a valid format: ${arn.slice(0, 200)}`);

function placeOf(ctx: Context<any>, arn: string): { kind: "application" | "group"; id: string } {
  const prefix = `arn:aws:codedeploy:${ctx.region}:${ctx.account}:`;
  const match = arn.startsWith(prefix) ? /^(application|deploymentgroup):(.+)$/s.exec(arn.slice(prefix.length)) : null;
  if (!match) throw noArn(arn);
  if (match[1] === "application") return { kind: "application", id: match[2]! };
  const slash = match[2]!.indexOf("/");
  return { kind: "group", id: groupId(match[2]!.slice(0, slash), match[2]!.slice(slash + 1)) };
}

async function setTags(
  ctx: Context<any>,
  arn: string,
  make: (tags: Readonly<Record<string, string>>) => Record<string, string>,
): Promise<object> {
  const { kind, id } = placeOf(ctx, arn);
  if (!(await ctx.records.update<Application | Group>(kind, id, (value) => ({ ...value, tags: make(value.tags) }))))
    throw noArn(arn);
  return {};
}

export const tags = operations<typeof CodeDeploy, any>()({
  TagResource: {
    permissions: onArn("TagResource"),
    run: (ctx, input) =>
      setTags(ctx, String(input.ResourceArn), (before) => ({ ...before, ...tagsFrom(input.Tags ?? []) })),
  },
  UntagResource: {
    permissions: onArn("UntagResource"),
    run: (ctx, input) =>
      setTags(ctx, String(input.ResourceArn), (before) =>
        Object.fromEntries(Object.entries(before).filter(([key]) => !input.TagKeys?.includes(key))),
      ),
  },
  ListTagsForResource: {
    permissions: onArn("ListTagsForResource"),
    async run(ctx, input) {
      const { kind, id } = placeOf(ctx, String(input.ResourceArn));
      const stored = await ctx.records.get<Application | Group>(kind, id);
      if (!stored) throw noArn(String(input.ResourceArn));
      return { Tags: Object.entries(stored.value.tags).map(([Key, Value]) => ({ Key, Value })) };
    },
  },
});
