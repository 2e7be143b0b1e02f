import type { JsonObject, JsonValue } from "../../engines/yaml/index.ts";
import type { Principal } from "../../aws/principal.ts";
import type { RollbackTriggers } from "./rollback-triggers.ts";
import type { StackStatus } from "@aws-sdk/client-cloudformation";

export interface Tag {
  readonly Key: string;
  readonly Value: string;
}

/** What a stack is made of at one time: its template and all inputs. */
export interface Revision {
  /** Record of the template. */
  readonly templateId: string;
  /** Sealed {@link Inputs}. */
  readonly inputs: string;
  /** Names of the parameters whose value is not shown. */
  readonly noEcho: readonly string[];
  readonly description?: string;
  readonly tags: readonly Tag[];
  readonly capabilities: readonly string[];
  readonly notificationArns: readonly string[];
  readonly rollback?: RollbackTriggers;
}

export interface Inputs {
  /** As given or defaulted. */
  readonly given: Readonly<Record<string, string>>;
  /** What `Ref` answers. */
  readonly values: Readonly<Record<string, JsonValue>>;
}

export interface StoredTemplate {
  /** As the caller wrote it. */
  readonly text: string;
  /** After transforms. */
  readonly processed: JsonObject;
  readonly transforms: readonly string[];
  /** A transform failed: it stands for a template without resources. */
  readonly untransformed?: true;
}

export interface StackOutput {
  readonly OutputKey: string;
  readonly OutputValue: string;
  readonly Description?: string;
  readonly ExportName?: string;
}

export type OnFailure = "ROLLBACK" | "DELETE" | "DO_NOTHING";

/** The nested stack's way up. */
export interface Parent {
  readonly parentId: string;
  readonly rootId: string;
  readonly depth: number;
}

export interface Stack {
  readonly uuid: string;
  readonly arn: string;
  readonly name: string;
  readonly status: StackStatus;
  readonly reason?: string | undefined;
  readonly created: number;
  readonly updated?: number;
  /** Since when all that it has is taken away, by a deletion or the rollback of its creation. */
  readonly removing?: number;
  readonly deleted?: number;
  /** Absent while it is only under review. */
  readonly revision?: Revision | undefined;
  readonly outputs: readonly StackOutput[];
  readonly roleArn?: string;
  readonly timeoutMinutes?: number;
  readonly disableRollback: boolean;
  readonly terminationProtection: boolean;
  readonly policy?: string;
  readonly changeSetArn?: string;
  readonly parent?: Parent;
  /** The operation under way, or the last one. */
  readonly operation?: string;
  /** ClientRequestToken of the last operation. */
  readonly token?: string;
}

/** What of a resource must come back when an operation is rolled back. */
export interface FormerResource {
  readonly operation: string;
  /** Absent: the resource was made by this operation. */
  readonly state?: ResourceState;
}

export interface ResourceState {
  readonly physicalId: string;
  /** Sealed JSON of the resolved properties. */
  readonly properties: string;
  /** Sealed: an access key has its secret among them. */
  readonly attributes: string;
  readonly ref: string;
  readonly dependsOn: readonly string[];
  readonly deletionPolicy: string;
  readonly updateReplacePolicy: string;
  readonly metadata?: JsonValue;
  readonly type: string;
}

export type StepAction = "create" | "update" | "replace" | "restore" | "delete";

/** A step that was started and has no recorded end. */
export interface Step {
  readonly operation: string;
  readonly action: StepAction;
  readonly token: string;
  /** Sealed properties that it is to bring about. */
  readonly properties: string;
  /** It was refused before it changed anything. */
  readonly unchanged?: boolean;
}

export interface StackResource {
  readonly logicalId: string;
  readonly type: string;
  readonly physicalId?: string;
  readonly status: string;
  readonly reason?: string;
  readonly updated: number;
  readonly state?: ResourceState;
  readonly step?: Step;
  readonly former?: FormerResource;
}

/** A resource that the stack no longer has and that is still to be removed. */
export interface Leftover {
  readonly operation: string;
  readonly logicalId: string;
  readonly type: string;
  readonly token: string;
  readonly physicalId: string;
  readonly properties: string;
  readonly dependsOn: readonly string[];
  readonly retain: boolean;
}

export interface StackEvent {
  readonly id: string;
  readonly logicalId: string;
  readonly physicalId: string;
  readonly type: string;
  readonly status: string;
  readonly reason?: string;
  readonly time: number;
  readonly token?: string;
  /** Sealed: of a resource what its template says, or that as text where values in it are hidden. */
  readonly properties?: string;
}

export type OperationKind = "create" | "update" | "delete";
export type Phase = "apply" | "watch" | "clean-up" | "rollback" | "rollback-clean-up" | "remove" | "done";

/** One change of a stack, from its request to its end. */
export interface Operation {
  readonly id: string;
  readonly stack: string;
  readonly kind: OperationKind;
  readonly phase: Phase;
  readonly principal: Principal;
  readonly roleArn?: string;
  readonly started: number;
  readonly deadline?: number;
  readonly onFailure: OnFailure;
  /** The stack before an update. */
  readonly former?: Revision;
  readonly formerRole?: string;
  /** Logical ids that a deletion leaves, or that continuing a rollback passes over. */
  readonly spare: readonly string[];
  readonly force?: boolean;
  /** The operation before it had failed and was not rolled back. */
  readonly overFailure?: boolean;
  readonly failure?: string;
  readonly cancel?: "rollback" | "delete";
  readonly imports?: Readonly<Record<string, string>>;
  /** Until when rollback triggers are watched; set when all resources are ready. */
  readonly watchedUntil?: number;
  /** Counts the messages that have gone on with it after a pause: an older one that comes again does nothing. */
  readonly looks?: number;
  /** The stack policy that stands in for the stack's own until this operation has ended. */
  readonly policyMeanwhile?: string;
  /** The stack's policy once this operation has succeeded. */
  readonly policyAfter?: string;
  /** Nothing else happens but that resources are taken in. */
  readonly importing?: boolean;
  /** Change sets of the nested stacks, by logical id. */
  readonly children?: Readonly<Record<string, string>>;
  readonly token?: string;
  /** Why a transform made no template of the stack's: nothing is begun, and what follows a failure follows. */
  readonly untransformed?: string;
}

export interface ChangeSet {
  readonly uuid: string;
  readonly arn: string;
  readonly name: string;
  readonly stack: string;
  readonly type: "CREATE" | "UPDATE" | "IMPORT";
  /** Physical ids of existing resources that become the stack's, by logical id. */
  readonly imports?: Readonly<Record<string, string>>;
  readonly importExisting?: boolean;
  /** It covers the stacks within the stack too. */
  readonly nested?: boolean;
  /** ARNs of the change sets that it belongs to, where it is a nested stack's. */
  readonly parentId?: string;
  readonly rootId?: string;
  /** Records of the nested stacks' change sets, by logical id. */
  readonly children?: Readonly<Record<string, string>>;
  readonly description?: string;
  readonly created: number;
  readonly status: "CREATE_COMPLETE" | "FAILED";
  readonly reason?: string;
  readonly executionStatus:
    | "AVAILABLE"
    | "UNAVAILABLE"
    | "EXECUTE_IN_PROGRESS"
    | "EXECUTE_COMPLETE"
    | "EXECUTE_FAILED"
    | "OBSOLETE";
  readonly revision?: Revision;
  readonly roleArn?: string;
  readonly onFailure?: OnFailure;
  /** As DescribeChangeSet shows them; property values sealed within. */
  readonly changes: string;
  readonly token?: string;
}

export interface Export {
  readonly name: string;
  readonly value: string;
  readonly stack: string;
  readonly stackArn: string;
  readonly stackName: string;
}

export const isInProgress = (status: string): boolean =>
  status.endsWith("_IN_PROGRESS") && status !== "REVIEW_IN_PROGRESS";

export const stackArn = (region: string, account: string, name: string, uuid: string): string =>
  `arn:aws:cloudformation:${region}:${account}:stack/${name}/${uuid}`;

export const changeSetArn = (region: string, account: string, name: string, uuid: string): string =>
  `arn:aws:cloudformation:${region}:${account}:changeSet/${name}/${uuid}`;

/** The unique part of a stack's ARN. */
export const uuidOfArn = (arn: string): string => arn.slice(arn.lastIndexOf("/") + 1);
