import type { Context } from "../../aws/context.ts";
import { codeOf, messageOf } from "../../kernel/aws-error.ts";
import { badServiceRole } from "./errors.ts";

const NAME = "aws-codestar-service-role";
const PATH = "/service-role/";
const MANAGED = "arn:aws:iam::aws:policy/service-role/AWSCodeStarServiceRole";

const TRUST = {
  Version: "2012-10-17",
  Statement: [{ Effect: "Allow", Principal: { Service: "codestar.amazonaws.com" }, Action: "sts:AssumeRole" }],
};

/** What AWS's own policy for the role lacks to leave nothing behind when a project goes, and to let its boundary grow. */
const CLEAN_UP = {
  Version: "2012-10-17",
  Statement: [
    {
      Effect: "Allow",
      Action: [
        "iam:ListAttachedRolePolicies",
        "iam:ListRolePolicies",
        "iam:PutRolePermissionsBoundary",
        "iam:TagRole",
        "iam:UpdateAssumeRolePolicy",
        "iam:UpdateRole",
      ],
      Resource: "arn:aws:iam::*:role/CodeStarWorker*",
    },
    {
      Effect: "Allow",
      Action: ["events:ListTargetsByRule", "events:TagResource"],
      Resource: "arn:aws:events:*:*:rule/awscodestar-*",
    },
    {
      Effect: "Allow",
      Action: [
        "cloudformation:ListStacks",
        "cloudformation:DescribeStacks",
        "iam:GetUser",
        "iam:ListAttachedUserPolicies",
      ],
      Resource: "*",
    },
  ],
};

const arnOf = (account: string): string => `arn:aws:iam::${account}:role${PATH}${NAME}`;

/** Makes the service role of the account where it is missing, as the caller, who must be allowed to. */
export async function ensureServiceRole(ctx: Context<any>): Promise<void> {
  try {
    await ctx.platform.identity.role(arnOf(ctx.account));
    return;
  } catch (error) {
    if (codeOf(error) !== "NoSuchEntity") throw error;
  }
  try {
    const made = {
      Path: PATH,
      RoleName: NAME,
      AssumeRolePolicyDocument: JSON.stringify(TRUST),
      Description: "What CodeStar does for its projects",
    };
    await ctx.call("iam", "CreateRole", made).catch((error: unknown) => {
      if (codeOf(error) !== "EntityAlreadyExists") throw error;
    });
    await ctx.call("iam", "PutRolePolicy", {
      RoleName: NAME,
      PolicyName: "CleanUp",
      PolicyDocument: JSON.stringify(CLEAN_UP),
    });
    await ctx.call("iam", "AttachRolePolicy", { RoleName: NAME, PolicyArn: MANAGED });
  } catch (error) {
    throw badServiceRole(`The service role ${NAME} does not exist, and you cannot create it: ${messageOf(error)}`);
  }
}

/** The same context as a session of CodeStar's service role. */
export async function asServiceRole(ctx: Context<any>, projectId: string): Promise<Context<any>> {
  try {
    return await ctx.asRole(arnOf(ctx.account), `CodeStar-${projectId}`);
  } catch (error) {
    if (codeOf(error) !== "NoSuchEntity" && codeOf(error) !== "AccessDenied") throw error;
    throw badServiceRole(`The service role ${NAME} is missing or cannot be used: ${messageOf(error)}`);
  }
}
