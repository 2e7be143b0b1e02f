import type * as Lambda from "@aws-sdk/client-lambda";
import type { Context } from "../../../aws/context.ts";
import { operations } from "../../../aws/service.ts";
import { runtimeVersionArn } from "../configuration.ts";
import { functionArn, invalidParameter, LATEST, onFunction, parseName, policyId } from "../model.ts";
import { RUNTIME_MANAGEMENT, type RuntimeManagement } from "../runtime-management.ts";
import type { LambdaState } from "../state.ts";
import { versionOf } from "../store.ts";

type Ctx = Context<LambdaState>;
type Named = { FunctionName?: string | undefined; Qualifier?: string | undefined };

/** The version that is meant: runtimes belong to versions, not to aliases. */
async function target(ctx: Ctx, input: Named) {
  const { name, qualifier = LATEST } = parseName(input.FunctionName, input.Qualifier);
  if (qualifier !== LATEST && !/^\d+$/.test(qualifier))
    throw invalidParameter(
      "Runtime management configurations belong to $LATEST and to published versions, not to aliases.",
    );
  const record = await versionOf(ctx, name, qualifier);
  return { record, id: policyId(name, qualifier), arn: `${functionArn(ctx, name)}:${qualifier}` };
}

export const runtimeManagement = operations<typeof Lambda, LambdaState>()({
  PutRuntimeManagementConfig: {
    permissions: onFunction("PutRuntimeManagementConfig"),
    async run(ctx, input) {
      const { record, id, arn } = await target(ctx, input);
      const { UpdateRuntimeOn: mode = "Auto", RuntimeVersionArn: wanted } = input;
      if (mode !== "Manual" && wanted !== undefined)
        throw invalidParameter("RuntimeVersionArn can be given only where UpdateRuntimeOn is Manual.");
      if (mode === "Manual" && wanted === undefined)
        throw invalidParameter("RuntimeVersionArn must be given where UpdateRuntimeOn is Manual.");
      const installed = runtimeVersionArn(ctx, record.runtime);
      if (wanted !== undefined && wanted !== installed)
        throw invalidParameter(
          `The runtime version ${wanted} is not installed here; ${record.runtime} runs on ${installed}.`,
        );
      const config: RuntimeManagement = { mode, ...(wanted === undefined ? {} : { version: wanted }) };
      await ctx.records.write(ctx.records.put(RUNTIME_MANAGEMENT, id, config));
      return { UpdateRuntimeOn: mode, FunctionArn: arn, ...(wanted ? { RuntimeVersionArn: wanted } : {}) };
    },
  },
  GetRuntimeManagementConfig: {
    permissions: onFunction("GetRuntimeManagementConfig"),
    async run(ctx, input) {
      const { id, arn } = await target(ctx, input);
      const config = (await ctx.records.get<RuntimeManagement>(RUNTIME_MANAGEMENT, id))?.value;
      return {
        UpdateRuntimeOn: config?.mode ?? "Auto",
        FunctionArn: arn,
        ...(config?.version ? { RuntimeVersionArn: config.version } : {}),
      };
    },
  },
});
