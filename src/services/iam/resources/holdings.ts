import { policyText } from "../../../aws/policy-text.ts";
import type { Properties, ResourceContext } from "../../../aws/service.ts";

type Holder = "Role" | "User" | "Group";

const policiesOf = (properties: Properties): Map<string, string> =>
  new Map((properties["Policies"] ?? []).map((p: any) => [String(p.PolicyName), policyText(p.PolicyDocument)]));

const attachedOf = (properties: Properties): string[] => (properties["ManagedPolicyArns"] ?? []).map(String);

/** Makes the inline and attached policies of a role, user or group what `next` says. Safe to run again. */
export async function setHoldings(
  ctx: ResourceContext,
  holder: Holder,
  name: string,
  next: Properties,
  previous: Properties,
): Promise<void> {
  const call = ctx.call as (service: "iam", operation: string, input: object) => Promise<unknown>;
  const key = { [`${holder}Name`]: name };
  const [wanted, had] = [policiesOf(next), policiesOf(previous)];
  for (const [PolicyName, PolicyDocument] of wanted)
    await call.call(ctx, "iam", `Put${holder}Policy`, { ...key, PolicyName, PolicyDocument });
  for (const PolicyName of had.keys())
    if (!wanted.has(PolicyName)) await call.call(ctx, "iam", `Delete${holder}Policy`, { ...key, PolicyName });
  const attached = attachedOf(next);
  for (const PolicyArn of attached) await call.call(ctx, "iam", `Attach${holder}Policy`, { ...key, PolicyArn });
  for (const PolicyArn of attachedOf(previous))
    if (!attached.includes(PolicyArn)) await call.call(ctx, "iam", `Detach${holder}Policy`, { ...key, PolicyArn });
}

/** Takes all policies off, those that others added too, so that the holder can be deleted. */
export async function stripHoldings(ctx: ResourceContext, holder: Holder, name: string): Promise<void> {
  const call = ctx.call as (service: "iam", operation: string, input: object) => Promise<any>;
  const key = { [`${holder}Name`]: name };
  const attached = await call.call(ctx, "iam", `ListAttached${holder}Policies`, { ...key, MaxItems: 1000 });
  for (const { PolicyArn } of attached.AttachedPolicies)
    await call.call(ctx, "iam", `Detach${holder}Policy`, { ...key, PolicyArn });
  const inline = await call.call(ctx, "iam", `List${holder}Policies`, { ...key, MaxItems: 1000 });
  for (const PolicyName of inline.PolicyNames)
    await call.call(ctx, "iam", `Delete${holder}Policy`, { ...key, PolicyName });
}
