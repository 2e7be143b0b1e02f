import type * as Lambda from "@aws-sdk/client-lambda";
import type { Context } from "../../../aws/context.ts";
import { operations, type Permission } from "../../../aws/service.ts";
import { arn } from "../../../kernel/arn.ts";
import { AwsError } from "../../../kernel/aws-error.ts";
import { CODE_SIGNING, codeSigningConfig, codeSigningId, type CodeSigningConfig } from "../code-signing.ts";
import { MAPPING, type Mapping } from "../event-sources/mapping.ts";
import { checkedTags } from "../tags.ts";
import { MIN_UNRESERVED } from "../limits.ts";
import {
  functionArn,
  functionNotFound,
  invalidParameter,
  LATEST,
  mustBeHere,
  onFunction,
  parseName,
  resourceNotFound,
} from "../model.ts";
import { provisionedConfigs, totalOf, unreservedConcurrency } from "../provisioned.ts";
import type { LambdaState } from "../state.ts";
import { changeHead, headOf } from "../store.ts";

type Ctx = Context<LambdaState>;

/** The permission for an action on what an ARN or a function's name names: as policies name it, whichever way the call does. */
const onResource =
  (action: string) =>
  (input: { Resource?: string | undefined }, ctx: Ctx): Permission[] => {
    const text = String(input.Resource);
    mustBeHere(ctx, text);
    const rest = text.startsWith("arn:") ? text.split(":").slice(5).join(":") : undefined;
    const resource =
      rest === undefined ? functionArn(ctx, parseName(text).name) : arn("lambda", ctx.region, ctx.account, rest);
    return [{ action: `lambda:${action}`, resource }];
  };

const MAPPING_ARN = /^arn:[^:]+:lambda:[^:]*:\d*:event-source-mapping:(.+)$/;

type Tags = Readonly<Record<string, string>>;

/** Changes the tags of a function, an event source mapping or a code signing configuration. */
async function changeTags(ctx: Ctx, resource: string | undefined, how: (tags: Tags) => Tags): Promise<void> {
  const signing = codeSigningId(ctx, resource);
  if (signing) {
    await codeSigningConfig(ctx, resource);
    const tagged = (c: CodeSigningConfig): CodeSigningConfig => ({ ...c, tags: how(c.tags ?? {}) });
    return void (await ctx.records.update<CodeSigningConfig>(CODE_SIGNING, signing, tagged));
  }
  const [, uuid] = MAPPING_ARN.exec(resource ?? "") ?? [];
  if (uuid === undefined)
    return void (await changeHead(ctx, taggable(resource), (h) => ({ ...h, tags: how(h.tags ?? {}) })));
  const changed = await ctx.records.update<Mapping>(MAPPING, uuid, (m) => ({ ...m, tags: how(m.tags ?? {}) }));
  if (!changed) throw noMapping(resource);
}

async function tagsOf(ctx: Ctx, resource: string | undefined): Promise<Tags> {
  if (codeSigningId(ctx, resource)) return (await codeSigningConfig(ctx, resource)).tags ?? {};
  const [, uuid] = MAPPING_ARN.exec(resource ?? "") ?? [];
  if (uuid === undefined) return (await headOf(ctx, taggable(resource))).tags ?? {};
  const stored = await ctx.records.get<Mapping>(MAPPING, uuid);
  if (!stored) throw noMapping(resource);
  return stored.value.tags ?? {};
}

const noMapping = (resource: string | undefined) =>
  resourceNotFound(`Event source mapping not found: ${String(resource)}`);

function taggable(resource: string | undefined): string {
  const { name, qualifier } = parseName(resource);
  if (qualifier !== undefined)
    throw invalidParameter("Tags on function aliases and versions are not supported. Please specify a function ARN.");
  return name;
}

export const settings = operations<typeof Lambda, LambdaState>()({
  TagResource: {
    permissions: onResource("TagResource"),
    async run(ctx, input) {
      if (Object.keys(input.Tags ?? {}).length === 0)
        throw invalidParameter("An error occurred and the request cannot be processed.");
      await changeTags(ctx, input.Resource, (tags) => checkedTags({ ...tags, ...input.Tags }));
      return {};
    },
  },
  UntagResource: {
    permissions: onResource("UntagResource"),
    async run(ctx, input) {
      const gone = new Set(input.TagKeys);
      if (gone.size === 0)
        throw new AwsError(
          "ValidationException",
          "1 validation error detected: Value null at 'tagKeys' failed to satisfy constraint: Member must not be null",
          400,
        );
      await changeTags(ctx, input.Resource, (tags) =>
        Object.fromEntries(Object.entries(tags).filter(([key]) => !gone.has(key))),
      );
      return {};
    },
  },
  ListTags: {
    permissions: onResource("ListTags"),
    run: async (ctx, input) => ({ Tags: { ...(await tagsOf(ctx, input.Resource)) } }),
  },
  PutFunctionConcurrency: {
    permissions: onFunction("PutFunctionConcurrency"),
    async run(ctx, input) {
      const { name, qualifier } = parseName(input.FunctionName);
      if (qualifier !== undefined)
        throw invalidParameter(
          "This operation is permitted on Lambda functions only. Aliases and versions do not support this operation. Please specify either a function name or an unqualified function ARN.",
        );
      if (!(await ctx.records.get("function", name))) throw functionNotFound(ctx, name, LATEST);
      const wanted = Number(input.ReservedConcurrentExecutions);
      const provisioned = totalOf(await provisionedConfigs(ctx, name));
      if (wanted < provisioned)
        throw invalidParameter(
          ` ReservedConcurrentExecutions  ${wanted} should not be lower than function's total provisioned concurrency [${provisioned}].`,
        );
      if ((await unreservedConcurrency(ctx, name)) - wanted < MIN_UNRESERVED) {
        throw invalidParameter(
          `Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its minimum value of [${MIN_UNRESERVED}].`,
        );
      }
      await changeHead(ctx, name, (h) => ({ ...h, reservedConcurrency: wanted }));
      return { ReservedConcurrentExecutions: wanted };
    },
  },
  GetFunctionConcurrency: {
    permissions: onFunction("GetFunctionConcurrency"),
    async run(ctx, input) {
      const { reservedConcurrency } = await headOf(ctx, parseName(input.FunctionName).name);
      return reservedConcurrency === undefined ? {} : { ReservedConcurrentExecutions: reservedConcurrency };
    },
  },
  DeleteFunctionConcurrency: {
    permissions: onFunction("DeleteFunctionConcurrency"),
    async run(ctx, input) {
      await changeHead(ctx, parseName(input.FunctionName).name, ({ reservedConcurrency: _gone, ...h }) => h);
      return {};
    },
  },
  PutFunctionRecursionConfig: {
    permissions: onFunction("PutFunctionRecursionConfig"),
    async run(ctx, input) {
      const { name } = parseName(input.FunctionName);
      const recursiveLoop = input.RecursiveLoop === "Allow" ? "Allow" : "Terminate";
      await changeHead(ctx, name, (h) => ({ ...h, recursiveLoop }));
      return { RecursiveLoop: recursiveLoop };
    },
  },
  GetFunctionRecursionConfig: {
    permissions: onFunction("GetFunctionRecursionConfig"),
    run: async (ctx, input) => ({
      RecursiveLoop: (await headOf(ctx, parseName(input.FunctionName).name)).recursiveLoop ?? "Terminate",
    }),
  },
});
