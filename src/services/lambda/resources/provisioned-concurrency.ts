import type { Properties, ResourceContext } from "../../../aws/service.ts";
import { AwsError } from "../../../kernel/aws-error.ts";

/** A version or an alias. */
export interface Qualified {
  readonly FunctionName: string;
  readonly Qualifier: string;
}

const wantedBy = (properties: Properties | undefined): number =>
  Number(properties?.["ProvisionedConcurrencyConfig"]?.ProvisionedConcurrentExecutions ?? 0);

/** Sets what the property `ProvisionedConcurrencyConfig` of a version or an alias says. */
export async function provision(
  ctx: ResourceContext,
  target: Qualified,
  next: Properties,
  previous?: Properties,
): Promise<void> {
  const wanted = wantedBy(next);
  if (wanted > 0)
    await ctx.call("lambda", "PutProvisionedConcurrencyConfig", { ...target, ProvisionedConcurrentExecutions: wanted });
  else if (wantedBy(previous) > 0) await ctx.call("lambda", "DeleteProvisionedConcurrencyConfig", { ...target });
}

/** Whether all that the property asks for is ready; throws where it cannot be had. */
export async function isProvisioned(ctx: ResourceContext, target: Qualified, properties: Properties): Promise<boolean> {
  if (wantedBy(properties) === 0) return true;
  const { Status, StatusReason } = await ctx.call("lambda", "GetProvisionedConcurrencyConfig", { ...target });
  if (Status === "FAILED")
    throw new AwsError(
      "NotStabilized",
      `Provisioned Concurrency configuration failed to be applied. Reason: ${StatusReason}`,
      400,
    );
  return Status === "READY";
}
