import type { Context } from "../../../aws/context.ts";
import { activeResources, resolveProperties } from "../../../engines/cloudformation/index.ts";
import type { JsonObject } from "../../../engines/yaml/index.ts";
import { AwsError } from "../../../kernel/aws-error.ts";
import type { Statement } from "../../../ports/database.ts";
import { difference, type Difference } from "../difference.ts";
import { validation } from "../errors.ts";
import { NESTING_DEPTH, NESTED_CHANGE_SETS } from "../limits.ts";
import { changeSetArn, type ChangeSet, type Parent, type Revision, type Stack } from "../model.ts";
import { nestedInput } from "../nested-input.ts";
import { newStack, prepareStack } from "../start-stack.ts";
import { findStack, seal } from "../store.ts";
import type { Prepared } from "../template/prepare.ts";
import { kept } from "./kept.ts";
import { requireChangeSet } from "./require.ts";
import type { KeptChange } from "./shown.ts";
import { underReview } from "./under-review.ts";

const STACK = "AWS::CloudFormation::Stack";

/** A change set that is being made, with what it is compared from. */
export interface Owner {
  readonly stack: Stack;
  readonly revision: Revision;
  readonly set: Pick<ChangeSet, "arn" | "name" | "rootId" | "onFailure">;
  readonly found: Difference;
}

/** The change sets of the stacks within a stack, and what is to be written with them. */
export interface Nested {
  readonly changes: readonly KeptChange[];
  readonly children: Readonly<Record<string, string>>;
  readonly statements: readonly Statement[];
  /** Why the change set fails. */
  readonly failure?: string;
}

/** Makes the change sets of all stacks within a stack, at any depth. */
export async function planNested(ctx: Context<any>, owner: Owner, made = { count: 0 }): Promise<Nested> {
  const changes = new Map(kept(owner.found, {}).map((change) => [change.logicalId, change]));
  const children: Record<string, string> = {};
  const statements: Statement[] = [];
  let failure: string | undefined;
  for (const [logicalId, declared] of activeResources(owner.found.after)) {
    if (declared.type !== STACK) continue;
    if (++made.count > NESTED_CHANGE_SETS)
      throw validation(`A change set may cover ${NESTED_CHANGE_SETS} nested stacks at most.`);
    const properties = resolveProperties(declared.properties, owner.found.after.scope);
    const child = await planChild(ctx, owner, logicalId, properties, made);
    if (!child) continue;
    statements.push(...child.statements);
    children[logicalId] = `${child.set.stack}/${child.set.name}`;
    const before = changes.get(logicalId) ?? untouched(owner.found, logicalId);
    changes.set(logicalId, { ...before, changeSetId: child.set.arn });
    if (child.set.status === "FAILED")
      failure ??= `Nested change set ${child.set.arn} was not successfully created: Currently in FAILED.`;
  }
  return { changes: [...changes.values()], children, statements, ...(failure === undefined ? {} : { failure }) };
}

/** The change of a nested stack that changes only within. */
function untouched({ resources }: Difference, logicalId: string): KeptChange {
  const physicalId = resources.get(logicalId)?.physicalId;
  return {
    action: "Modify",
    logicalId,
    type: STACK,
    replacement: "False",
    scope: ["Properties"],
    details: [
      {
        target: { attribute: "Properties", requiresRecreation: "Never" },
        evaluation: "Dynamic",
        changeSource: "Automatic",
      },
    ],
    ...(physicalId === undefined ? {} : { physicalId }),
  };
}

interface Child {
  readonly set: ChangeSet;
  readonly statements: readonly Statement[];
}

async function planChild(
  ctx: Context<any>,
  owner: Owner,
  logicalId: string,
  properties: JsonObject,
  made: { count: number },
): Promise<Child | undefined> {
  const { stack: above, set } = owner;
  const parent: Parent = {
    parentId: above.arn,
    rootId: above.parent?.rootId ?? above.arn,
    depth: (above.parent?.depth ?? 0) + 1,
  };
  if (parent.depth > NESTING_DEPTH) throw validation(`Stacks can be nested ${NESTING_DEPTH} levels deep.`);
  const physicalId = owner.found.resources.get(logicalId)?.state?.physicalId;
  const existing = physicalId === undefined ? undefined : (await findStack(ctx, physicalId))?.value;
  const stack = existing ?? newStack(ctx, nameOf(ctx, above.name, logicalId), parent);
  await requireChangeSet(ctx, stack.arn);
  const base = headOfChild(ctx, set, nameOf(ctx, set.name, logicalId), stack, existing ? "UPDATE" : "CREATE");
  const review = existing ? [] : await underReview(ctx, stack);
  const write = (made: ChangeSet, more: readonly Statement[] = []): Child => ({
    set: made,
    statements: [...review, ...more, ctx.records.put("change-set", `${stack.uuid}/${base.name}`, made, 0)],
  });
  const tags = Object.fromEntries(owner.revision.tags.map((t) => [t.Key, t.Value]));
  const input = nestedInput(tags, { ...above, revision: owner.revision }, stack.arn, properties);
  let prepared: Prepared;
  let found: Difference;
  try {
    prepared = await prepareStack(ctx, stack, input, false);
    found = await difference(ctx, stack, prepared);
  } catch (error) {
    if (!(error instanceof AwsError || (error instanceof Error && error.name === "TemplateError"))) throw error;
    // What another resource is yet to give may be what is missing: only the deployment can tell.
    if (JSON.stringify(properties).includes("{{changeSet:")) return undefined;
    const failed = { status: "FAILED", executionStatus: "UNAVAILABLE", changes: seal(ctx, []) } as const;
    return write({ ...base, ...failed, reason: error.message });
  }
  const below = await planNested(ctx, { stack, revision: prepared.revision, set: base, found }, made);
  if (!found.any || (found.nestedOnly && below.changes.length === 0)) return undefined;
  const whole: ChangeSet = {
    ...base,
    ...(below.failure === undefined
      ? { status: "CREATE_COMPLETE" as const, executionStatus: "AVAILABLE" as const }
      : { status: "FAILED" as const, executionStatus: "UNAVAILABLE" as const, reason: below.failure }),
    revision: prepared.revision,
    changes: seal(ctx, below.changes),
    children: below.children,
  };
  const template = ctx.records.put("template", `${stack.uuid}/${prepared.revision.templateId}`, prepared.stored);
  return write(whole, [template, ...below.statements]);
}

/** A name of a nested stack, or of its change set. */
const nameOf = (ctx: Context<any>, above: string, logicalId: string): string =>
  `${above.slice(0, 60)}-${logicalId.slice(0, 50)}-${ctx.platform.ids.text(12).toUpperCase()}`;

function headOfChild(
  ctx: Context<any>,
  above: Owner["set"],
  name: string,
  stack: Stack,
  type: "CREATE" | "UPDATE",
): Omit<ChangeSet, "status" | "executionStatus" | "changes"> {
  const uuid = ctx.platform.ids.uuid();
  return {
    uuid,
    arn: changeSetArn(ctx.region, ctx.account, name, uuid),
    name,
    stack: stack.uuid,
    type,
    nested: true,
    parentId: above.arn,
    rootId: above.rootId ?? above.arn,
    created: ctx.now(),
    ...(above.onFailure === undefined ? {} : { onFailure: above.onFailure }),
  };
}
