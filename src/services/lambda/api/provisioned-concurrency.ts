import type * as Lambda from "@aws-sdk/client-lambda";
import type { Context } from "../../../aws/context.ts";
import { operations } from "../../../aws/service.ts";
import { MIN_UNRESERVED } from "../limits.ts";
import {
  conflict,
  functionArn,
  functionNotFound,
  invalidParameter,
  LATEST,
  onFunction,
  parseName,
  type FunctionHead,
} from "../model.ts";
import {
  applyProvisioned,
  forgetProvisioned,
  noProvisioned,
  PROVISIONED,
  provisionedConfigs,
  provisionedId,
  provisionedView,
  sharesOf,
  totalOf,
  unreservedConcurrency,
  type ProvisionedConfig,
} from "../provisioned.ts";
import type { LambdaState } from "../state.ts";

type Ctx = Context<LambdaState>;

const MUST_BE_PUBLISHED = "The function resource provided must be an alias or a published version.";

function target(input: { FunctionName?: string | undefined; Qualifier?: string | undefined }, ifLatest: string) {
  const { name, qualifier = LATEST } = parseName(input.FunctionName, input.Qualifier);
  if (qualifier === LATEST) throw invalidParameter(ifLatest);
  return { name, qualifier };
}

/** The account or the function must have so much to give. */
async function checkRoom(ctx: Ctx, name: string, qualifier: string, requested: number): Promise<void> {
  const head = await ctx.records.get<FunctionHead>("function", name);
  if (!head) throw functionNotFound(ctx, name, qualifier);
  const others = totalOf((await provisionedConfigs(ctx, name)).filter((one) => one.qualifier !== qualifier));
  const { reservedConcurrency } = head.value;
  if (reservedConcurrency !== undefined) {
    if (others + requested > reservedConcurrency)
      throw invalidParameter(
        "Requested Provisioned Concurrency should not be greater than the reservedConcurrentExecution for function",
      );
    return;
  }
  const unreserved = (await unreservedConcurrency(ctx, name)) - others;
  if (requested > unreserved)
    throw invalidParameter(
      `Specified ConcurrentExecutions for function is greater than account's unreserved concurrency [${unreserved}].`,
    );
  if (unreserved - requested < MIN_UNRESERVED)
    throw invalidParameter(
      `Specified ConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its minimum value of [${MIN_UNRESERVED}].`,
    );
}

/** A version has environments of its own or by its alias, never both. */
async function checkOverlap(ctx: Ctx, name: string, qualifier: string): Promise<void> {
  const versions = await sharesOf(ctx, name, qualifier);
  const isVersion = versions.has(qualifier);
  for (const other of await provisionedConfigs(ctx, name)) {
    if (other.qualifier === qualifier) continue;
    if (!isVersion && versions.has(other.qualifier))
      throw conflict("Alias can't be used for Provisioned Concurrency configuration on an already Provisioned version");
    if (isVersion && (await sharesOf(ctx, name, other.qualifier).catch(() => undefined))?.has(qualifier))
      throw conflict("Version is pointed by a Provisioned Concurrency alias");
  }
}

export const provisionedConcurrency = operations<typeof Lambda, LambdaState>()({
  PutProvisionedConcurrencyConfig: {
    permissions: onFunction("PutProvisionedConcurrencyConfig"),
    async run(ctx, input) {
      const { name, qualifier } = target(
        input,
        "Provisioned Concurrency Configs cannot be applied to unpublished function versions.",
      );
      const requested = Number(input.ProvisionedConcurrentExecutions);
      await checkOverlap(ctx, name, qualifier);
      await checkRoom(ctx, name, qualifier, requested);
      const config: ProvisionedConfig = { name, qualifier, requested, modified: ctx.now() };
      await ctx.records.write(ctx.records.put(PROVISIONED, provisionedId(name, qualifier), config));
      await applyProvisioned(ctx, name, qualifier);
      return provisionedView(ctx, config);
    },
  },
  GetProvisionedConcurrencyConfig: {
    permissions: onFunction("GetProvisionedConcurrencyConfig"),
    async run(ctx, input) {
      const { name, qualifier } = target(input, MUST_BE_PUBLISHED);
      await sharesOf(ctx, name, qualifier);
      const stored = await ctx.records.get<ProvisionedConfig>(PROVISIONED, provisionedId(name, qualifier));
      if (!stored) throw noProvisioned();
      return provisionedView(ctx, stored.value);
    },
  },
  DeleteProvisionedConcurrencyConfig: {
    permissions: onFunction("DeleteProvisionedConcurrencyConfig"),
    async run(ctx, input) {
      const { name, qualifier } = target(input, MUST_BE_PUBLISHED);
      await sharesOf(ctx, name, qualifier);
      const statements = await forgetProvisioned(ctx, name, qualifier);
      if (statements.length) await ctx.records.write(statements);
      return {};
    },
  },
  ListProvisionedConcurrencyConfigs: {
    permissions: onFunction("ListProvisionedConcurrencyConfigs"),
    async run(ctx, input) {
      const { name } = parseName(input.FunctionName);
      if (!(await ctx.records.get("function", name))) throw functionNotFound(ctx, name);
      const limit = input.MaxItems ?? 50;
      const stored = await ctx.records.list<ProvisionedConfig>(PROVISIONED, {
        prefix: `${name}:`,
        ...(input.Marker ? { after: input.Marker } : {}),
        limit: limit + 1,
      });
      const page = stored.slice(0, limit);
      return {
        ProvisionedConcurrencyConfigs: page.map(({ value }) => ({
          FunctionArn: functionArn(ctx, name, value.qualifier),
          ...provisionedView(ctx, value),
        })),
        ...(stored.length > limit ? { NextMarker: page.at(-1)!.id } : {}),
      };
    },
  },
});
