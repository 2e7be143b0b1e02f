import type { Context } from "../../aws/context.ts";
import { AwsError, codeOf } from "../../kernel/aws-error.ts";
import { invalid, limitExceeded } from "./errors.ts";
import { MAX_MEMBERS } from "./limits.ts";
import { teamPolicyArn, type Member, type TeamRole } from "./model.ts";

export const memberId = (projectId: string, userArn: string): string => `${projectId}:${userArn}`;

const userNameOf = (userArn: string): string => userArn.slice(userArn.lastIndexOf("/") + 1);

export const notAMember = (userArn: string): AwsError =>
  new AwsError("TeamMemberNotFoundException", `${userArn} is not a member of the project's team.`, 400);

/** Adds a user to a project's team: the policy of the role first, so that a member without rights is never listed. */
export async function addMember(
  ctx: Context<any>,
  role: Context<any>,
  projectId: string,
  member: Member,
): Promise<void> {
  if ((await ctx.records.count("member", `${projectId}:`)) >= MAX_MEMBERS)
    throw limitExceeded(`A project can have up to ${MAX_MEMBERS} team members.`);
  if (await ctx.records.get("member", memberId(projectId, member.userArn))) throw alreadyThere(member.userArn);
  await attach(role, projectId, member.userArn, member.role);
  if (!(await ctx.records.create("member", memberId(projectId, member.userArn), member)))
    throw alreadyThere(member.userArn);
}

const alreadyThere = (userArn: string): AwsError =>
  new AwsError("TeamMemberAlreadyAssociatedException", `${userArn} is a member of the project's team already.`, 400);

export async function attach(
  role: Context<any>,
  projectId: string,
  userArn: string,
  teamRole: TeamRole,
): Promise<void> {
  const PolicyArn = teamPolicyArn(role, projectId, teamRole);
  try {
    await role.call("iam", "AttachUserPolicy", { UserName: userNameOf(userArn), PolicyArn });
  } catch (error) {
    if (codeOf(error) === "NoSuchEntity") throw invalid(`The IAM user ${userArn} does not exist.`);
    if (codeOf(error) === "LimitExceeded")
      throw limitExceeded(`${userArn} has as many policies as a user can have: ${(error as AwsError).message}`);
    throw error;
  }
}

export async function detach(
  role: Context<any>,
  projectId: string,
  userArn: string,
  teamRole: TeamRole,
): Promise<void> {
  const PolicyArn = teamPolicyArn(role, projectId, teamRole);
  await role.call("iam", "DetachUserPolicy", { UserName: userNameOf(userArn), PolicyArn }).catch((error: unknown) => {
    if (codeOf(error) !== "NoSuchEntity") throw error;
  });
}
