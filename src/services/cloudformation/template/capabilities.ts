import type { Template } from "../../../engines/cloudformation/index.ts";
import { insufficientCapabilities } from "../errors.ts";

/** Types that change who may do what, with the property that names one. */
const IAM_TYPES: Readonly<Record<string, string | undefined>> = {
  "AWS::IAM::AccessKey": undefined,
  "AWS::IAM::Group": "GroupName",
  "AWS::IAM::InstanceProfile": "InstanceProfileName",
  "AWS::IAM::ManagedPolicy": "ManagedPolicyName",
  "AWS::IAM::Policy": undefined,
  "AWS::IAM::Role": "RoleName",
  "AWS::IAM::User": "UserName",
  "AWS::IAM::UserToGroupAddition": undefined,
};

/** The capabilities that a template needs, with the reason in AWS's words. */
export function neededCapabilities(template: Template): { capabilities: string[]; reason?: string } {
  const iam = Object.values(template.resources).filter((r) => Object.hasOwn(IAM_TYPES, r.type));
  if (iam.length === 0) return { capabilities: [] };
  const types = [...new Set(iam.map((r) => r.type))];
  const reason = `The following resource(s) require capabilities: [${types.join(", ")}]`;
  const named = iam.some((r) => IAM_TYPES[r.type] !== undefined && r.properties[IAM_TYPES[r.type]!] !== undefined);
  return { capabilities: [named ? "CAPABILITY_NAMED_IAM" : "CAPABILITY_IAM"], reason };
}

/** Refuses a template whose needs the caller has not acknowledged. */
export function checkCapabilities(template: Template, given: readonly string[], needsExpand: boolean): void {
  const [iam] = neededCapabilities(template).capabilities;
  const missing: string[] = [];
  if (needsExpand && !given.includes("CAPABILITY_AUTO_EXPAND")) missing.push("CAPABILITY_AUTO_EXPAND");
  const named = given.includes("CAPABILITY_NAMED_IAM");
  if (iam && !named && !(iam === "CAPABILITY_IAM" && given.includes("CAPABILITY_IAM"))) missing.unshift(iam);
  if (missing.length > 0) throw insufficientCapabilities(missing.join(", "));
}
