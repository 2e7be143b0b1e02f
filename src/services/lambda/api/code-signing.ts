import type * as Lambda from "@aws-sdk/client-lambda";
import type { Context } from "../../../aws/context.ts";
import { operations, type Permission } from "../../../aws/service.ts";
import {
  CODE_SIGNING,
  codeSigningArn,
  codeSigningConfig,
  codeSigningView,
  mustHaveCodeSigning,
  type CodeSigningConfig,
} from "../code-signing.ts";
import { conflict, functionArn, onFunction, parseName, type FunctionHead } from "../model.ts";
import type { LambdaState } from "../state.ts";
import { changeHead, headOf } from "../store.ts";
import { checkedTags } from "../tags.ts";

type Ctx = Context<LambdaState>;

const DEFAULT_PAGE = 50;
const ID_LENGTH = 17;
const ID_ALPHABET = "0123456789abcdef";

const onConfig =
  (action: string) =>
  (input: { CodeSigningConfigArn?: string | undefined }): Permission[] => [
    { action: `lambda:${action}`, resource: String(input.CodeSigningConfigArn) },
  ];

const onAny = (action: string) => (): Permission[] => [{ action: `lambda:${action}`, resource: "*" }];

/** ARNs of the functions whose code must be signed as a configuration says. */
async function functionsOf(ctx: Ctx, config: string): Promise<{ id: string; arn: string }[]> {
  const heads = await ctx.records.list<FunctionHead>("function");
  return heads
    .filter(({ value }) => value.codeSigning === config)
    .map(({ value }) => ({ id: value.name, arn: functionArn(ctx, value.name) }));
}

export const codeSigning = operations<typeof Lambda, LambdaState>()({
  CreateCodeSigningConfig: {
    permissions: onAny("CreateCodeSigningConfig"),
    async run(ctx, input) {
      const config: CodeSigningConfig = {
        id: `csc-${ctx.platform.ids.text(ID_LENGTH, ID_ALPHABET)}`,
        publishers: input.AllowedPublishers?.SigningProfileVersionArns ?? [],
        untrusted: input.CodeSigningPolicies?.UntrustedArtifactOnDeployment ?? "Warn",
        modified: ctx.now(),
        ...(input.Description === undefined ? {} : { description: input.Description }),
        ...(input.Tags ? { tags: checkedTags(input.Tags) } : {}),
      };
      await ctx.records.write(ctx.records.put(CODE_SIGNING, config.id, config, 0));
      return { CodeSigningConfig: codeSigningView(ctx, config) };
    },
  },
  GetCodeSigningConfig: {
    permissions: onConfig("GetCodeSigningConfig"),
    run: async (ctx, input) => ({
      CodeSigningConfig: codeSigningView(ctx, await codeSigningConfig(ctx, input.CodeSigningConfigArn)),
    }),
  },
  UpdateCodeSigningConfig: {
    permissions: onConfig("UpdateCodeSigningConfig"),
    async run(ctx, input) {
      const { id } = await codeSigningConfig(ctx, input.CodeSigningConfigArn);
      const changed = await ctx.records.update<CodeSigningConfig>(CODE_SIGNING, id, (before) => ({
        ...before,
        publishers: input.AllowedPublishers?.SigningProfileVersionArns ?? before.publishers,
        untrusted: input.CodeSigningPolicies?.UntrustedArtifactOnDeployment ?? before.untrusted,
        modified: ctx.now(),
        ...(input.Description === undefined ? {} : { description: input.Description }),
      }));
      return { CodeSigningConfig: codeSigningView(ctx, changed!) };
    },
  },
  DeleteCodeSigningConfig: {
    permissions: onConfig("DeleteCodeSigningConfig"),
    async run(ctx, input) {
      const { id } = await codeSigningConfig(ctx, input.CodeSigningConfigArn);
      if ((await functionsOf(ctx, codeSigningArn(ctx, id))).length)
        throw conflict(`The Lambda code signing configuration ${input.CodeSigningConfigArn} is used by functions.`);
      await ctx.records.write(ctx.records.remove(CODE_SIGNING, id));
      return {};
    },
  },
  ListCodeSigningConfigs: {
    permissions: onAny("ListCodeSigningConfigs"),
    async run(ctx, input) {
      const limit = input.MaxItems ?? DEFAULT_PAGE;
      const found = await ctx.records.list<CodeSigningConfig>(CODE_SIGNING, {
        limit: limit + 1,
        ...(input.Marker ? { after: input.Marker } : {}),
      });
      const page = found.slice(0, limit);
      return {
        CodeSigningConfigs: page.map(({ value }) => codeSigningView(ctx, value)),
        ...(found.length > limit ? { NextMarker: page.at(-1)!.id } : {}),
      };
    },
  },
  ListFunctionsByCodeSigningConfig: {
    permissions: onConfig("ListFunctionsByCodeSigningConfig"),
    async run(ctx, input) {
      const { id } = await codeSigningConfig(ctx, input.CodeSigningConfigArn);
      const all = await functionsOf(ctx, codeSigningArn(ctx, id));
      const rest = input.Marker ? all.filter((one) => one.id > input.Marker!) : all;
      const page = rest.slice(0, input.MaxItems ?? DEFAULT_PAGE);
      return {
        FunctionArns: page.map((one) => one.arn),
        ...(page.length < rest.length ? { NextMarker: page.at(-1)!.id } : {}),
      };
    },
  },
  PutFunctionCodeSigningConfig: {
    permissions: onFunction("PutFunctionCodeSigningConfig"),
    async run(ctx, input) {
      const { name } = parseName(input.FunctionName);
      const config = await mustHaveCodeSigning(ctx, String(input.CodeSigningConfigArn));
      const codeSigning = codeSigningArn(ctx, config.id);
      await changeHead(ctx, name, (head) => ({ ...head, codeSigning }));
      return { CodeSigningConfigArn: codeSigning, FunctionName: name };
    },
  },
  GetFunctionCodeSigningConfig: {
    permissions: onFunction("GetFunctionCodeSigningConfig"),
    async run(ctx, input) {
      const { name } = parseName(input.FunctionName);
      const { codeSigning } = await headOf(ctx, name);
      // A function without any is answered by an empty object.
      const none = {} as { CodeSigningConfigArn: string; FunctionName: string };
      return codeSigning === undefined ? none : { CodeSigningConfigArn: codeSigning, FunctionName: name };
    },
  },
  DeleteFunctionCodeSigningConfig: {
    permissions: onFunction("DeleteFunctionCodeSigningConfig"),
    async run(ctx, input) {
      const { name } = parseName(input.FunctionName);
      await changeHead(ctx, name, ({ codeSigning: _gone, ...head }) => head);
      return {};
    },
  },
});
