import type { Context } from "../../../aws/context.ts";
import type { ChangeDetail, ResourceChange } from "../../../engines/cloudformation/index.ts";
import type { JsonObject, JsonValue } from "../../../engines/yaml/index.ts";
import type { ChangeSet, Stack } from "../model.ts";
import { triggersView } from "../rollback-triggers.ts";
import { parametersView } from "../views.ts";

interface Properties {
  readonly Properties: JsonObject;
}

/** One change with the properties before and after, as it is kept. */
export interface KeptChange extends Omit<ResourceChange, "action"> {
  readonly action: ResourceChange["action"] | "Import";
  readonly physicalId?: string;
  readonly before?: Properties;
  readonly after?: Properties;
  readonly policyAction?: string;
  /** The change set of the nested stack that the resource is. */
  readonly changeSetId?: string;
}

/** A change as DescribeChangeSet shows it; with `mask`, with the values before and after. */
export function changeView(change: KeptChange, mask: ((text: string) => string) | undefined) {
  const { policyAction, action, logicalId, type, replacement, scope, details, physicalId, before, after, changeSetId } =
    change;
  return {
    ...(policyAction === undefined ? {} : { PolicyAction: policyAction as never }),
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
        ...(mask ? valuesOf(change, d.target, mask) : {}),
      },
      Evaluation: d.evaluation,
      ChangeSource: d.changeSource,
      ...(d.causingEntity ? { CausingEntity: d.causingEntity } : {}),
    })),
    ...(changeSetId === undefined ? {} : { ChangeSetId: changeSetId }),
    ...(mask && before ? { BeforeContext: mask(JSON.stringify(before)) } : {}),
    ...(mask && after ? { AfterContext: mask(JSON.stringify(after)) } : {}),
  };
}

/** A property's value before and after. */
function valuesOf({ before, after }: KeptChange, target: ChangeDetail["target"], mask: (text: string) => string) {
  const { name: property } = target;
  if (property === undefined) return {};
  const [was, is] = [before?.Properties[property], after?.Properties[property]];
  const text = (value: JsonValue): string => mask(typeof value === "string" ? value : JSON.stringify(value));
  const type = was === undefined ? ("Add" as const) : is === undefined ? ("Remove" as const) : ("Modify" as const);
  return {
    Path: `/Properties/${property}`,
    ...(was === undefined ? {} : { BeforeValue: text(was) }),
    ...(is === undefined ? {} : { AfterValue: text(is) }),
    AttributeChangeType: type,
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
    RollbackConfiguration: triggersView(set.revision?.rollback),
    Capabilities: [...(set.revision?.capabilities ?? [])] as never[],
    ...(set.revision?.tags.length ? { Tags: set.revision.tags.map((t) => ({ ...t })) } : {}),
    ...(set.onFailure === undefined ? {} : { OnStackFailure: set.onFailure }),
  };
}
