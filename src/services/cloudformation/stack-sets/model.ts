import type {
  StackInstanceDetailedStatus,
  StackInstanceStatus,
  StackSetOperationPreferences,
  StackSetOperationResultStatus,
  StackSetOperationStatus,
} from "@aws-sdk/client-cloudformation";
import type { Principal } from "../../../aws/principal.ts";
import { AwsError } from "../../../kernel/aws-error.ts";
import type { Tag } from "../model.ts";

export interface ParameterValue {
  readonly ParameterKey: string;
  readonly ParameterValue: string;
}

/** A template and its inputs, from which stacks in many places are made. */
export interface StackSet {
  /** `<name>:<uuid>`. */
  readonly id: string;
  readonly name: string;
  readonly status: "ACTIVE" | "DELETED";
  readonly created: number;
  readonly deleted?: number;
  readonly token?: string;
  readonly description?: string;
  readonly template: string;
  /** Sealed {@link ParameterValue}s, as given. */
  readonly parameters: string;
  readonly noEcho: readonly string[];
  readonly capabilities: readonly string[];
  readonly tags: readonly Tag[];
  readonly administrationRole: string;
  readonly executionRole: string;
  /** Operations wait for each other where others would be refused. */
  readonly managed: boolean;
}

/** The place of a stack of a set. */
export interface Target {
  readonly account: string;
  readonly region: string;
}

export interface StackInstance extends Target {
  readonly set: string;
  readonly stackName: string;
  readonly stackId?: string;
  readonly status: StackInstanceStatus;
  readonly detailed: StackInstanceDetailedStatus;
  readonly reason?: string;
  /** Sealed {@link ParameterValue}s. */
  readonly overrides: string;
  readonly lastOperation: string;
}

export interface TargetResult extends Target {
  readonly status: StackSetOperationResultStatus;
  readonly reason?: string;
  /** When the work on it began, until it is over. */
  readonly since?: number;
}

/** One change of a set's stacks, from its request to its end. */
export interface SetOperation {
  readonly id: string;
  readonly set: string;
  readonly action: "CREATE" | "UPDATE" | "DELETE";
  readonly status: StackSetOperationStatus;
  readonly principal: Principal;
  readonly preferences: StackSetOperationPreferences;
  readonly administrationRole: string;
  readonly executionRole: string;
  readonly retain?: boolean;
  readonly created: number;
  readonly ended?: number;
  readonly reason?: string;
  /** Counts the pauses in which a stack was waited for: a message from before the last one does nothing. */
  readonly looks?: number;
  /** In the order in which they are worked on. */
  readonly results: readonly TargetResult[];
}

export const ADMINISTRATION_ROLE = "AWSCloudFormationStackSetAdministrationRole";
export const EXECUTION_ROLE = "AWSCloudFormationStackSetExecutionRole";

export const hasEnded = (status: string): boolean => /^(SUCCEEDED|FAILED|STOPPED)$/.test(status);
export const isOver = (status: string): boolean => /^(SUCCEEDED|FAILED|CANCELLED)$/.test(status);

const error =
  (code: string, status: number, words: (name: string) => string) =>
  (name = ""): AwsError =>
    new AwsError(code, words(name), status);

export const noStackSet = error("StackSetNotFoundException", 404, (name) => `StackSet ${name} not found`);
export const stackSetExists = error(
  "NameAlreadyExistsException",
  409,
  (name) => `The Name specified already exists: ${name}`,
);
export const stackSetNotEmpty = error("StackSetNotEmptyException", 409, () => "StackSet is not empty");
export const noOperation = error("OperationNotFoundException", 404, (name) => `Operation ${name} not found`);
export const operationExists = error(
  "OperationIdAlreadyExistsException",
  409,
  (name) => `The specified operation ID already exists: ${name}`,
);
export const operationInProgress = error(
  "OperationInProgressException",
  409,
  (name) => `Another Operation on StackSet ${name} is in progress`,
);
export const noInstance = error("StackInstanceNotFoundException", 404, (name) => `Stack instance ${name} not found`);
export const invalidOperation = error("InvalidOperationException", 400, (words) => words);
