import type { OperationInput, OperationOutput } from "../../aws/sdk-types.ts";
import type { Operation, Permission } from "../../aws/service.ts";
import type * as Sts from "@aws-sdk/client-sts";
import { parsePolicy } from "../../engines/policy/index.ts";
import { AwsError, codeOf } from "../../kernel/aws-error.ts";
import { credentialsView } from "./credentials-view.ts";

type Input = OperationInput<typeof Sts, "AssumeRole">;

const DEFAULT_SECONDS = 3600;
/** A role that assumes a role gets an hour at most: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles.html */
const CHAINED_SECONDS = 3600;

const denied = (caller: string, roleArn: string): AwsError =>
  new AwsError(
    "AccessDenied",
    `User: ${caller} is not authorized to perform: sts:AssumeRole on resource: ${roleArn}`,
    403,
  );

/** AssumeRole: the trust policy must name the caller, and the caller's own policies must not forbid it. */
export const assumeRole: Operation<Input, OperationOutput<typeof Sts, "AssumeRole">, any> = {
  async permissions(input, ctx): Promise<Permission[]> {
    const roleArn = String(input.RoleArn);
    const caller = "arn" in ctx.principal ? ctx.principal.arn : ctx.principal.kind;
    // Who may not assume a role does not learn whether it exists.
    const role = await ctx.platform.identity.role(roleArn).catch((error: unknown) => {
      throw codeOf(error) === "NoSuchEntity" ? denied(caller, roleArn) : error;
    });
    const conditions = {
      "sts:ExternalId": input.ExternalId,
      "sts:RoleSessionName": input.RoleSessionName,
      "sts:SourceIdentity": input.SourceIdentity,
    };
    return [
      {
        action: "sts:AssumeRole",
        resource: roleArn,
        resourcePolicy: role.trust,
        resourcePolicyMustAllow: true,
        conditions,
      },
    ];
  },
  async run(ctx, input) {
    const { identity } = ctx.platform;
    const role = await identity.role(String(input.RoleArn));
    const seconds = input.DurationSeconds ?? DEFAULT_SECONDS;
    if (seconds > role.maxSessionDuration) {
      throw new AwsError(
        "ValidationError",
        "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
        400,
      );
    }
    if (ctx.principal.kind === "role" && seconds > CHAINED_SECONDS) {
      throw new AwsError(
        "ValidationError",
        "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining",
        400,
      );
    }
    if (input.Policy !== undefined) parsePolicy(input.Policy);
    const attached = await Promise.all((input.PolicyArns ?? []).map((p) => identity.policyDocument(String(p.arn))));
    const sessionPolicies = [...(input.Policy === undefined ? [] : [input.Policy]), ...attached];
    const tags = Object.fromEntries((input.Tags ?? []).map((tag) => [String(tag.Key), String(tag.Value)]));
    const credentials = identity.issueForRole(role, {
      sessionName: String(input.RoleSessionName),
      durationSeconds: seconds,
      sessionPolicies,
      ...(input.Tags?.length ? { tags } : {}),
    });
    const { principal } = credentials;
    return {
      Credentials: credentialsView(credentials),
      AssumedRoleUser: principal.kind === "role" ? { Arn: principal.arn, AssumedRoleId: principal.id } : undefined,
      ...(input.SourceIdentity ? { SourceIdentity: input.SourceIdentity } : {}),
    };
  },
};
