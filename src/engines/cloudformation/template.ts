import type { JsonObject, JsonValue } from "../yaml/index.ts";

/** A parameter as declared. */
export interface ParameterDeclaration {
  readonly type: string;
  readonly default?: JsonValue;
  readonly noEcho: boolean;
  readonly description?: string;
  readonly allowedValues?: readonly string[];
  readonly allowedPattern?: string;
  readonly constraintDescription?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minValue?: number;
  readonly maxValue?: number;
}

/** A resource as declared; `properties` still hold intrinsic functions. */
export interface ResourceDeclaration {
  readonly logicalId: string;
  readonly type: string;
  readonly properties: JsonObject;
  readonly condition?: string;
  readonly dependsOn: readonly string[];
  readonly deletionPolicy?: JsonValue;
  readonly updateReplacePolicy?: JsonValue;
  readonly updatePolicy?: JsonValue;
  readonly creationPolicy?: JsonValue;
  readonly metadata?: JsonValue;
}

export interface OutputDeclaration {
  readonly name: string;
  readonly value: JsonValue;
  readonly description?: string;
  readonly condition?: string;
  readonly exportName?: JsonValue;
}

/** A checked template, after transforms. */
export interface Template {
  readonly source: JsonObject;
  readonly description?: string;
  readonly metadata?: JsonValue;
  readonly transforms: readonly string[];
  readonly parameters: Readonly<Record<string, ParameterDeclaration>>;
  readonly mappings: JsonObject;
  readonly conditions: JsonObject;
  readonly rules: JsonObject;
  readonly resources: Readonly<Record<string, ResourceDeclaration>>;
  readonly outputs: Readonly<Record<string, OutputDeclaration>>;
}

export const LIMITS = { resources: 500, parameters: 200, outputs: 200, mappings: 200, mappingKeys: 200 } as const;

/** The names that `Ref` and `Fn::Sub` know without a declaration. */
export const PSEUDO_PARAMETERS: ReadonlySet<string> = new Set(
  "AccountId NotificationARNs NoValue Partition Region StackId StackName URLSuffix"
    .split(" ")
    .map((name) => `AWS::${name}`),
);
