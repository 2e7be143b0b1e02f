import type { Context } from "../../aws/context.ts";
import type { Detection, StoredDrift } from "./drift/detect.ts";
import { resourceDrift, stackDrift } from "./drift/shown.ts";
import type { Stack, StackEvent, StackResource } from "./model.ts";
import { triggersView } from "./rollback-triggers.ts";
import { inputsOf, unseal } from "./store.ts";

/** A stack as DescribeStacks shows it. */
export function stackView(ctx: Context<any>, stack: Stack, drift: Detection | undefined) {
  const { revision } = stack;
  const gone = stack.status === "DELETE_COMPLETE";
  return {
    StackId: stack.arn,
    StackName: stack.name,
    ...(stack.changeSetArn && !gone && stack.removing === undefined ? { ChangeSetId: stack.changeSetArn } : {}),
    ...(revision?.description === undefined ? {} : { Description: revision.description }),
    ...(revision ? parametersView(ctx, stack) : {}),
    CreationTime: new Date(stack.created),
    ...deletionView(stack),
    ...(stack.updated === undefined ? {} : { LastUpdatedTime: new Date(stack.updated) }),
    RollbackConfiguration: triggersView(revision?.rollback),
    StackStatus: stack.status,
    ...(stack.reason ? { StackStatusReason: stack.reason } : {}),
    DisableRollback: stack.disableRollback,
    NotificationARNs: [...(revision?.notificationArns ?? [])],
    ...(stack.timeoutMinutes === undefined ? {} : { TimeoutInMinutes: stack.timeoutMinutes }),
    ...(revision && revision.capabilities.length > 0 ? { Capabilities: [...revision.capabilities] as never[] } : {}),
    ...(stack.outputs.length > 0 ? { Outputs: stack.outputs.map((o) => ({ ...o })) } : {}),
    ...(stack.roleArn === undefined ? {} : { RoleARN: stack.roleArn }),
    Tags: (revision?.tags ?? []).map((t) => ({ ...t })),
    ...(gone ? {} : { EnableTerminationProtection: stack.terminationProtection }),
    ...(stack.parent ? { ParentId: stack.parent.parentId, RootId: stack.parent.rootId } : {}),
    DriftInformation: stackDrift(drift),
  };
}

const deletionView = ({ removing, deleted }: Stack) => {
  const time = deleted ?? removing;
  return time === undefined ? {} : { DeletionTime: new Date(time) };
};

/** Parameters with what was given; hidden ones as stars, those of the parameter store with what it held. */
export function parametersView(ctx: Context<any>, stack: Pick<Stack, "revision">) {
  const { given, values } = inputsOf(ctx, stack.revision!);
  const hidden = new Set(stack.revision!.noEcho);
  const list = Object.entries(given).map(([ParameterKey, text]) => {
    if (hidden.has(ParameterKey)) return { ParameterKey, ParameterValue: "****" };
    const value = values[ParameterKey];
    const used = Array.isArray(value) ? value.join(",") : String(value);
    const differs = used.replace(/\s/g, "") !== text.replace(/\s/g, "");
    return { ParameterKey, ParameterValue: text, ...(differs ? { ResolvedValue: used } : {}) };
  });
  return list.length > 0 ? { Parameters: list } : {};
}

export function summaryView(stack: Stack, drift: Detection | undefined) {
  return {
    StackId: stack.arn,
    StackName: stack.name,
    ...(stack.revision?.description === undefined ? {} : { TemplateDescription: stack.revision.description }),
    CreationTime: new Date(stack.created),
    ...(stack.updated === undefined ? {} : { LastUpdatedTime: new Date(stack.updated) }),
    ...deletionView(stack),
    StackStatus: stack.status,
    ...(stack.reason ? { StackStatusReason: stack.reason } : {}),
    ...(stack.parent ? { ParentId: stack.parent.parentId, RootId: stack.parent.rootId } : {}),
    DriftInformation: stackDrift(drift),
  };
}

export function eventView(ctx: Context<any>, stack: Stack, event: StackEvent) {
  const properties = event.properties === undefined ? undefined : unseal<unknown>(ctx, event.properties);
  return {
    StackId: stack.arn,
    EventId: event.id,
    StackName: stack.name,
    LogicalResourceId: event.logicalId,
    PhysicalResourceId: event.physicalId,
    ResourceType: event.type,
    Timestamp: new Date(event.time),
    ResourceStatus: event.status as never,
    ...(event.reason ? { ResourceStatusReason: event.reason } : {}),
    ...(properties === undefined
      ? {}
      : { ResourceProperties: typeof properties === "string" ? properties : JSON.stringify(properties) }),
    ...(event.token ? { ClientRequestToken: event.token } : {}),
  };
}

/** What the calls about resources have in common. */
export function resourceView(resource: StackResource, drift: StoredDrift | undefined) {
  return {
    LogicalResourceId: resource.logicalId,
    ...(resource.physicalId === undefined ? {} : { PhysicalResourceId: resource.physicalId }),
    ResourceType: resource.type,
    ResourceStatus: resource.status as never,
    ...(resource.reason ? { ResourceStatusReason: resource.reason } : {}),
    DriftInformation: resourceDrift(drift),
  };
}
