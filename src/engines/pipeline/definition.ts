/** A pipeline as CodePipeline's API has it. */
export interface PipelineDefinition {
  readonly name: string;
  readonly roleArn?: string | undefined;
  readonly pipelineType?: string | undefined;
  readonly executionMode?: string | undefined;
  readonly artifactStore?: unknown;
  readonly artifactStores?: Readonly<Record<string, unknown>> | undefined;
  readonly stages: readonly StageDefinition[];
  readonly variables?: readonly { readonly name: string; readonly defaultValue?: string | undefined }[] | undefined;
  readonly triggers?: readonly unknown[] | undefined;
}

export interface StageDefinition {
  readonly name: string;
  readonly actions: readonly ActionDefinition[];
  readonly onFailure?:
    | {
        readonly result?: string | undefined;
        readonly retryConfiguration?: { readonly retryMode?: string | undefined } | undefined;
        readonly conditions?: readonly ConditionDefinition[] | undefined;
      }
    | undefined;
  readonly onSuccess?: { readonly conditions?: readonly ConditionDefinition[] | undefined } | undefined;
  readonly beforeEntry?: { readonly conditions?: readonly ConditionDefinition[] | undefined } | undefined;
}

/** Rules, and what happens where one of them fails. */
export interface ConditionDefinition {
  readonly result?: string | undefined;
  readonly rules?: readonly RuleDefinition[] | undefined;
}

export interface RuleDefinition {
  readonly name: string;
  readonly ruleTypeId: {
    readonly category: string;
    readonly owner?: string | undefined;
    readonly provider: string;
    readonly version?: string | undefined;
  };
  readonly configuration?: Readonly<Record<string, string>> | undefined;
  readonly commands?: readonly string[] | undefined;
  readonly inputArtifacts?: readonly { readonly name: string }[] | undefined;
  readonly roleArn?: string | undefined;
  readonly region?: string | undefined;
  readonly timeoutInMinutes?: number | undefined;
}

export interface ActionDefinition {
  readonly name: string;
  readonly actionTypeId: {
    readonly category: string;
    readonly owner: string;
    readonly provider: string;
    readonly version: string;
  };
  readonly runOrder?: number | undefined;
  readonly configuration?: Readonly<Record<string, string>> | undefined;
  readonly inputArtifacts?: readonly { readonly name: string }[] | undefined;
  readonly outputArtifacts?:
    | readonly { readonly name: string; readonly files?: readonly string[] | undefined }[]
    | undefined;
  /** Of the provider Commands: what it runs, with which variables, and which of them it hands on. */
  readonly commands?: readonly string[] | undefined;
  readonly environmentVariables?:
    | readonly { readonly name: string; readonly value: string; readonly type?: string | undefined }[]
    | undefined;
  readonly outputVariables?: readonly string[] | undefined;
  readonly namespace?: string | undefined;
  readonly region?: string | undefined;
  readonly roleArn?: string | undefined;
  readonly timeoutInMinutes?: number | undefined;
}

/** What an action type asks for. */
export interface ActionTypeLimits {
  readonly inputs: readonly [min: number, max: number];
  readonly outputs: readonly [min: number, max: number];
  /** Configuration keys: required or not. Without it, any key passes. */
  readonly configuration?: Readonly<Record<string, { readonly required: boolean }>>;
}
