import type * as CloudFormation from "@aws-sdk/client-cloudformation";
import type { Context } from "../../../aws/context.ts";
import type { OperationInput } from "../../../aws/sdk-types.ts";
import { AwsError } from "../../../kernel/aws-error.ts";
import { GuardFailed, type Statement } from "../../../ports/database.ts";
import { difference, type Difference } from "../difference.ts";
import { noStack, validation } from "../errors.ts";
import { IMPORTED_RESOURCES } from "../limits.ts";
import { changeSetArn, type ChangeSet, type OnFailure, type Stack } from "../model.ts";
import { checkRole, checkUpdatable, newStack, prepareStack } from "../start-stack.ts";
import { findStack, seal } from "../store.ts";
import type { Prepared } from "../template/prepare.ts";
import { existingResources, importsOf, type Imports } from "./imports.ts";
import { unusedChildren } from "./forget.ts";
import { kept } from "./kept.ts";
import { planNested } from "./nested.ts";
import { requireChangeSet } from "./require.ts";
import type { KeptChange } from "./shown.ts";
import { underReview } from "./under-review.ts";

const NO_CHANGES =
  "The submitted information didn't contain changes. Submit different information to create a change set.";
const NO_UPDATES = "No updates are to be performed.";

export type CreateInput = OperationInput<typeof CloudFormation, "CreateChangeSet">;

/** Computes and keeps what a stack would become. */
export async function createChangeSet(ctx: Context<any>, input: CreateInput) {
  const type = input.ChangeSetType ?? "UPDATE";
  checkSettings(input, type);
  const { stack, rev } = await targetStack(ctx, input, type);
  const name = String(input.ChangeSetName);
  const id = `${stack.uuid}/${name}`;
  const stored = rev === 0 ? undefined : await ctx.records.get<ChangeSet>("change-set", id);
  const there = stored?.value;
  if (there && input.ClientToken && there.token === input.ClientToken) return { Id: there.arn, StackId: stack.arn };
  // The name of a change set that was executed is free again.
  if (there && there.executionStatus !== "EXECUTE_COMPLETE") {
    throw new AwsError(
      "AlreadyExistsException",
      `ChangeSet ${name} cannot be created due to a mismatch with existing attribute ChangeSetType, or a change set of this name exists already.`,
      400,
    );
  }
  const uuid = ctx.platform.ids.uuid();
  const base = {
    uuid,
    arn: changeSetArn(ctx.region, ctx.account, name, uuid),
    name,
    stack: stack.uuid,
    type,
    ...(input.IncludeNestedStacks ? { nested: true } : {}),
    ...(input.ImportExistingResources === undefined ? {} : { importExisting: input.ImportExistingResources }),
    ...(input.Description === undefined ? {} : { description: input.Description }),
    created: ctx.now(),
    ...(input.RoleARN ? { roleArn: input.RoleARN } : {}),
    ...(onFailureOf(input.OnStackFailure) ? { onFailure: onFailureOf(input.OnStackFailure)! } : {}),
    ...(input.ClientToken ? { token: input.ClientToken } : {}),
  };
  const { set, prepared, more = [] } = await fill(ctx, stack, input, base);
  const statements = [
    ...(rev === 0 ? await underReview(ctx, stack, input.ClientToken) : []),
    ...(prepared && set.revision
      ? [ctx.records.put("template", `${stack.uuid}/${prepared.revision.templateId}`, prepared.stored)]
      : []),
    ...(await unusedChildren(ctx, there?.children)),
    ctx.records.put("change-set", id, set, stored?.rev ?? 0),
    ...more,
  ];
  try {
    await ctx.records.write(statements);
  } catch (error) {
    if (error instanceof GuardFailed)
      throw new AwsError(
        "AlreadyExistsException",
        `ChangeSet ${name} or its stack was made by somebody else at the same time.`,
        400,
      );
    throw error;
  }
  return { Id: set.arn, StackId: stack.arn };
}

const onFailureOf = (value: string | undefined): OnFailure | undefined => value as OnFailure | undefined;

/** The stack that a change set is for: of type CREATE a new one or one under review, of type UPDATE one that is there. */
async function targetStack(
  ctx: Context<any>,
  input: CreateInput,
  type: string,
): Promise<{ stack: Stack; rev: number }> {
  const name = String(input.StackName);
  const found = await findStack(ctx, name);
  if (type === "CREATE" || (type === "IMPORT" && (!found || found.value.status === "REVIEW_IN_PROGRESS"))) {
    if (found && found.value.status !== "REVIEW_IN_PROGRESS") {
      throw validation(
        `Stack [${name}] already exists and cannot be created again with the changeSet [${input.ChangeSetName}].`,
      );
    }
    if (found) return { stack: found.value, rev: found.rev };
    if (name.startsWith("arn:")) throw noStack(name);
    return { stack: newStack(ctx, name), rev: 0 };
  }
  if (!found) throw noStack(name);
  checkUpdatable(found.value);
  return { stack: found.value, rev: found.rev };
}

interface Filled {
  readonly set: ChangeSet;
  readonly prepared?: Prepared;
  /** The change sets of nested stacks. */
  readonly more?: readonly Statement[];
}

function checkSettings(input: CreateInput, type: string): void {
  const given = input.ResourcesToImport?.length ?? 0;
  if (type === "IMPORT" && given === 0)
    throw validation("ResourcesToImport must be specified for a change set of type IMPORT.");
  if (type !== "IMPORT" && given > 0)
    throw validation("ResourcesToImport can be specified only for a change set of type IMPORT.");
  if (given > IMPORTED_RESOURCES)
    throw validation(`ResourcesToImport may have ${IMPORTED_RESOURCES} resources at most.`);
  if (type === "IMPORT" && input.IncludeNestedStacks)
    throw validation("IncludeNestedStacks cannot be used with a change set of type IMPORT.");
}

type Base = Omit<ChangeSet, "status" | "executionStatus" | "changes">;

/** Computes what the change set would do. What a transform or its values make impossible is the change set's failure. */
async function fill(ctx: Context<any>, stack: Stack, input: CreateInput, base: Base): Promise<Filled> {
  const failed = (reason: string, made?: Prepared): Filled & { set: ChangeSet } => ({
    set: {
      ...base,
      status: "FAILED",
      reason,
      executionStatus: "UNAVAILABLE",
      changes: seal(ctx, []),
      ...(made ? { revision: made.revision } : {}),
    },
    ...(made ? { prepared: made } : {}),
  });
  await checkRole(ctx, input.RoleARN ?? stack.roleArn);
  let prepared: Prepared;
  let found: Difference;
  try {
    prepared = await prepareStack(ctx, stack, input, false);
    found = await difference(ctx, stack, prepared);
  } catch (error) {
    if (
      error instanceof AwsError &&
      /^(Transform |No transform |Received malformed response from transform )/.test(error.message)
    )
      return failed(error.message);
    if (error instanceof Error && error.name === "TemplateError") throw validation(error.message);
    throw error;
  }
  await requireTransforms(ctx, prepared);
  const noChanges = prepared.stored.transforms.length > 0 ? NO_UPDATES : NO_CHANGES;
  if (input.IncludeNestedStacks) {
    const { revision } = prepared;
    const nested = await planNested(ctx, { stack, revision, set: base, found });
    if (!found.any || (found.nestedOnly && nested.changes.length === 0)) return failed(noChanges, prepared);
    const { changes, children, statements: more } = nested;
    if (nested.failure) return { set: { ...failed(nested.failure).set, changes: seal(ctx, changes), children }, more };
    return { set: { ...complete(ctx, base, prepared, changes), children }, prepared, more };
  }
  if (!found.any) return failed(noChanges, prepared);
  const imports = await wantedImports(ctx, input, found);
  const set = complete(ctx, base, prepared, kept(found, imports));
  return { set: Object.keys(imports).length > 0 ? { ...set, imports } : set, prepared };
}

const complete = (ctx: Context<any>, base: Base, prepared: Prepared, changes: readonly KeptChange[]): ChangeSet => ({
  ...base,
  status: "CREATE_COMPLETE",
  executionStatus: "AVAILABLE",
  revision: prepared.revision,
  changes: seal(ctx, changes),
});

async function wantedImports(ctx: Context<any>, input: CreateInput, found: Difference): Promise<Imports> {
  if (input.ChangeSetType === "IMPORT") return importsOf(ctx, found, input.ResourcesToImport ?? []);
  return input.ImportExistingResources ? existingResources(ctx, found) : {};
}

/** AWS asks for the permission to use each transform. */
async function requireTransforms(ctx: Context<any>, { stored }: Prepared): Promise<void> {
  for (const transform of stored.transforms) {
    const [owner, name] = transform.startsWith("AWS::") ? ["aws", transform.slice(5)] : [ctx.account, transform];
    await requireChangeSet(ctx, `arn:aws:cloudformation:${ctx.region}:${owner}:transform/${name}`);
  }
}
