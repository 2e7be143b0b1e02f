import type { RollbackConfiguration } from "@aws-sdk/client-cloudformation";
import type { Context } from "../../aws/context.ts";
import { AwsError } from "../../kernel/aws-error.ts";
import { GuardFailed, type Statement } from "../../ports/database.ts";
import { stackExists, validation } from "./errors.ts";
import { putRequestEvent } from "./events.ts";
import { NESTING_DEPTH, STACKS } from "./limits.ts";
import {
  stackArn,
  type ChangeSet,
  type OnFailure,
  type Operation,
  type Parent,
  type Revision,
  type Stack,
  type Tag,
} from "./model.ts";
import { inputsOf, loadTemplate, startOperation } from "./store.ts";
import { prepare, type Kept, type Prepared } from "./template/prepare.ts";
import { rollbackTriggers } from "./rollback-triggers.ts";
import { templateText } from "./template/source.ts";
import type { Stored } from "../../aws/records.ts";

/** What the calls that describe a stack have in common. */
export interface StackInput {
  readonly StackName?: string | undefined;
  readonly TemplateBody?: string | undefined;
  readonly TemplateURL?: string | undefined;
  readonly UsePreviousTemplate?: boolean | undefined;
  readonly Parameters?:
    | readonly {
        ParameterKey?: string | undefined;
        ParameterValue?: string | undefined;
        UsePreviousValue?: boolean | undefined;
      }[]
    | undefined;
  readonly Capabilities?: readonly string[] | undefined;
  readonly ResourceTypes?: readonly string[] | undefined;
  readonly NotificationARNs?: readonly string[] | undefined;
  readonly Tags?: readonly { Key?: string | undefined; Value?: string | undefined }[] | undefined;
  readonly RoleARN?: string | undefined;
  readonly RollbackConfiguration?: RollbackConfiguration | undefined;
}

/** A stack that has nothing yet. */
export function newStack(ctx: Context<any>, name: string, parent?: Parent): Stack {
  const uuid = ctx.platform.ids.uuid();
  return {
    uuid,
    arn: stackArn(ctx.region, ctx.account, name, uuid),
    name,
    status: "REVIEW_IN_PROGRESS",
    created: ctx.now(),
    outputs: [],
    disableRollback: false,
    terminationProtection: false,
    ...(parent ? { parent } : {}),
  };
}

/** Reads and checks what a call asks of a stack; `current` is what the stack is now. */
export async function prepareStack(
  ctx: Context<any>,
  stack: Stack,
  input: StackInput,
  mustAcknowledgeTransforms: boolean,
  /** The template that a change set has read, where there was one. */
  read?: string,
): Promise<Prepared> {
  refuseUnsupported(input);
  const current = stack.revision;
  if (input.UsePreviousTemplate && (input.TemplateBody !== undefined || input.TemplateURL !== undefined)) {
    throw validation("You cannot specify both usePreviousTemplate and Template Body or Template URL.");
  }
  const given = read ?? (await templateText(ctx, input.TemplateBody, input.TemplateURL));
  const previous =
    given === undefined && input.UsePreviousTemplate && current
      ? (await loadTemplate(ctx, stack.uuid, current.templateId)).text
      : undefined;
  const text = given ?? previous;
  if (text === undefined) throw validation("Either Template URL or Template Body must be specified.");
  const rollback = rollbackTriggers(input.RollbackConfiguration) ?? current?.rollback;
  const prepared = await prepare(ctx, {
    text,
    parameters: Object.fromEntries((input.Parameters ?? []).map((p) => [String(p.ParameterKey), parameterInput(p)])),
    ...(current ? { previous: inputsOf(ctx, current) } : {}),
    capabilities: input.Capabilities ?? [],
    tags: tagsOf(input.Tags) ?? current?.tags ?? [],
    notificationArns: input.NotificationARNs ?? current?.notificationArns ?? [],
    ...(input.ResourceTypes ? { resourceTypes: input.ResourceTypes } : {}),
    stackName: stack.name,
    stackArn: stack.arn,
    mustAcknowledgeTransforms,
  });
  return rollback ? { ...prepared, revision: { ...prepared.revision, rollback } } : prepared;
}

const parameterInput = (p: NonNullable<StackInput["Parameters"]>[number]) => ({
  ...(p.ParameterValue === undefined ? {} : { value: p.ParameterValue }),
  ...(p.UsePreviousValue ? { usePreviousValue: true } : {}),
});

function tagsOf(tags: StackInput["Tags"]): Tag[] | undefined {
  if (!tags) return undefined;
  const list = tags.map((t) => ({ Key: String(t.Key), Value: String(t.Value ?? "") }));
  if (list.length > 50) throw validation("Tags cannot contain more than 50 items");
  if (new Set(list.map((t) => t.Key)).size !== list.length)
    throw validation("Duplicate tag keys found. Please note that Tag keys are case insensitive.");
  if (list.some((t) => t.Key.toLowerCase().startsWith("aws:")))
    throw validation("Tag keys starting with aws: are reserved for system use");
  return list;
}

function refuseUnsupported({ NotificationARNs }: StackInput): void {
  if (NotificationARNs && NotificationARNs.length > 0)
    throw validation("Starling does not send stack notifications yet: leave NotificationARNs out.");
}

/** Refuses a role that CloudFormation may not assume, before anything is stored. */
export async function checkRole(ctx: Context<any>, roleArn: string | undefined): Promise<void> {
  if (!roleArn) return;
  try {
    await ctx.asRole(roleArn, "AWSCloudFormation");
  } catch (error) {
    if (error instanceof AwsError) throw validation(`Role ${roleArn} is invalid or cannot be assumed`);
    throw error;
  }
}

export interface Start {
  readonly roleArn?: string | undefined;
  readonly onFailure?: OnFailure | undefined;
  readonly timeoutMinutes?: number | undefined;
  readonly token?: string | undefined;
  readonly changeSetArn?: string | undefined;
  readonly imports?: Operation["imports"] | undefined;
  readonly importing?: boolean | undefined;
  readonly children?: Operation["children"] | undefined;
  readonly policyMeanwhile?: string | undefined;
  readonly policyAfter?: string | undefined;
  /** To be written in the same transaction. */
  readonly also?: readonly Statement[] | undefined;
}

function operationOf(
  ctx: Context<any>,
  stack: Stack,
  kind: Operation["kind"],
  start: Start,
  failure?: string,
): Operation {
  const roleArn = start.roleArn ?? stack.roleArn;
  return {
    id: ctx.platform.ids.uuid(),
    stack: stack.uuid,
    kind,
    phase: kind === "delete" ? "remove" : "apply",
    principal: ctx.principal,
    ...(roleArn ? { roleArn } : {}),
    started: ctx.now(),
    ...(start.timeoutMinutes ? { deadline: ctx.now() + start.timeoutMinutes * 60_000 } : {}),
    onFailure: start.onFailure ?? "ROLLBACK",
    spare: [],
    ...(start.token ? { token: start.token } : {}),
    ...(start.imports ? { imports: start.imports } : {}),
    ...(start.importing ? { importing: true } : {}),
    ...(start.children ? { children: start.children } : {}),
    ...(start.policyMeanwhile ? { policyMeanwhile: start.policyMeanwhile } : {}),
    ...(start.policyAfter ? { policyAfter: start.policyAfter } : {}),
    ...(failure ? { untransformed: failure } : {}),
  };
}

/** Starts the creation of a stack: new, or one that is under review (`rev` is then its revision). */
export async function startCreate(
  ctx: Context<any>,
  stack: Stack,
  prepared: Pick<Kept, "revision"> & Partial<Kept>,
  start: Start,
  rev = 0,
): Promise<Stack> {
  if ((stack.parent?.depth ?? 0) > NESTING_DEPTH)
    throw validation(`Stacks can be nested ${NESTING_DEPTH} levels deep.`);
  const { records } = ctx;
  if (rev === 0 && (await records.count("stack-name")) >= STACKS)
    throw new AwsError("LimitExceededException", `Limit for stack has been exceeded: ${STACKS}`, 400);
  const operation = operationOf(ctx, stack, "create", start, prepared.failure);
  const next: Stack = {
    ...stack,
    status: start.importing ? "IMPORT_IN_PROGRESS" : "CREATE_IN_PROGRESS",
    reason: "User Initiated",
    revision: prepared.revision,
    ...(start.roleArn ? { roleArn: start.roleArn } : {}),
    ...(start.changeSetArn ? { changeSetArn: start.changeSetArn, updated: ctx.now() } : {}),
    ...(start.timeoutMinutes ? { timeoutMinutes: start.timeoutMinutes } : {}),
    ...(start.token ? { token: start.token } : {}),
    disableRollback: start.onFailure === "DO_NOTHING",
    operation: operation.id,
  };
  const named = rev === 0 ? [records.put("stack-name", stack.name, { uuid: stack.uuid }, 0)] : [];
  const template = prepared.stored
    ? [records.put("template", `${stack.uuid}/${prepared.revision.templateId}`, prepared.stored)]
    : [];
  try {
    await records.write(
      named,
      template,
      await putRequestEvent(ctx, next, next.status, "User Initiated", start.token),
      startOperation(ctx, next, rev, operation),
      start.also ?? [],
    );
  } catch (error) {
    if (error instanceof GuardFailed) throw stackExists(stack.name);
    throw error;
  }
  return next;
}

const UPDATABLE = new Set([
  "CREATE_COMPLETE",
  "UPDATE_COMPLETE",
  "UPDATE_ROLLBACK_COMPLETE",
  "IMPORT_COMPLETE",
  "IMPORT_ROLLBACK_COMPLETE",
  "UPDATE_FAILED",
  "CREATE_FAILED",
]);

/** Refuses an update of a stack that is in no state for it. */
export function checkUpdatable(stack: Stack): void {
  if (!stack.revision || !UPDATABLE.has(stack.status))
    throw validation(`Stack:${stack.arn} is in ${stack.status} state and can not be updated.`);
}

/** Starts the update of a stack. */
export async function startUpdate(
  ctx: Context<any>,
  { value: stack, rev }: Stored<Stack>,
  prepared: Pick<Kept, "revision"> & Partial<Kept>,
  start: Start,
): Promise<Stack> {
  checkUpdatable(stack);
  const operation: Operation = {
    ...operationOf(ctx, stack, "update", start, prepared.failure),
    former: stack.revision!,
    ...(stack.status === "CREATE_FAILED" || stack.status === "UPDATE_FAILED" ? { overFailure: true } : {}),
    ...(stack.roleArn ? { formerRole: stack.roleArn } : {}),
  };
  const next: Stack = {
    ...stack,
    status: start.importing ? "IMPORT_IN_PROGRESS" : "UPDATE_IN_PROGRESS",
    reason: "User Initiated",
    updated: ctx.now(),
    revision: prepared.revision,
    ...(start.roleArn ? { roleArn: start.roleArn } : {}),
    ...(start.changeSetArn ? { changeSetArn: start.changeSetArn } : {}),
    ...(start.token ? { token: start.token } : {}),
    disableRollback: start.onFailure === "DO_NOTHING",
  };
  const template = prepared.stored
    ? [ctx.records.put("template", `${stack.uuid}/${prepared.revision.templateId}`, prepared.stored)]
    : [];
  const unused = await unusedTemplates(ctx, stack, prepared.revision);
  await guarded(stack, async () =>
    ctx.records.write(
      template,
      unused,
      await putRequestEvent(ctx, next, next.status, "User Initiated", start.token),
      startOperation(ctx, next, rev, operation),
      start.also ?? [],
    ),
  );
  return { ...next, operation: operation.id };
}

/** Statements that forget the templates that neither the stack as it is or is to be nor a change set has. */
async function unusedTemplates(ctx: Context<any>, stack: Stack, next: Revision): Promise<Statement[]> {
  const prefix = `${stack.uuid}/`;
  const sets = await ctx.records.list<ChangeSet>("change-set", { prefix });
  const used = new Set([stack.revision?.templateId, next.templateId, ...sets.map((s) => s.value.revision?.templateId)]);
  const rows = await ctx.records.list("template", { prefix });
  return rows.filter((r) => !used.has(r.id.slice(prefix.length))).map((r) => ctx.records.remove("template", r.id));
}

/** Somebody else started an operation of the stack in between. */
async function guarded(stack: Stack, write: () => Promise<void>): Promise<void> {
  try {
    await write();
  } catch (error) {
    if (error instanceof GuardFailed)
      throw validation(`Stack:${stack.arn} is in UPDATE_IN_PROGRESS state and can not be updated.`);
    throw error;
  }
}

/** Starts the deletion of a stack. */
export async function startDelete(
  ctx: Context<any>,
  { value: stack, rev }: Stored<Stack>,
  start: Start & { spare?: readonly string[] | undefined; force?: boolean },
): Promise<Stack> {
  const operation: Operation = {
    ...operationOf(ctx, stack, "delete", start),
    spare: start.spare ?? [],
    ...(start.force ? { force: true } : {}),
  };
  const next: Stack = {
    ...stack,
    status: "DELETE_IN_PROGRESS",
    removing: ctx.now(),
    reason: "User Initiated",
    ...(start.roleArn ? { roleArn: start.roleArn } : {}),
    ...(start.token ? { token: start.token } : {}),
  };
  await guarded(stack, async () =>
    ctx.records.write(
      await putRequestEvent(ctx, next, next.status, "User Initiated", start.token),
      startOperation(ctx, next, rev, operation),
    ),
  );
  return { ...next, operation: operation.id };
}
