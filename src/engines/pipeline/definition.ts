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
        readonly retryConfiguration?: unknown;
        readonly conditions?: readonly unknown[] | undefined;
      }
    | undefined;
  readonly onSuccess?: unknown;
  readonly beforeEntry?: unknown;
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
  readonly outputArtifacts?: readonly { readonly name: string }[] | undefined;
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
