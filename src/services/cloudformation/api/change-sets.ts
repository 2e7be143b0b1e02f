import type * as CloudFormation from "@aws-sdk/client-cloudformation";
import type { Context } from "../../../aws/context.ts";
import type { Stored } from "../../../aws/records.ts";
import type { OperationInput } from "../../../aws/sdk-types.ts";
import { operations, type Permission } from "../../../aws/service.ts";
import { isAllowed } from "../../../aws/authorize.ts";
import { AwsError, notImplemented } from "../../../kernel/aws-error.ts";
import { GuardFailed } from "../../../ports/database.ts";
import { resolveProperties, type ResourceChange } from "../../../engines/cloudformation/index.ts";
import { onStack } from "../access.ts";
import { changeSetOf } from "../change-set-store.ts";
import { invalidChangeSet, noStack, validation } from "../errors.ts";
import { putRequestEvent } from "../events.ts";
import { changeSetArn, isInProgress, type ChangeSet, type OnFailure, type Stack } from "../model.ts";
import { settle } from "../settle.ts";
import { checkUpdateAllowed } from "../stack-policy.ts";
import { difference, type Difference } from "../difference.ts";
import { checkRole, checkUpdatable, newStack, prepareStack, startCreate, startUpdate } from "../start-stack.ts";
import { existingStack, findStack, seal, unseal } from "../store.ts";
import { parametersView } from "../views.ts";
import type { Prepared } from "../template/prepare.ts";

const NO_CHANGES =
  "The submitted information didn't contain changes. Submit different information to create a change set.";
const NO_UPDATES = "No updates are to be performed.";
const PAGE = 100;

type CreateInput = OperationInput<typeof CloudFormation, "CreateChangeSet">;

/** One change with the properties before and after, as it is kept. */
interface KeptChange extends ResourceChange {
  readonly physicalId?: string;
  readonly before?: unknown;
  readonly after?: unknown;
}

export const changeSets = operations<typeof CloudFormation, any>()({
  CreateChangeSet: {
    permissions: async (input, ctx) => [...(await onStack("CreateChangeSet")(input, ctx)), ...importTypes(input)],
    run: (ctx, input) => createChangeSet(ctx, input),
  },
  DescribeChangeSet: {
    permissions: onStack("DescribeChangeSet"),
    async run(ctx, input) {
      const { value: set } = await changeSetOf(ctx, input.StackName, String(input.ChangeSetName));
      const stack = (await ctx.records.get<Stack>("stack", set.stack))!.value;
      const all = unseal<KeptChange[]>(ctx, set.changes);
      const from = Number(input.NextToken ?? 0) || 0;
      const page = all.slice(from, from + PAGE);
      return {
        ...headOf(set, stack),
        ...(set.revision ? parametersView(ctx, { revision: set.revision }) : {}),
        NotificationARNs: [...(set.revision?.notificationArns ?? [])],
        RollbackConfiguration: {},
        Capabilities: [...(set.revision?.capabilities ?? [])] as never[],
        Tags: (set.revision?.tags ?? []).map((t) => ({ ...t })),
        Changes: page.map((c) => ({
          Type: "Resource" as const,
          ResourceChange: changeView(c, input.IncludePropertyValues === true),
        })),
        ...(all.length > from + PAGE ? { NextToken: String(from + PAGE) } : {}),
      };
    },
  },
  ListChangeSets: {
    permissions: onStack("ListChangeSets"),
    async run(ctx, input) {
      const { value: stack } = await existingStack(ctx, String(input.StackName), noStack);
      const rows = await ctx.records.list<ChangeSet>("change-set", { prefix: `${stack.uuid}/` });
      return { Summaries: rows.map(({ value }) => headOf(value, stack)) };
    },
  },
  DeleteChangeSet: {
    permissions: onStack("DeleteChangeSet"),
    async run(ctx, input) {
      let found: Stored<ChangeSet>;
      try {
        found = await changeSetOf(ctx, input.StackName, String(input.ChangeSetName));
      } catch (error) {
        if (
          error instanceof AwsError &&
          error.code === "ChangeSetNotFound" &&
          !String(input.ChangeSetName).startsWith("arn:")
        )
          return {};
        throw error;
      }
      const { value: set } = found;
      if (set.executionStatus === "EXECUTE_IN_PROGRESS")
        throw invalidChangeSet(
          `ChangeSet [${set.arn}] cannot be deleted in its current execution status of [EXECUTE_IN_PROGRESS]`,
        );
      const template =
        set.revision && set.executionStatus !== "EXECUTE_COMPLETE"
          ? [ctx.records.remove("template", `${set.stack}/${set.revision.templateId}`)]
          : [];
      await ctx.records.write([ctx.records.remove("change-set", found.id), ...template]);
      return {};
    },
  },
  ExecuteChangeSet: {
    permissions: onStack("ExecuteChangeSet"),
    async run(ctx, input) {
      const found = await changeSetOf(ctx, input.StackName, String(input.ChangeSetName));
      const uuid = await execute(ctx, found, input);
      await settle(ctx, uuid);
      return {};
    },
  },
});

const importTypes = (input: CreateInput): Permission[] => {
  const types = (input.ResourcesToImport ?? []).map((r) => String(r.ResourceType));
  if (types.length === 0) return [];
  return [
    {
      action: "cloudformation:CreateChangeSet",
      resource: "*",
      conditions: { "cloudformation:ImportResourceTypes": types },
    },
  ];
};

async function createChangeSet(ctx: Context<any>, input: CreateInput) {
  const type = input.ChangeSetType ?? "UPDATE";
  // ImportExistingResources asks to adopt what exists already: nothing is adopted, so such a creation fails as without it.
  if (type === "IMPORT" || input.ResourcesToImport?.length) {
    throw validation(
      "Starling does not import existing resources into stacks yet: use a change set of type CREATE or UPDATE.",
    );
  }
  const { stack, rev } = await targetStack(ctx, input, type);
  const name = String(input.ChangeSetName);
  const id = `${stack.uuid}/${name}`;
  const there = rev === 0 ? undefined : (await ctx.records.get<ChangeSet>("change-set", id))?.value;
  if (there) {
    if (input.ClientToken && there.token === input.ClientToken) return { Id: there.arn, StackId: stack.arn };
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
    type: type as "CREATE" | "UPDATE",
    ...(input.Description === undefined ? {} : { description: input.Description }),
    created: ctx.now(),
    ...(input.RoleARN ? { roleArn: input.RoleARN } : {}),
    ...(onFailureOf(input.OnStackFailure) ? { onFailure: onFailureOf(input.OnStackFailure)! } : {}),
    ...(input.ClientToken ? { token: input.ClientToken } : {}),
  };
  const fresh: Stack = type === "CREATE" && rev === 0 ? { ...stack, reason: "User Initiated" } : stack;
  const { set, prepared } = await fill(ctx, fresh, input, base);
  const statements = [
    ...(rev === 0
      ? [
          ctx.records.put("stack-name", stack.name, { uuid: stack.uuid }, 0),
          ctx.records.put("stack", stack.uuid, fresh, 0),
          ...(await putRequestEvent(ctx, fresh, "REVIEW_IN_PROGRESS", "User Initiated", input.ClientToken)),
        ]
      : []),
    ...(prepared && set.status === "CREATE_COMPLETE"
      ? [ctx.records.put("template", `${stack.uuid}/${prepared.revision.templateId}`, prepared.stored)]
      : []),
    ctx.records.put("change-set", id, set, 0),
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
  if (type === "CREATE") {
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

type Base = Omit<ChangeSet, "status" | "executionStatus" | "changes">;

/** Computes what the change set would do. What a transform or its values make impossible is the change set's failure. */
async function fill(
  ctx: Context<any>,
  stack: Stack,
  input: CreateInput,
  base: Base,
): Promise<{ set: ChangeSet; prepared?: Prepared }> {
  const failed = (reason: string, revision?: Prepared["revision"]): { set: ChangeSet } => ({
    set: {
      ...base,
      status: "FAILED",
      reason,
      executionStatus: "UNAVAILABLE",
      changes: seal(ctx, []),
      ...(revision ? { revision } : {}),
    },
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
  const nested = Object.values(prepared.template.resources).some((r) => r.type === "AWS::CloudFormation::Stack");
  if (input.IncludeNestedStacks && nested)
    throw notImplemented("change sets of nested stacks (leave IncludeNestedStacks out)");
  if (!found.any) return failed(prepared.stored.transforms.length > 0 ? NO_UPDATES : NO_CHANGES);
  const set: ChangeSet = {
    ...base,
    status: "CREATE_COMPLETE",
    executionStatus: "AVAILABLE",
    revision: prepared.revision,
    changes: seal(ctx, kept(found)),
  };
  return { set, prepared };
}

/** AWS asks for the permission to use each transform. */
async function requireTransforms(ctx: Context<any>, { stored }: Prepared): Promise<void> {
  for (const transform of stored.transforms) {
    const [owner, name] = transform.startsWith("AWS::") ? ["aws", transform.slice(5)] : [ctx.account, transform];
    const permission = {
      action: "cloudformation:CreateChangeSet",
      resource: `arn:aws:cloudformation:${ctx.region}:${owner}:transform/${name}`,
    };
    if (await isAllowed(ctx, permission)) continue;
    const who = "arn" in ctx.principal ? ctx.principal.arn : ctx.principal.kind;
    throw new AwsError(
      "AccessDenied",
      `User: ${who} is not authorized to perform: ${permission.action} on resource: ${permission.resource}`,
      403,
    );
  }
}

function kept({ changes, before, after, resources }: Difference): KeptChange[] {
  return changes.map((change) => {
    const was = before?.template.resources[change.logicalId];
    const is = after.template.resources[change.logicalId];
    const physicalId = resources.get(change.logicalId)?.physicalId;
    return {
      ...change,
      ...(physicalId === undefined || change.action === "Add" ? {} : { physicalId }),
      ...(was && before && change.action !== "Add"
        ? { before: { Properties: resolveProperties(was.properties, before.scope) } }
        : {}),
      ...(is && change.action !== "Remove"
        ? { after: { Properties: resolveProperties(is.properties, after.scope) } }
        : {}),
    };
  });
}

function changeView(change: KeptChange, withValues: boolean) {
  const { action, logicalId, type, replacement, scope, details, physicalId, before, after } = change;
  return {
    Action: action,
    LogicalResourceId: logicalId,
    ...(physicalId === undefined ? {} : { PhysicalResourceId: physicalId }),
    ResourceType: type,
    ...(replacement ? { Replacement: replacement } : {}),
    Scope: [...scope] as never[],
    Details: details.map((d) => ({
      Target: {
        Attribute: d.target.attribute as never,
        ...(d.target.name ? { Name: d.target.name } : {}),
        RequiresRecreation: d.target.requiresRecreation,
      },
      Evaluation: d.evaluation,
      ChangeSource: d.changeSource,
      ...(d.causingEntity ? { CausingEntity: d.causingEntity } : {}),
    })),
    ...(withValues && before ? { BeforeContext: JSON.stringify(before) } : {}),
    ...(withValues && after ? { AfterContext: JSON.stringify(after) } : {}),
  };
}

function headOf(set: ChangeSet, stack: Stack) {
  return {
    ChangeSetName: set.name,
    ChangeSetId: set.arn,
    StackId: stack.arn,
    StackName: stack.name,
    ...(set.description === undefined ? {} : { Description: set.description }),
    CreationTime: new Date(set.created),
    ExecutionStatus: set.executionStatus,
    Status: set.status,
    ...(set.reason ? { StatusReason: set.reason } : {}),
    IncludeNestedStacks: false,
  };
}

interface ExecuteInput {
  readonly ClientRequestToken?: string | undefined;
  readonly DisableRollback?: boolean | undefined;
}

/** Starts what a change set describes; the stack's other change sets are gone then, as they describe a stack that was. */
async function execute(
  ctx: Context<any>,
  { value: set, id, rev: setRev }: Stored<ChangeSet>,
  input: ExecuteInput,
): Promise<string> {
  const found = (await ctx.records.get<Stack>("stack", set.stack))!;
  const stack = found.value;
  if (input.ClientRequestToken && stack.token === input.ClientRequestToken && stack.changeSetArn === set.arn)
    return stack.uuid;
  if (set.status !== "CREATE_COMPLETE" || set.executionStatus !== "AVAILABLE" || !set.revision) {
    throw invalidChangeSet(
      `ChangeSet [${set.arn}] cannot be executed in its current status of [${set.status === "FAILED" ? "FAILED" : set.executionStatus}]`,
    );
  }
  if (isInProgress(stack.status))
    throw validation(`Stack:${stack.arn} is in ${stack.status} state and can not be updated.`);
  const onFailure = input.DisableRollback ? ("DO_NOTHING" as const) : set.onFailure;
  const others = (await ctx.records.list<ChangeSet>("change-set", { prefix: `${stack.uuid}/` })).filter(
    (c) => c.id !== id,
  );
  const also = [
    ctx.records.put("change-set", id, { ...set, executionStatus: "EXECUTE_COMPLETE" } satisfies ChangeSet, setRev),
    ...others.map((c) => ctx.records.remove("change-set", c.id)),
  ];
  const start = { roleArn: set.roleArn, onFailure, token: input.ClientRequestToken, changeSetArn: set.arn, also };
  const prepared = { revision: set.revision };
  if (stack.revision) {
    checkUpdateAllowed(stack.policy, unseal<KeptChange[]>(ctx, set.changes));
    await startUpdate(ctx, found, prepared, start);
  } else await startCreate(ctx, stack, prepared, start, found.rev);
  return stack.uuid;
}
