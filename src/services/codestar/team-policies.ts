import type { Context } from "../../aws/context.ts";
import { codeOf } from "../../kernel/aws-error.ts";
import { projectArn, ROLES, teamPolicyArn, teamPolicyName, type TeamRole } from "./model.ts";

/** The services of a project, by who may do what: V(iewer), C(ontributor); an Owner may do everything to the same resources. */
interface Access {
  readonly resources: (id: string, place: { region: string; account: string }) => readonly string[];
  readonly owner: readonly string[];
  readonly contributor: readonly string[];
  readonly viewer: readonly string[];
}

const arn =
  (service: string, resource: (id: string) => string) => (id: string, p: { region: string; account: string }) => [
    `arn:aws:${service}:${p.region}:${p.account}:${resource(id)}`,
  ];

const ACCESS: readonly Access[] = [
  {
    resources: (id, place) => [projectArn(place, id)],
    owner: ["codestar:*"],
    contributor: ["codestar:Describe*", "codestar:Get*", "codestar:List*"],
    viewer: ["codestar:Describe*", "codestar:Get*", "codestar:List*"],
  },
  {
    resources: arn("codecommit", (id) => id),
    owner: ["codecommit:*"],
    contributor: [
      "codecommit:BatchGet*",
      "codecommit:Create*",
      "codecommit:DeleteBranch",
      "codecommit:DeleteFile",
      "codecommit:Describe*",
      "codecommit:Get*",
      "codecommit:Git*",
      "codecommit:List*",
      "codecommit:Merge*",
      "codecommit:Post*",
      "codecommit:PutFile",
      "codecommit:Test*",
      "codecommit:UpdateComment",
      "codecommit:UpdatePullRequest*",
    ],
    viewer: [
      "codecommit:BatchGet*",
      "codecommit:Describe*",
      "codecommit:Get*",
      "codecommit:GitPull",
      "codecommit:List*",
    ],
  },
  {
    resources: arn("codebuild", (id) => `project/${id}`),
    owner: ["codebuild:*"],
    contributor: [
      "codebuild:BatchGet*",
      "codebuild:List*",
      "codebuild:RetryBuild",
      "codebuild:StartBuild",
      "codebuild:StopBuild",
    ],
    viewer: ["codebuild:BatchGet*", "codebuild:List*"],
  },
  {
    resources: (id, p) => [
      `arn:aws:codepipeline:${p.region}:${p.account}:${id}-Pipeline`,
      `arn:aws:codepipeline:${p.region}:${p.account}:${id}-Pipeline/*`,
    ],
    owner: ["codepipeline:*"],
    contributor: [
      "codepipeline:DisableStageTransition",
      "codepipeline:EnableStageTransition",
      "codepipeline:Get*",
      "codepipeline:List*",
      "codepipeline:PutApprovalResult",
      "codepipeline:RetryStageExecution",
      "codepipeline:Start*",
      "codepipeline:Stop*",
    ],
    viewer: ["codepipeline:Get*", "codepipeline:List*"],
  },
  {
    resources: (id, p) => [
      `arn:aws:cloudformation:${p.region}:${p.account}:stack/awscodestar-${id}/*`,
      `arn:aws:cloudformation:${p.region}:${p.account}:stack/awscodestar-${id}-lambda*/*`,
    ],
    owner: ["cloudformation:*"],
    contributor: ["cloudformation:Describe*", "cloudformation:Get*", "cloudformation:List*"],
    viewer: ["cloudformation:Describe*", "cloudformation:Get*", "cloudformation:List*"],
  },
  {
    resources: arn("lambda", (id) => `function:awscodestar-${id}-lambda-*`),
    owner: ["lambda:*"],
    contributor: ["lambda:Get*", "lambda:InvokeFunction", "lambda:List*"],
    viewer: ["lambda:Get*", "lambda:List*"],
  },
  {
    resources: (id, p) =>
      [`/aws/codebuild/${id}`, `/aws/lambda/awscodestar-${id}-lambda-*`].map(
        (g) => `arn:aws:logs:${p.region}:${p.account}:log-group:${g}:*`,
      ),
    owner: ["logs:*"],
    contributor: ["logs:Describe*", "logs:FilterLogEvents", "logs:Get*", "logs:StartQuery"],
    viewer: ["logs:Describe*", "logs:FilterLogEvents", "logs:Get*", "logs:StartQuery"],
  },
  {
    resources: (id, p) =>
      [`pipe`, `app`].flatMap((b) => [
        `arn:aws:s3:::aws-codestar-${p.region}-${p.account}-${id}-${b}`,
        `arn:aws:s3:::aws-codestar-${p.region}-${p.account}-${id}-${b}/*`,
      ]),
    owner: ["s3:*"],
    contributor: ["s3:Get*", "s3:List*", "s3:PutObject", "s3:PutObjectAcl"],
    viewer: ["s3:Get*", "s3:List*"],
  },
  {
    resources: arn("events", (id) => `rule/awscodestar-${id}-SourceEvent`),
    owner: ["events:*"],
    contributor: ["events:Describe*", "events:List*"],
    viewer: ["events:Describe*", "events:List*"],
  },
];

/** What everybody in a team may look at, where AWS's actions have no resource of a project. */
const COMMON = [
  "cloudwatch:Describe*",
  "cloudwatch:Get*",
  "cloudwatch:List*",
  "codestar:ListProjects",
  "codestar:ListUserProfiles",
  "codecommit:ListRepositories",
  "codebuild:ListProjects",
  "codepipeline:ListPipelines",
  "iam:GetUser",
];
const OWN_PROFILE = [
  "codestar:CreateUserProfile",
  "codestar:DescribeUserProfile",
  "codestar:UpdateUserProfile",
  "codestar:DeleteUserProfile",
  "iam:*SSHPublicKey*",
  "iam:*ServiceSpecificCredential*",
];

/** The policy of a role in a project's team: Owner everything, Contributor all but team and delete, Viewer looks only. */
export function teamPolicy(id: string, role: TeamRole, place: { region: string; account: string }): string {
  const key = role.toLowerCase() as "owner" | "contributor" | "viewer";
  const own = ACCESS.map((access) => ({ Effect: "Allow", Action: access[key], Resource: access.resources(id, place) }));
  const extra =
    role === "Owner"
      ? [
          {
            Effect: "Allow",
            Action: "iam:PassRole",
            Resource: `arn:aws:iam::${place.account}:role/CodeStarWorker-${id}-*`,
          },
          { Effect: "Allow", Action: "iam:ListUsers", Resource: "*" },
        ]
      : [];
  return JSON.stringify({
    Version: "2012-10-17",
    Statement: [
      ...own,
      ...extra,
      { Effect: "Allow", Action: COMMON, Resource: "*" },
      { Effect: "Allow", Action: OWN_PROFILE, Resource: `arn:aws:iam::${place.account}:user/\${aws:username}` },
    ],
  });
}

/** Makes the three policies of a project; those that are there stay. */
export async function makeTeamPolicies(ctx: Context<any>, id: string): Promise<void> {
  for (const role of ROLES) {
    const made = {
      PolicyName: teamPolicyName(id, role),
      PolicyDocument: teamPolicy(id, role, ctx),
      Description: `${role} of the project ${id}`,
    };
    await ctx.call("iam", "CreatePolicy", made).catch((error: unknown) => {
      if (codeOf(error) !== "EntityAlreadyExists") throw error;
    });
  }
}

/** Takes the policies off everybody and removes them. */
export async function removeTeamPolicies(ctx: Context<any>, id: string): Promise<void> {
  for (const role of ROLES) {
    const PolicyArn = teamPolicyArn(ctx, id, role);
    try {
      const { PolicyUsers = [] } = await ctx.call("iam", "ListEntitiesForPolicy", { PolicyArn, MaxItems: 1000 });
      for (const { UserName } of PolicyUsers) await ctx.call("iam", "DetachUserPolicy", { UserName, PolicyArn });
      await ctx.call("iam", "DeletePolicy", { PolicyArn });
    } catch (error) {
      if (codeOf(error) !== "NoSuchEntity") throw error;
    }
  }
}
