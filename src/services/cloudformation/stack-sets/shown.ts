import type { Context } from "../../../aws/context.ts";
import type { SetOperation, StackInstance, StackSet } from "./model.ts";
import { openParameters } from "./store.ts";

export const arnOfSet = (ctx: Context<any>, id: string): string =>
  `arn:aws:cloudformation:${ctx.region}:${ctx.account}:stackset/${id}`;

const NOT_CHECKED = { DriftStatus: "NOT_CHECKED" as const };

export function setSummary(set: StackSet) {
  return {
    StackSetName: set.name,
    StackSetId: set.id,
    ...(set.description === undefined ? {} : { Description: set.description }),
    Status: set.status,
    PermissionModel: "SELF_MANAGED" as const,
    ...NOT_CHECKED,
    ManagedExecution: { Active: set.managed },
  };
}

export function setView(ctx: Context<any>, set: StackSet, instances: readonly StackInstance[]) {
  const hidden = new Set(set.noEcho);
  const regions = [...new Set(instances.map((one) => one.region))];
  const counted = (status: string): number => instances.filter((one) => one.detailed === status).length;
  return {
    StackSetName: set.name,
    StackSetId: set.id,
    ...(set.description === undefined ? {} : { Description: set.description }),
    Status: set.status,
    TemplateBody: set.template,
    Parameters: openParameters(ctx, set.parameters).map((p) =>
      hidden.has(p.ParameterKey) ? { ...p, ParameterValue: "****" } : p,
    ),
    Capabilities: [...set.capabilities] as never[],
    Tags: set.tags.map((tag) => ({ ...tag })),
    StackSetARN: arnOfSet(ctx, set.id),
    AdministrationRoleARN: set.administrationRole,
    ExecutionRoleName: set.executionRole,
    StackSetDriftDetectionDetails: {
      DriftStatus: "NOT_CHECKED" as const,
      DriftDetectionStatus: "COMPLETED" as const,
      TotalStackInstancesCount: instances.length,
      DriftedStackInstancesCount: 0,
      InSyncStackInstancesCount: 0,
      InProgressStackInstancesCount: 0,
      FailedStackInstancesCount: counted("FAILED"),
    },
    OrganizationalUnitIds: [],
    PermissionModel: "SELF_MANAGED" as const,
    ManagedExecution: { Active: set.managed },
    Regions: regions,
  };
}

export function instanceSummary(instance: StackInstance) {
  return {
    StackSetId: instance.set,
    Region: instance.region,
    Account: instance.account,
    ...(instance.stackId === undefined ? {} : { StackId: instance.stackId }),
    Status: instance.status,
    ...(instance.reason === undefined ? {} : { StatusReason: instance.reason }),
    StackInstanceStatus: { DetailedStatus: instance.detailed },
    OrganizationalUnitId: "",
    ...NOT_CHECKED,
    LastOperationId: instance.lastOperation,
  };
}

export function instanceView(ctx: Context<any>, set: StackSet, instance: StackInstance) {
  const hidden = new Set(set.noEcho);
  const overrides = openParameters(ctx, instance.overrides).map((p) =>
    hidden.has(p.ParameterKey) ? { ...p, ParameterValue: "****" } : p,
  );
  return { ...instanceSummary(instance), ParameterOverrides: overrides };
}

export function operationSummary(operation: SetOperation) {
  const failed = operation.results.filter((one) => one.status === "FAILED").length;
  return {
    OperationId: operation.id,
    Action: operation.action,
    Status: operation.status,
    CreationTimestamp: new Date(operation.created),
    ...(operation.ended === undefined ? {} : { EndTimestamp: new Date(operation.ended) }),
    ...(operation.reason === undefined ? {} : { StatusReason: operation.reason }),
    StatusDetails: { FailedStackInstancesCount: failed },
    OperationPreferences: operation.preferences,
  };
}

export function operationView(operation: SetOperation) {
  return {
    ...operationSummary(operation),
    StackSetId: operation.set,
    ...(operation.retain === undefined ? {} : { RetainStacks: operation.retain }),
    AdministrationRoleARN: operation.administrationRole,
    ExecutionRoleName: operation.executionRole,
  };
}
