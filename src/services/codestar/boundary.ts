import type { Context } from "../../aws/context.ts";
import { codeOf } from "../../kernel/aws-error.ts";
import { applicationStack, boundaryArn, type Project } from "./model.ts";
import { resourceArn } from "./resource-arns.ts";
import { asServiceRole } from "./service-role.ts";
import { findStack, resourcesOf } from "./stacks.ts";

/** Kinds that functions reach by their own ARN; what controls functions and roles is never added. */
const REACHABLE =
  /^AWS::(DynamoDB|S3::Bucket|SQS|SNS|Kinesis|SSM|SecretsManager|StepFunctions|Events::EventBus|KMS|Cognito|Logs::LogGroup)/;
/** IAM's limit of a managed policy, less what the rest of the boundary takes. */
const ROOM = 5_000;
const SID = "StackResources";

interface Document {
  readonly Version: string;
  readonly Statement: { readonly Sid?: string; readonly [member: string]: unknown }[];
}

/** Which state of an application's stack a boundary was made for, by project. */
export type SyncedStacks = Map<string, string>;

/** The boundary grows with what the application's stack makes: a policy for a new table, added to a function's role, works. */
export async function syncBoundaries(ctx: Context<{ synced: SyncedStacks }>): Promise<void> {
  for (const { value: project } of await ctx.records.list<Project>("project")) {
    if (project.state !== "CreateComplete" || !project.stackId) continue;
    try {
      await syncBoundary(ctx, project.id);
    } catch (error) {
      if (ctx.signal.aborted) return;
      ctx.platform.log.warn("a project's boundary could not be brought up to date", { project: project.id, error });
    }
  }
}

async function syncBoundary(ctx: Context<{ synced: SyncedStacks }>, id: string): Promise<void> {
  const role = await asServiceRole(ctx, id);
  const stack = await findStack(role, applicationStack(id));
  if (!stack) return;
  const mark = `${stack.StackId} ${stack.StackStatus} ${stack.LastUpdatedTime?.getTime() ?? 0}`;
  if (ctx.state.synced.get(id) === mark) return;
  const arns = (await resourcesOf(role, applicationStack(id))).flatMap(({ ResourceType = "", PhysicalResourceId }) => {
    const arn =
      PhysicalResourceId && REACHABLE.test(ResourceType)
        ? resourceArn(ResourceType, PhysicalResourceId, ctx)
        : undefined;
    return arn ? [arn, ResourceType === "AWS::SNS::Topic" ? `${arn}:*` : `${arn}/*`] : [];
  });
  await writeBoundary(role, boundaryArn(ctx, id), arns);
  if (!String(stack.StackStatus).endsWith("_IN_PROGRESS")) ctx.state.synced.set(id, mark);
}

async function writeBoundary(role: Context<any>, PolicyArn: string, arns: readonly string[]): Promise<void> {
  try {
    const { Versions = [] } = await role.call("iam", "ListPolicyVersions", { PolicyArn });
    const current = Versions.find((v) => v.IsDefaultVersion);
    const { PolicyVersion } = await role.call("iam", "GetPolicyVersion", { PolicyArn, VersionId: current?.VersionId });
    const before = JSON.parse(decodeURIComponent(String(PolicyVersion?.Document))) as Document;
    const others = before.Statement.filter((s) => s.Sid !== SID);
    const own = arns.length > 0 ? [{ Sid: SID, Effect: "Allow", Action: "*", Resource: fitting(arns) }] : [];
    const next = JSON.stringify({ ...before, Statement: [...others, ...own] });
    if (next === JSON.stringify(before)) return;
    const oldest = Versions.filter((v) => !v.IsDefaultVersion).at(-1);
    if (Versions.length >= 5 && oldest)
      await role.call("iam", "DeletePolicyVersion", { PolicyArn, VersionId: oldest.VersionId });
    await role.call("iam", "CreatePolicyVersion", { PolicyArn, PolicyDocument: next, SetAsDefault: true });
  } catch (error) {
    if (codeOf(error) !== "NoSuchEntity") throw error; // a toolchain without a boundary
  }
}

/** All ARNs, or where they are too many for one policy, one pattern for each service of the project's stack. */
function fitting(arns: readonly string[]): string[] {
  if (JSON.stringify(arns).length <= ROOM) return [...arns];
  return [...new Set(arns.map((arn) => arn.replace(/(awscodestar-[a-z0-9-]+?-lambda-).*$/, "$1*")))].slice(0, 60);
}
