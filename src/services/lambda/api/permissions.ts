import type * as Lambda from "@aws-sdk/client-lambda";
import type { Context } from "../../../aws/context.ts";
import { operations } from "../../../aws/service.ts";
import { AwsError } from "../../../kernel/aws-error.ts";
import type { Statement } from "../../../ports/database.ts";
import { MAX_POLICY_BYTES } from "../limits.ts";
import {
  conflict,
  functionArn,
  functionNotFound,
  invalidParameter,
  LATEST,
  onFunction,
  parseName,
  policyId,
  policyText,
  resourceNotFound,
  revisionOf,
  staleRevision,
  versionId,
  type AliasRecord,
  type FunctionRecord,
  type PolicyRecord,
} from "../model.ts";
import type { LambdaState } from "../state.ts";
import { headOf, versionOf } from "../store.ts";

type Ctx = Context<LambdaState>;
type Input = { [K in keyof Lambda.AddPermissionRequest]: Lambda.AddPermissionRequest[K] };

/** One statement of a function's policy, as AddPermission makes it. */
function statementOf(input: Input, resource: string): PolicyRecord["statements"][number] {
  const equals: Record<string, string> = {};
  if (input.SourceAccount) equals["AWS:SourceAccount"] = input.SourceAccount;
  if (input.PrincipalOrgID) equals["aws:PrincipalOrgID"] = input.PrincipalOrgID;
  if (input.EventSourceToken) equals["lambda:EventSourceToken"] = input.EventSourceToken;
  if (input.FunctionUrlAuthType) equals["lambda:FunctionUrlAuthType"] = input.FunctionUrlAuthType;
  const condition = {
    ...(input.InvokedViaFunctionUrl === undefined
      ? {}
      : { Bool: { "lambda:InvokedViaFunctionUrl": String(input.InvokedViaFunctionUrl) } }),
    ...(Object.keys(equals).length ? { StringEquals: equals } : {}),
    ...(input.SourceArn ? { ArnLike: { "AWS:SourceArn": input.SourceArn } } : {}),
  };
  return {
    Sid: String(input.StatementId),
    Effect: "Allow",
    Principal: principalOf(String(input.Principal)),
    Action: input.Action,
    Resource: resource,
    ...(Object.keys(condition).length ? { Condition: condition } : {}),
  };
}

function principalOf(text: string): unknown {
  if (text === "*") return "*";
  if (/^[\w.-]+\.amazon(aws)?\.com$/.test(text)) return { Service: text };
  if (/^\d{12}$/.test(text)) return { AWS: `arn:aws:iam::${text}:root` };
  if (text.startsWith("arn:")) return { AWS: text };
  throw invalidParameter("The provided principal was invalid. Please check the principal and try again.");
}

export const permissions = operations<typeof Lambda, LambdaState>()({
  AddPermission: {
    permissions: async (input, ctx) => {
      const [base] = await onFunction("AddPermission")(input, ctx);
      return [
        {
          ...base!,
          conditions: { "lambda:Principal": input.Principal, "lambda:FunctionUrlAuthType": input.FunctionUrlAuthType },
        },
      ];
    },
    async run(ctx, input) {
      const { name, qualifier } = parseName(input.FunctionName, input.Qualifier);
      if (qualifier === LATEST) throw invalidParameter("We currently do not support adding policies for $LATEST.");
      if (isAlias(qualifier)) await aliasOf(ctx, name, qualifier!);
      else await versionOf(ctx, name, qualifier);
      if (!/^lambda:([a-zA-Z]+|\*)$|^\*$/.test(String(input.Action)))
        throw invalidParameter(`Action '${input.Action}' is not supported.`);
      const resource = functionArn(ctx, name, qualifier);
      const statement = statementOf(input as Input, resource);
      await changePolicy(ctx, { name, qualifier }, input.RevisionId, (statements) => {
        if (statements.some((s) => s.Sid === statement.Sid)) {
          throw conflict(
            `The statement id (${statement.Sid}) provided already exists. Please provide a new statement id, or remove the existing statement.`,
          );
        }
        return [...statements, statement];
      });
      return { Statement: JSON.stringify(statement) };
    },
  },
  RemovePermission: {
    permissions: onFunction("RemovePermission"),
    async run(ctx, input) {
      const { name, qualifier } = parseName(input.FunctionName, input.Qualifier);
      if (!(await ctx.records.get("function", name)))
        throw resourceNotFound(`No policy found for: ${functionArn(ctx, name)}`);
      if (isAlias(qualifier)) await aliasOf(ctx, name, qualifier!);
      const stored = await ctx.records.get<PolicyRecord>("policy", policyId(name, qualifier));
      if (!stored) throw resourceNotFound("No policy is associated with the given resource.");
      if (!stored.value.statements.some((s) => s.Sid === input.StatementId))
        throw resourceNotFound(`Statement ${input.StatementId} is not found in resource policy.`);
      await changePolicy(ctx, { name, qualifier }, input.RevisionId, (statements) =>
        statements.filter((s) => s.Sid !== input.StatementId),
      );
      return {};
    },
  },
  GetPolicy: {
    permissions: onFunction("GetPolicy"),
    async run(ctx, input) {
      const { name, qualifier } = parseName(input.FunctionName, input.Qualifier);
      const stored = await ctx.records.get<PolicyRecord>("policy", policyId(name, qualifier));
      if (!stored || stored.value.statements.length === 0)
        throw resourceNotFound("The resource you requested does not exist.");
      return { Policy: policyText(stored.value), RevisionId: stored.value.revisionId };
    },
  },
});

const isAlias = (qualifier: string | undefined): boolean =>
  qualifier !== undefined && /^[\w-]+$/.test(qualifier) && !/^\d+$/.test(qualifier);

async function aliasOf(ctx: Ctx, name: string, alias: string): Promise<void> {
  await headOf(ctx, name);
  if (!(await ctx.records.get("alias", `${name}:${alias}`)))
    throw resourceNotFound(`Cannot find alias arn: ${functionArn(ctx, name, alias)}`);
}

type Statements = PolicyRecord["statements"];

/** What a policy belongs to: a function, one of its versions or an alias. Its revision changes with the policy. */
interface Owner {
  readonly revision: string;
  /** Gives it another revision. */
  readonly revise: (revision: string) => Statement;
}

async function ownerOf(ctx: Ctx, name: string, qualifier = LATEST): Promise<Owner> {
  if (isAlias(qualifier)) {
    const stored = await ctx.records.get<AliasRecord>("alias", `${name}:${qualifier}`);
    if (!stored) throw functionNotFound(ctx, name, qualifier);
    const { id, rev, value } = stored;
    const revise = (revisionId: string): Statement => ctx.records.put("alias", id, { ...value, revisionId }, rev);
    return { revision: value.revisionId, revise };
  }
  const stored = await ctx.records.get<FunctionRecord>("version", versionId(name, qualifier));
  if (!stored) throw functionNotFound(ctx, name, qualifier);
  const { id, rev, value } = stored;
  const revise = (shownRevision: string): Statement => ctx.records.put("version", id, { ...value, shownRevision }, rev);
  return { revision: revisionOf(value), revise };
}

/** Changes a policy, which is made at its first statement and removed with its last. */
async function changePolicy(
  ctx: Ctx,
  target: { name: string; qualifier?: string | undefined },
  revisionId: string | undefined,
  change: (statements: Statements) => Statements,
): Promise<void> {
  const id = policyId(target.name, target.qualifier);
  for (let tries = 0; tries < 20; tries++) {
    const stored = await ctx.records.get<PolicyRecord>("policy", id);
    const owner = await ownerOf(ctx, target.name, target.qualifier);
    if (revisionId !== undefined && ![stored?.value.revisionId, owner.revision].includes(revisionId))
      throw staleRevision("GetPolicy");
    const statements = change(stored?.value.statements ?? []);
    const record: PolicyRecord = { revisionId: ctx.platform.ids.uuid(), statements };
    if (JSON.stringify(record).length > MAX_POLICY_BYTES)
      throw new AwsError(
        "PolicyLengthExceededException",
        `The final policy size (${JSON.stringify(record).length}) is bigger than the limit (${MAX_POLICY_BYTES}).`,
        400,
      );
    try {
      await ctx.records.write(
        statements.length
          ? ctx.records.put("policy", id, record, stored?.rev ?? 0)
          : ctx.records.remove("policy", id, stored?.rev),
        owner.revise(record.revisionId),
      );
      return;
    } catch (error) {
      if ((error as Error).name !== "GuardFailed") throw error;
    }
  }
  throw conflict("The policy is being changed by others: try again.");
}
