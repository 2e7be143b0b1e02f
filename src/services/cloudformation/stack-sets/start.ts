import type { Context } from "../../../aws/context.ts";
import { AwsError } from "../../../kernel/aws-error.ts";
import { GuardFailed, type Statement } from "../../../ports/database.ts";
import { validation } from "../errors.ts";
import { OPEN_OPERATIONS, STACK_INSTANCES } from "../limits.ts";
import {
  operationExists,
  operationInProgress,
  type ParameterValue,
  type SetOperation,
  type StackInstance,
  type StackSet,
  type Target,
} from "./model.ts";
import { openOperations, openParameters, OPERATIONS, putInstance, sealParameters, stackSetOf, TURNS } from "./store.ts";

export const STACK_SET_TOPIC = "cloudformation-stack-sets";

/** What tells a worker to go on with an operation of a set. */
export interface SetOperationMessage {
  readonly set: string;
  readonly operation: string;
  /** Which pause of the operation it ends; missing for the first message. */
  readonly looks?: number;
}

/** Statements that let a worker go on with an operation, once for each of its pauses. */
export function resumeSetOperation(ctx: Context<any>, operation: SetOperation, delayMs = 0): Statement[] {
  const { set, id, looks } = operation;
  const message: SetOperationMessage = { set, operation: id, ...(looks === undefined ? {} : { looks }) };
  return ctx.enqueue(STACK_SET_TOPIC, message, { delayMs, token: `${set}/${id}/${looks ?? 0}` });
}

interface Places {
  readonly Accounts?: readonly string[] | undefined;
  readonly Regions?: readonly string[] | undefined;
  readonly DeploymentTargets?:
    | {
        readonly Accounts?: readonly string[] | undefined;
        readonly AccountsUrl?: string | undefined;
        readonly OrganizationalUnitIds?: readonly string[] | undefined;
      }
    | undefined;
  readonly OperationPreferences?: SetOperation["preferences"] | undefined;
}

const ONLY_ACCOUNTS = "StackSets with SELF_MANAGED permission model can only have accounts as target.";

/** Each account in each region that a call names, in the order of the regions. */
export function targetsOf({ Accounts, Regions = [], DeploymentTargets, OperationPreferences }: Places): Target[] {
  if (DeploymentTargets?.OrganizationalUnitIds?.length || DeploymentTargets?.AccountsUrl)
    throw validation(ONLY_ACCOUNTS);
  const accounts = Accounts?.length ? Accounts : (DeploymentTargets?.Accounts ?? []);
  if (accounts.length === 0) throw validation("At least one account must be specified.");
  if (Regions.length === 0) throw validation("At least one region must be specified.");
  for (const account of accounts)
    if (!/^\d{12}$/.test(account)) throw validation(`Account ${account} is not a valid account id.`);
  for (const region of Regions)
    if (!/^[a-z]{2}(-[a-z]+)+-\d$/.test(region)) throw validation(`Region ${region} is not supported.`);
  return inOrder([...new Set(accounts)], [...new Set(Regions)], OperationPreferences?.RegionOrder ?? []);
}

function inOrder(accounts: readonly string[], regions: readonly string[], order: readonly string[]): Target[] {
  const place = (region: string): number => (order.includes(region) ? order.indexOf(region) : order.length);
  const sorted = regions.toSorted((a, b) => place(a) - place(b));
  return sorted.flatMap((region) => accounts.map((account) => ({ account, region })));
}

/** The places of instances that there are, in the order that the preferences want. */
export const targetsAmong = (
  instances: readonly StackInstance[],
  preferences: SetOperation["preferences"] | undefined,
): Target[] => {
  const regions = [...new Set(instances.map((one) => one.region))];
  const accounts = [...new Set(instances.map((one) => one.account))];
  return inOrder(accounts, regions, preferences?.RegionOrder ?? []).filter(({ account, region }) =>
    instances.some((one) => one.account === account && one.region === region),
  );
};

export interface NewOperation {
  readonly action: SetOperation["action"];
  readonly targets: readonly Target[];
  readonly id?: string | undefined;
  readonly preferences?: SetOperation["preferences"] | undefined;
  readonly retain?: boolean;
  readonly instances?: readonly StackInstance[];
  /** To be written in the same transaction. */
  readonly also?: readonly Statement[];
}

/** Starts an operation of a set: its row, its instances and the message for the worker. */
export async function startSetOperation(ctx: Context<any>, set: StackSet, wanted: NewOperation): Promise<string> {
  const { records, platform } = ctx;
  const id = wanted.id ?? platform.ids.uuid();
  if (wanted.targets.length > STACK_INSTANCES)
    throw new AwsError(
      "LimitExceededException",
      `An operation may have ${STACK_INSTANCES} stack instances at most`,
      400,
    );
  const turn = await records.get(TURNS, set.id);
  await stackSetOf(ctx, set.id); // it may have been deleted since it was read, but not from here on
  if (await records.get(OPERATIONS, `${set.id}/${id}`)) throw operationExists(id);
  const open = (await openOperations(ctx, set.id)).length;
  const waiting = open > 0;
  if (waiting && !set.managed) throw operationInProgress(set.name);
  if (open >= OPEN_OPERATIONS)
    throw new AwsError("LimitExceededException", `A stack set may have ${OPEN_OPERATIONS} operations that wait`, 400);
  const operation: SetOperation = {
    id,
    set: set.id,
    action: wanted.action,
    status: waiting ? "QUEUED" : "RUNNING",
    principal: ctx.principal,
    preferences: wanted.preferences ?? {},
    administrationRole: set.administrationRole,
    executionRole: set.executionRole,
    ...(wanted.retain === undefined ? {} : { retain: wanted.retain }),
    created: ctx.now(),
    results: wanted.targets.map((target) => ({ ...target, status: "PENDING" })),
  };
  const write = records.write(
    [records.put(OPERATIONS, `${set.id}/${id}`, operation, 0)],
    [records.put(TURNS, set.id, { operation: id }, turn?.rev ?? 0)],
    (wanted.instances ?? []).map((instance) => putInstance(ctx, instance)),
    waiting ? [] : resumeSetOperation(ctx, operation),
    wanted.also ?? [],
  );
  try {
    await write;
  } catch (error) {
    // Another operation began or ended in between.
    if (error instanceof GuardFailed) throw operationInProgress(set.name);
    throw error;
  }
  return id;
}

type Given = readonly {
  readonly ParameterKey?: string | undefined;
  readonly ParameterValue?: string | undefined;
  readonly UsePreviousValue?: boolean | undefined;
}[];

/** The values that a call gives, those that it leaves as they are included. */
export function parameterValues(
  ctx: Context<any>,
  given: Given | undefined,
  previous: string | undefined,
): ParameterValue[] {
  const before = previous === undefined ? [] : openParameters(ctx, previous);
  return (given ?? []).map(({ ParameterKey = "", ParameterValue, UsePreviousValue }) => {
    if (!UsePreviousValue) return { ParameterKey, ParameterValue: ParameterValue ?? "" };
    const kept = before.find((one) => one.ParameterKey === ParameterKey);
    if (!kept) throw validation(`Parameter ${ParameterKey} has no previous value to use.`);
    return kept;
  });
}

/** An instance that an operation is to bring about or change; overrides that are not given stay. */
export function instanceFor(
  ctx: Context<any>,
  set: StackSet,
  target: Target,
  before: StackInstance | undefined,
  overrides: Given | undefined,
  operation: string,
): StackInstance {
  const values = overrides === undefined && before ? before.overrides : undefined;
  return {
    ...(before ?? { ...target, set: set.id, stackName: `StackSet-${set.name}-${ctx.platform.ids.uuid()}` }),
    status: "OUTDATED",
    detailed: "PENDING",
    overrides: values ?? sealParameters(ctx, parameterValues(ctx, overrides, before?.overrides)),
    lastOperation: operation,
  };
}
