import type { JsonObject, JsonValue } from "../yaml/index.ts";

/** What AWS knows about the stack itself. */
export interface PseudoParameters {
  readonly accountId: string;
  readonly region: string;
  readonly stackName: string;
  readonly stackId: string;
  readonly partition?: string;
  readonly urlSuffix?: string;
  readonly notificationArns?: readonly string[];
}

/** Everything that intrinsic functions read. */
export interface Scope {
  /** Resolved parameters: text, or a list for the list types. */
  readonly parameters: Readonly<Record<string, JsonValue>>;
  readonly pseudo: PseudoParameters;
  readonly mappings: JsonObject;
  /** Evaluated conditions, see `evaluateConditions`. */
  readonly conditions: Readonly<Record<string, boolean>>;
  /** The value of `Ref` for a resource; `undefined` where it does not exist yet. */
  readonly ref?: (logicalId: string) => JsonValue | undefined;
  readonly getAtt?: (logicalId: string, attribute: string) => JsonValue | undefined;
  readonly importValue?: (name: string) => JsonValue | undefined;
  readonly availabilityZones?: (region: string) => readonly string[];
  /** With it, what does not exist yet becomes {@link KNOWN_AFTER_APPLY} instead of a fault (change sets). */
  readonly partial?: boolean;
  /** How many characters all functions that are computed with it may still make together. */
  readonly room?: { left: number };
}

/** CloudFormation's text for a value that only the deployment will know. */
export const KNOWN_AFTER_APPLY = "{{changeSet:KNOWN_AFTER_APPLY}}";
