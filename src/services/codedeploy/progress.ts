import type { Context } from "../../aws/context.ts";
import { UPPER_ALPHANUMERIC } from "../../kernel/ids.ts";
import type { Statement } from "../../ports/database.ts";
import { groupId, type Deployment, type Group, type Lifecycle } from "./model.ts";

type Ctx = Context<any>;
type Stored = { readonly value: Deployment; readonly rev: number };

/** A message to take the step of a deployment that has this number. */
export interface Step {
  readonly id: string;
  readonly step: number;
}

/** The queue topic of {@link Step}s. */
export const STEPS = "codedeploy-steps";

/** Stores what a step has changed, and the next step, now or later. Throws GuardFailed where somebody else was faster. */
export async function save(
  ctx: Ctx,
  stored: Stored,
  changes: Partial<Deployment>,
  waitMs = 0,
  also: readonly Statement[] = [],
): Promise<void> {
  const next: Deployment = { ...stored.value, ...changes, step: stored.value.step + 1 };
  const started =
    stored.value.status === "Created" && next.status === "InProgress" ? stateChanged(ctx, next, "START") : [];
  await ctx.records.write(
    ctx.records.put("deployment", next.id, next, stored.rev),
    stepOf(ctx, next, waitMs),
    started,
    also,
  );
}

export function stepOf(ctx: Ctx, d: Deployment, waitMs = 0): Statement[] {
  return ctx.enqueue(STEPS, { id: d.id, step: d.step } satisfies Step, waitMs ? { delayMs: waitMs } : {});
}

export async function finish(ctx: Ctx, stored: Stored): Promise<void> {
  const next: Deployment = { ...stored.value, status: "Succeeded", completed: ctx.now(), step: stored.value.step + 1 };
  const group = await releaseGroup(ctx, next, { lastSuccessful: next.id });
  await ctx.records.write(
    ctx.records.put("deployment", next.id, next, stored.rev),
    group,
    stateChanged(ctx, next, "SUCCESS"),
  );
}

/** Ends a deployment that failed or was stopped; where the group wants it, another one takes the traffic back. Answers that one's id. */
export async function rollBack(
  ctx: Ctx,
  stored: Stored,
  reason: "DEPLOYMENT_FAILURE" | "DEPLOYMENT_STOP_ON_ALARM" | "DEPLOYMENT_STOP_ON_REQUEST",
  error: NonNullable<Deployment["error"]>,
  forced?: boolean,
): Promise<string | undefined> {
  const d = stored.value;
  const stopped = reason !== "DEPLOYMENT_FAILURE";
  const back = (forced ?? d.rollbackOn.includes(reason)) && !d.rollbackOf ? reverse(ctx, d) : undefined;
  const events = d.events.map((e): Lifecycle =>
    e.status === "InProgress"
      ? { ...e, status: "Failed", end: ctx.now(), message: error.message }
      : e.status === "Pending"
        ? { ...e, status: "Skipped" }
        : e,
  );
  const next: Deployment = {
    ...d,
    status: stopped ? "Stopped" : "Failed",
    completed: ctx.now(),
    error,
    events,
    step: d.step + 1,
    ...(back ? { rolledBackBy: back.id } : {}),
  };
  const group = await releaseGroup(ctx, next, back ? { active: back.id, lastAttempted: back.id } : {});
  await ctx.records.write(
    ctx.records.put("deployment", next.id, next, stored.rev),
    group,
    stateChanged(ctx, next, stopped ? "STOP" : "FAILURE"),
    back ? [ctx.records.put("deployment", back.id, back, 0), ...stepOf(ctx, back)] : [],
  );
  return back?.id;
}

export const newId = (ctx: Ctx): string => `d-${ctx.ids.text(9, UPPER_ALPHANUMERIC)}`;

/** The deployment that puts the alias back to the version before, at once and without hooks. */
function reverse(ctx: Ctx, d: Deployment): Deployment {
  const { currentVersion, targetVersion, functionName, alias } = d.shift;
  return {
    id: newId(ctx),
    application: d.application,
    group: d.group,
    config: "CodeDeployDefault.LambdaAllAtOnce",
    traffic: { type: "AllAtOnce" },
    roleArn: d.roleArn,
    revision: d.revision,
    shift: { functionName, alias, currentVersion: targetVersion, targetVersion: currentVersion },
    status: "Created",
    creator: "codeDeployRollback",
    rollbackOn: [],
    rollbackOf: d.id,
    events: [
      { name: "BeforeAllowTraffic", status: "Skipped" },
      { name: "AllowTraffic", status: "Pending" },
      { name: "AfterAllowTraffic", status: "Skipped" },
    ],
    weight: 0,
    created: ctx.now(),
    step: 0,
  };
}

/** The group is free again, or has another deployment; nothing where it was deleted. */
async function releaseGroup(ctx: Ctx, d: Deployment, changes: Partial<Group>): Promise<Statement[]> {
  const id = groupId(d.application, d.group);
  const stored = await ctx.records.get<Group>("group", id);
  if (!stored) return [];
  const { active, ...rest } = stored.value;
  const kept = active === undefined || active === d.id ? {} : { active };
  return [ctx.records.put("group", id, { ...rest, ...kept, ...changes }, stored.rev)];
}

/** https://docs.aws.amazon.com/codedeploy/latest/userguide/monitoring-cloudwatch-events.html */
export function stateChanged(ctx: Ctx, d: Deployment, state: "START" | "SUCCESS" | "FAILURE" | "STOP"): Statement[] {
  const resources = [
    `arn:aws:codedeploy:${ctx.region}:${ctx.account}:deploymentgroup:${d.application}/${d.group}`,
    `arn:aws:codedeploy:${ctx.region}:${ctx.account}:application:${d.application}`,
  ];
  const detail = {
    region: ctx.region,
    deploymentId: d.id,
    deploymentGroup: d.group,
    application: d.application,
    state,
  };
  const entry = {
    Source: "aws.codedeploy",
    DetailType: "CodeDeploy Deployment State-change Notification",
    Resources: resources,
    Detail: JSON.stringify(detail),
  };
  return ctx.asService(resources[0]).later("events", "PutEvents", { Entries: [entry] });
}
