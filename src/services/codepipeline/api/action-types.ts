import type * as CodePipeline from "@aws-sdk/client-codepipeline";
import type { ActionType } from "@aws-sdk/client-codepipeline";
import { operations } from "../../../aws/service.ts";
import { builtInActionType } from "../../../engines/pipeline/index.ts";
import { builtInTypes } from "../actions/index.ts";
import { customTypes, typeKey } from "../custom-types.ts";
import { fault, onAll, type Ctx } from "../model.ts";
import type { PipelineState } from "../state.ts";

/** The action types that are there for everybody. */
function builtIn(): ActionType[] {
  return builtInTypes().flatMap((name) => {
    const [category = "", provider = ""] = name.split("/");
    const limits = builtInActionType({ category, owner: "AWS", provider, version: "1" });
    if (!limits) return [];
    const details = ([minimumCount, maximumCount]: readonly [number, number]) => ({ minimumCount, maximumCount });
    const properties = Object.entries(limits.configuration ?? {}).map(([key, { required }]) => ({
      name: key,
      required,
      key: required,
      secret: false,
    }));
    return [
      {
        id: { category: category as CodePipeline.ActionCategory, owner: "AWS" as const, provider, version: "1" },
        actionConfigurationProperties: properties,
        inputArtifactDetails: details(limits.inputs),
        outputArtifactDetails: details(limits.outputs),
      },
    ];
  });
}

const onType = (action: string) => (input: any, ctx: Ctx) => {
  const { category, provider, version } = input;
  return [
    {
      action: `codepipeline:${action}`,
      resource: `arn:aws:codepipeline:${ctx.region}:${ctx.account}:actiontype:Custom/${category}/${provider}/${version}`,
    },
  ];
};

export const actionTypes = operations<typeof CodePipeline, PipelineState>()({
  ListActionTypes: {
    permissions: onAll("ListActionTypes"),
    async run(ctx, input) {
      const owner = input.actionOwnerFilter;
      return {
        actionTypes: [...builtIn(), ...(await customTypes(ctx))].filter((type) => !owner || type.id?.owner === owner),
      };
    },
  },
  CreateCustomActionType: {
    permissions: onType("CreateCustomActionType"),
    async run(ctx, input) {
      const {
        category,
        provider,
        version,
        settings,
        configurationProperties = [],
        inputArtifactDetails,
        outputArtifactDetails,
        tags = [],
      } = input;
      const actionType: ActionType = {
        id: { category: category!, owner: "Custom", provider: String(provider), version: String(version) },
        ...(settings ? { settings } : {}),
        actionConfigurationProperties: configurationProperties,
        inputArtifactDetails: inputArtifactDetails!,
        outputArtifactDetails: outputArtifactDetails!,
      };
      if (!(await ctx.records.create("action-type", typeKey(input), actionType)))
        throw fault(
          "InvalidStructureException",
          `The custom action type ${typeKey(input)} exists already: take another version`,
        );
      return { actionType, tags };
    },
  },
  DeleteCustomActionType: {
    permissions: onType("DeleteCustomActionType"),
    async run(ctx, input) {
      await ctx.records.write(ctx.records.remove("action-type", typeKey(input)));
      return {};
    },
  },
});
