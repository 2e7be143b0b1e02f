import type { Context } from "../../../aws/context.ts";
import type { ResourceChange } from "../../../engines/cloudformation/index.ts";
import type { ChangeSet, Stack } from "../model.ts";
import { parametersView } from "../views.ts";

/** One change with the properties before and after, as it is kept. */
export interface KeptChange extends Omit<ResourceChange, "action"> {
  readonly action: ResourceChange["action"] | "Import";
  readonly physicalId?: string;
  readonly before?: unknown;
  readonly after?: unknown;
  /** The change set of the nested stack that the resource is. */
  readonly changeSetId?: string;
}

export function changeView(change: KeptChange, withValues: boolean) {
  const { action, logicalId, type, replacement, scope, details, physicalId, before, after, changeSetId } = change;
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
    ...(changeSetId === undefined ? {} : { ChangeSetId: changeSetId }),
    ...(withValues && before ? { BeforeContext: JSON.stringify(before) } : {}),
    ...(withValues && after ? { AfterContext: JSON.stringify(after) } : {}),
  };
}

/** What lists of change sets show of one. */
export function headOf(set: ChangeSet, stack: Stack) {
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
    IncludeNestedStacks: set.nested === true,
    ...(set.parentId === undefined ? {} : { ParentChangeSetId: set.parentId }),
    ...(set.rootId === undefined ? {} : { RootChangeSetId: set.rootId }),
    ...(set.importExisting === undefined ? {} : { ImportExistingResources: set.importExisting }),
  };
}

/** What only DescribeChangeSet shows besides the changes. */
export function settingsOf(ctx: Context<any>, set: ChangeSet) {
  return {
    ...(set.revision ? parametersView(ctx, { revision: set.revision }) : {}),
    NotificationARNs: [...(set.revision?.notificationArns ?? [])],
    RollbackConfiguration: {},
    Capabilities: [...(set.revision?.capabilities ?? [])] as never[],
    Tags: (set.revision?.tags ?? []).map((t) => ({ ...t })),
    ...(set.onFailure === undefined ? {} : { OnStackFailure: set.onFailure }),
  };
}
