import type { Properties, ResourceType } from "../../../aws/service.ts";
import { codeOf } from "../../../kernel/aws-error.ts";

const NUMBERS = new Set(["runOrder", "timeoutInMinutes"]);
const SETTINGS = [
  "RoleArn",
  "ArtifactStore",
  "ArtifactStores",
  "Stages",
  "PipelineType",
  "ExecutionMode",
  "Variables",
  "Triggers",
];

const small = (key: string): string => key.charAt(0).toLowerCase() + key.slice(1);

/** A property as the API takes it: templates write numbers and booleans where the API has texts. */
function toApi(value: unknown, name = ""): unknown {
  if (Array.isArray(value)) return value.map((one) => toApi(one));
  if (typeof value === "object" && value !== null) {
    const entries = Object.entries(value).filter(([, member]) => member !== undefined);
    if (name === "configuration") return Object.fromEntries(entries.map(([key, member]) => [key, textOf(member)]));
    return Object.fromEntries(
      entries.map(([key, member]) =>
        key === "ActionTypeId"
          ? ["actionTypeId", toApi(member, "actionTypeId")]
          : [small(key), toApi(member, small(key))],
      ),
    );
  }
  return NUMBERS.has(name) ? Number(value) : String(value);
}

/** Structured values of a configuration (ParameterOverrides) are JSON. */
const textOf = (value: unknown): string =>
  typeof value === "object" && value !== null ? JSON.stringify(value) : String(value);

function declaration(name: string, properties: Properties): Record<string, unknown> {
  const own = Object.fromEntries(
    SETTINGS.flatMap((key) => (properties[key] === undefined ? [] : [[key, properties[key]]])),
  );
  const pipeline = toApi(own) as Record<string, unknown>;
  const stores = properties["ArtifactStores"] as { Region: string; ArtifactStore: object }[] | undefined;
  if (stores)
    pipeline["artifactStores"] = Object.fromEntries(
      stores.map(({ Region, ArtifactStore }) => [Region, toApi(ArtifactStore)]),
    );
  return { ...pipeline, name };
}

const tagsOf = (tags: readonly { Key: string; Value: string }[]) =>
  tags.map(({ Key, Value }) => ({ key: Key, value: String(Value) }));

/** AWS::CodePipeline::Pipeline. */
export const pipeline: ResourceType = {
  type: "AWS::CodePipeline::Pipeline",
  async create(ctx, properties) {
    const name = String(properties["Name"] ?? ctx.physicalName({ maxLength: 100 }));
    try {
      await ctx.withStackTags(properties["Tags"], (tags) =>
        ctx.call("codepipeline", "CreatePipeline", {
          pipeline: declaration(name, properties),
          ...(tags.length ? { tags: tagsOf(tags) } : {}),
        }),
      );
    } catch (error) {
      if (codeOf(error) !== "PipelineNameInUseException" || !ctx.retried) throw error;
    }
    await setTransitions(ctx, name, properties["DisableInboundStageTransitions"] ?? [], []);
    return name;
  },
  async update(ctx, id, next, previous) {
    const changed = SETTINGS.some((key) => JSON.stringify(next[key]) !== JSON.stringify(previous[key]));
    if (changed) await ctx.call("codepipeline", "UpdatePipeline", { pipeline: declaration(id, next) });
    await setTransitions(
      ctx,
      id,
      next["DisableInboundStageTransitions"] ?? [],
      previous["DisableInboundStageTransitions"] ?? [],
    );
    if (JSON.stringify(next["Tags"]) !== JSON.stringify(previous["Tags"])) {
      const resourceArn = `arn:aws:codepipeline:${ctx.region}:${ctx.account}:${id}`;
      const kept = new Set((next["Tags"] ?? []).map((t: { Key: string }) => t.Key));
      const gone = (previous["Tags"] ?? []).map((t: { Key: string }) => t.Key).filter((key: string) => !kept.has(key));
      if (gone.length) await ctx.call("codepipeline", "UntagResource", { resourceArn, tagKeys: gone });
      if (kept.size) await ctx.call("codepipeline", "TagResource", { resourceArn, tags: tagsOf(next["Tags"]) });
    }
    if (changed && String(next["RestartExecutionOnUpdate"]).toLowerCase() === "true")
      await ctx.call("codepipeline", "StartPipelineExecution", {
        name: id,
        clientRequestToken: ctx.token.slice(0, 128),
      });
  },
  async remove(ctx, id) {
    await ctx.call("codepipeline", "DeletePipeline", { name: id });
  },
  async attributes(ctx, id) {
    const { pipeline: found } = await ctx.call("codepipeline", "GetPipeline", { name: id });
    const Arn = `arn:aws:codepipeline:${ctx.region}:${ctx.account}:${id}`;
    return { Arn, Version: String(found?.version ?? "") };
  },
};

type Transition = { readonly StageName: string; readonly Reason: string };

async function setTransitions(
  ctx: Parameters<ResourceType["create"]>[0],
  pipelineName: string,
  next: readonly Transition[],
  previous: readonly Transition[],
): Promise<void> {
  const transitionType = "Inbound";
  for (const { StageName, Reason } of next)
    await ctx.call("codepipeline", "DisableStageTransition", {
      pipelineName,
      stageName: StageName,
      transitionType,
      reason: Reason,
    });
  for (const { StageName } of previous.filter((p) => !next.some((n) => n.StageName === p.StageName)))
    await ctx.call("codepipeline", "EnableStageTransition", { pipelineName, stageName: StageName, transitionType });
}
