import type * as CodeDeploy from "@aws-sdk/client-codedeploy";
import type { Context } from "../../../aws/context.ts";
import { operations } from "../../../aws/service.ts";
import { GuardFailed } from "../../../ports/database.ts";
import { readRevision } from "../appspec.ts";
import { findConfig } from "../configs.ts";
import { PAGE } from "../limits.ts";
import {
  bad,
  configArn,
  existingDeployment,
  existingGroup,
  groupArn,
  groupId,
  onDeployment,
  onGroup,
  pageOf,
  type Deployment,
  isDone,
  type Group,
} from "../model.ts";
import { checkAlarmConfig, watch, watchedAlarms } from "../alarms.ts";
import { newId, rollBack, save, stepOf } from "../progress.ts";
import { lifecycleOf, withEvent } from "../steps.ts";

type Ctx = Context<any>;
const MAX_TRIES = 10;

export const deployments = operations<typeof CodeDeploy, any>()({
  CreateDeployment: {
    permissions: (input, ctx) => [
      ...onGroup("CreateDeployment")(input, ctx),
      ...(input.deploymentConfigName
        ? [{ action: "codedeploy:GetDeploymentConfig", resource: configArn(ctx, input.deploymentConfigName) }]
        : []),
    ],
    async run(ctx, input) {
      const { value: group, rev } = await existingGroup(ctx, input.applicationName, input.deploymentGroupName);
      const id = newId(ctx);
      if (ctx.once && (await ctx.records.get("deployment", id))) return { deploymentId: id };
      const alarmConfig = (input.overrideAlarmConfiguration ?? group.alarms) as
        | CodeDeploy.AlarmConfiguration
        | undefined;
      checkAlarmConfig(alarmConfig);
      const alarms = watchedAlarms(alarmConfig);
      if (group.active) throw activeAlready(group, group.active);
      const config = await findConfig(ctx, input.deploymentConfigName ?? group.config);
      const revision = input.revision as CodeDeploy.RevisionLocation;
      const shift = await readRevision(ctx, revision);
      const rollback = (input.autoRollbackConfiguration ?? group.rollback) as
        | CodeDeploy.AutoRollbackConfiguration
        | undefined;
      const d: Deployment = {
        id,
        application: group.application,
        group: group.name,
        config: config.name,
        traffic: config.traffic,
        roleArn: group.roleArn,
        revision,
        shift,
        status: "Created",
        ...(input.description ? { description: input.description } : {}),
        creator: "user",
        rollbackOn: rollback?.enabled ? (rollback.events ?? []) : [],
        ...(alarms ? { alarms } : {}),
        events: lifecycleOf(shift),
        weight: 0,
        created: ctx.now(),
        step: 0,
      };
      const next: Group = { ...group, active: d.id, lastAttempted: d.id };
      try {
        await ctx.records.write(
          ctx.records.put("group", groupId(group.application, group.name), next, rev),
          ctx.records.put("deployment", d.id, d, 0),
          stepOf(ctx, d),
          watch(ctx, d),
        );
      } catch (error) {
        if (error instanceof GuardFailed) throw activeAlready(group, "another");
        throw error;
      }
      return { deploymentId: d.id };
    },
  },
  GetDeployment: {
    permissions: onDeployment("GetDeployment"),
    run: async (ctx, input) => ({ deploymentInfo: view((await existingDeployment(ctx, input.deploymentId)).value) }),
  },
  BatchGetDeployments: {
    permissions: async (input, ctx) =>
      (
        await Promise.all(
          (input.deploymentIds ?? []).map((deploymentId) => onDeployment("BatchGetDeployments")({ deploymentId }, ctx)),
        )
      ).flat(),
    async run(ctx, input) {
      const stored = await Promise.all(
        (input.deploymentIds ?? []).map((id) => ctx.records.get<Deployment>("deployment", String(id))),
      );
      return { deploymentsInfo: stored.flatMap((s) => (s ? [view(s.value)] : [])) };
    },
  },
  ListDeployments: {
    permissions: (input, ctx) => [
      {
        action: "codedeploy:ListDeployments",
        resource: groupArn(ctx, input.applicationName ?? "*", input.deploymentGroupName ?? "*"),
      },
    ],
    async run(ctx, input) {
      if (!input.applicationName !== !input.deploymentGroupName)
        throw bad(
          input.applicationName ? "DeploymentGroupNameRequiredException" : "ApplicationNameRequiredException",
          "An application name and a deployment group name must be given together.",
        );
      if (input.applicationName) await existingGroup(ctx, input.applicationName, input.deploymentGroupName);
      const { start, end } = (input.createTimeRange ?? {}) as CodeDeploy.TimeRange;
      const all = (await ctx.records.list<Deployment>("deployment")).map((d) => d.value);
      const found = all
        .filter(
          (d) =>
            !input.applicationName ||
            (d.application === input.applicationName && d.group === input.deploymentGroupName),
        )
        .filter((d) => !input.includeOnlyStatuses?.length || (input.includeOnlyStatuses as string[]).includes(d.status))
        .filter((d) => (!start || d.created >= start.getTime()) && (!end || d.created <= end.getTime()))
        .sort((a, b) => b.created - a.created);
      const { items, nextToken } = pageOf(found, input.nextToken, PAGE);
      return { deployments: items.map((d) => d.id), ...(nextToken ? { nextToken } : {}) };
    },
  },
  StopDeployment: {
    permissions: onDeployment("StopDeployment"),
    async run(ctx, input) {
      const reason = { code: "MANUAL_STOP" as const, message: "The deployment was stopped on request." };
      return guarded(async () => {
        const stored = await existingDeployment(ctx, input.deploymentId);
        if (isDone(stored.value))
          throw bad("DeploymentAlreadyCompletedException", `The deployment ${stored.value.id} is already complete.`);
        const back = await rollBack(ctx, stored, "DEPLOYMENT_STOP_ON_REQUEST", reason, input.autoRollbackEnabled);
        return back
          ? { status: "Pending" as const, statusMessage: `The deployment was stopped; ${back} takes the traffic back.` }
          : { status: "Succeeded" as const, statusMessage: "No more traffic is shifted; what was shifted stays." };
      });
    },
  },
  PutLifecycleEventHookExecutionStatus: {
    permissions: onDeployment("PutLifecycleEventHookExecutionStatus"),
    async run(ctx, input) {
      const { status } = input;
      if (status !== "Succeeded" && status !== "Failed")
        throw bad(
          "InvalidLifecycleEventHookExecutionStatusException",
          "The result of a Lambda validation function must be Succeeded or Failed.",
        );
      return guarded(async () => {
        const stored = await existingDeployment(ctx, input.deploymentId);
        const d = stored.value;
        const event = d.events.find(
          (e) => e.executionId !== undefined && e.executionId === input.lifecycleEventHookExecutionId,
        );
        if (!event)
          throw bad(
            "InvalidLifecycleEventHookExecutionIdException",
            "The lifecycle event hook execution ID is not valid.",
          );
        if (event.status !== "InProgress")
          throw bad(
            "LifecycleEventAlreadyCompletedException",
            `The lifecycle event ${event.name} is already complete.`,
          );
        if (status === "Succeeded")
          await save(ctx, stored, { events: withEvent(d, { ...event, status, end: ctx.now() }) });
        else
          await rollBack(ctx, stored, "DEPLOYMENT_FAILURE", {
            code: "HOOK_EXECUTION_FAILURE",
            message: `The overall deployment failed because one or more of the lifecycle event validation functions failed: ${event.name}`,
          });
        return { lifecycleEventHookExecutionId: event.executionId };
      });
    },
  },
  ListDeploymentTargets: {
    permissions: onDeployment("ListDeploymentTargets"),
    async run(ctx, input) {
      const { value } = await existingDeployment(ctx, input.deploymentId);
      const { TargetStatus: wanted, ...others } = (input.targetFilters ?? {}) as Record<string, string[]>;
      const [other] = Object.keys(others);
      if (other !== undefined)
        throw bad("InvalidTargetFilterNameException", `The target filter ${other} is not one of Lambda deployments.`);
      const isWanted = !wanted?.length || wanted.includes(targetStatus(value));
      return { targetIds: isWanted ? [targetId(value)] : [] };
    },
  },
  GetDeploymentTarget: {
    permissions: onDeployment("GetDeploymentTarget"),
    run: async (ctx, input) => ({
      deploymentTarget: target(ctx, (await existingDeployment(ctx, input.deploymentId)).value, input.targetId),
    }),
  },
  BatchGetDeploymentTargets: {
    permissions: onDeployment("BatchGetDeploymentTargets"),
    async run(ctx, input) {
      const { value } = await existingDeployment(ctx, input.deploymentId);
      return {
        deploymentTargets: ((input.targetIds ?? [targetId(value)]) as string[]).map((id) => target(ctx, value, id)),
      };
    },
  },
});

const activeAlready = (group: Group, id: string) =>
  bad(
    "DeploymentLimitExceededException",
    `The Deployment Group '${group.name}' already has an active Deployment '${id}'`,
  );

/** Tries again where a step of the deployment was stored in between. */
async function guarded<T>(work: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof GuardFailed) || tries >= MAX_TRIES) throw error;
    }
  }
}

const targetId = (d: Deployment): string => `${d.shift.functionName}:${d.shift.alias}`;

const targetStatus = ({ status }: Deployment) =>
  (
    {
      Created: "Pending",
      InProgress: "InProgress",
      Succeeded: "Succeeded",
      Failed: "Failed",
      Stopped: "Skipped",
    } as const
  )[status];

function target(ctx: Ctx, d: Deployment, id: string | undefined) {
  if (id !== targetId(d))
    throw bad(
      "DeploymentTargetDoesNotExistException",
      `The deployment ${d.id} has no target ${String(id).slice(0, 200)}.`,
    );
  const { functionName, alias, currentVersion, targetVersion } = d.shift;
  return {
    deploymentTargetType: "LambdaTarget" as const,
    lambdaTarget: {
      deploymentId: d.id,
      targetId: id,
      targetArn: `arn:aws:lambda:${ctx.region}:${ctx.account}:function:${functionName}:${alias}`,
      status: targetStatus(d),
      lastUpdatedAt: new Date(d.completed ?? d.started ?? d.created),
      lifecycleEvents: d.events.map((e) => ({
        lifecycleEventName: e.name,
        status: e.status,
        ...(e.start ? { startTime: new Date(e.start) } : {}),
        ...(e.end ? { endTime: new Date(e.end) } : {}),
        ...(e.message ? { diagnostics: { errorCode: "UnknownError" as const, message: e.message } } : {}),
      })),
      lambdaFunctionInfo: {
        functionName,
        functionAlias: alias,
        currentVersion,
        targetVersion,
        targetVersionWeight: d.weight,
      },
    },
  };
}

function view(d: Deployment) {
  const done =
    d.status === "Succeeded"
      ? "Succeeded"
      : d.status === "Failed" || d.status === "Stopped"
        ? "Failed"
        : d.status === "Created"
          ? "Pending"
          : "InProgress";
  const overview = { Pending: 0, InProgress: 0, Succeeded: 0, Failed: 0, Skipped: 0, Ready: 0, [done]: 1 };
  return {
    applicationName: d.application,
    deploymentGroupName: d.group,
    deploymentConfigName: d.config,
    deploymentId: d.id,
    revision: d.revision,
    status: d.status,
    createTime: new Date(d.created),
    ...(d.started ? { startTime: new Date(d.started) } : {}),
    ...(d.completed ? { completeTime: new Date(d.completed) } : {}),
    ...(d.error ? { errorInformation: d.error } : {}),
    ...(d.description ? { description: d.description } : {}),
    deploymentOverview: overview,
    creator: d.creator,
    autoRollbackConfiguration: {
      enabled: d.rollbackOn.length > 0,
      events: [...d.rollbackOn] as CodeDeploy.AutoRollbackEvent[],
    },
    ...(d.rolledBackBy ? { rollbackInfo: { rollbackDeploymentId: d.rolledBackBy } } : {}),
    ...(d.rollbackOf ? { rollbackInfo: { rollbackTriggeringDeploymentId: d.rollbackOf } } : {}),
    deploymentStyle: { deploymentType: "BLUE_GREEN" as const, deploymentOption: "WITH_TRAFFIC_CONTROL" as const },
    ignoreApplicationStopFailures: false,
    updateOutdatedInstancesOnly: false,
    instanceTerminationWaitTimeStarted: false,
    computePlatform: "Lambda" as const,
  };
}
