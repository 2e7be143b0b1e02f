import type { Context } from "../../aws/context.ts";
import type { Permission } from "../../aws/service.ts";
import type {
  ActionStatus,
  ConditionType,
  ExecutionState,
  ExecutionStatus,
  PipelineDefinition,
} from "../../engines/pipeline/index.ts";
import { AwsError } from "../../kernel/aws-error.ts";
import { arn } from "../../kernel/arn.ts";
import type { PipelineState } from "./state.ts";

export type Ctx = Context<PipelineState>;

/** A pipeline as its owner declared it, with its version. */
export interface Pipeline {
  readonly declaration: PipelineDefinition;
  readonly version: number;
  readonly created: number;
  readonly updated: number;
  readonly tags: Readonly<Record<string, string>>;
  /** Stages whose inbound transition is disabled. */
  readonly disabled: Readonly<Record<string, { readonly reason: string; readonly by: string; readonly at: number }>>;
}

export interface Artifact {
  readonly name: string;
  readonly bucket: string;
  readonly key: string;
}

/** What a source action found. */
export interface Revision {
  readonly action: string;
  readonly artifact: string;
  readonly id: string;
  readonly summary?: string;
  readonly url?: string;
  readonly changedAt?: number;
}

/** What a job worker says of the revision that its action is at now. */
export interface JobRevision {
  readonly id: string;
  readonly changeId: string;
  readonly created?: number;
}

/** One run of one action. */
export interface ActionRun {
  readonly id: string;
  readonly jobRevision?: JobRevision;
  readonly stage: string;
  /** Of the action, or of the rule of a condition. */
  readonly action: string;
  readonly condition?: ConditionType;
  readonly status: ActionStatus;
  readonly started: number;
  readonly updated: number;
  /** With variables put in. */
  readonly configuration?: Readonly<Record<string, string>>;
  /** Of the provider Commands, with variables put in. */
  readonly commands?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly externalId?: string;
  readonly summary?: string;
  readonly percent?: number;
  readonly error?: { readonly code: string; readonly message: string };
  /** Of an approval. */
  readonly token?: string;
  /** Of a Lambda or custom action. */
  readonly jobId?: string;
  readonly by?: string;
  readonly outputs?: readonly Artifact[];
  readonly variables?: Readonly<Record<string, string>>;
}

/** One execution of a pipeline: all that its steps need, and its history. */
export interface Execution {
  readonly id: string;
  readonly pipeline: string;
  readonly version: number;
  readonly status: ExecutionStatus;
  readonly summary?: string;
  readonly started: number;
  readonly updated: number;
  readonly state: ExecutionState;
  readonly stopReason?: string;
  /** Of a rollback: the execution whose artifacts it takes. */
  readonly rollbackTarget?: string;
  readonly trigger: { readonly type: string; readonly detail: string };
  /** Variables of the pipeline. */
  readonly variables: Readonly<Record<string, string>>;
  readonly sourceOverrides: readonly {
    readonly actionName: string;
    readonly revisionType: string;
    readonly revisionValue: string;
  }[];
  /** Output variables by namespace. */
  readonly outputs: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly artifacts: Readonly<Record<string, Artifact>>;
  readonly revisions: readonly Revision[];
  readonly runs: readonly ActionRun[];
}

/** Which execution is, or was last, in each stage. */
export interface Progress {
  readonly stages: Readonly<Record<string, string>>;
}

export const TERMINAL: ReadonlySet<string> = new Set(["Succeeded", "Failed", "Stopped", "Superseded", "Cancelled"]);

export const pipelineArn = (ctx: { region: string; account: string }, name: string): string =>
  arn("codepipeline", ctx.region, ctx.account, name);

export const typeOf = (execution: Execution): "ROLLBACK" | "STANDARD" =>
  execution.rollbackTarget === undefined ? "STANDARD" : "ROLLBACK";

export const executionKey = (pipeline: string, id: string): string => `${pipeline}/${id}`;
export const versionKey = (pipeline: string, version: number): string =>
  `${pipeline}/${String(version).padStart(8, "0")}`;

export const fault = (code: string, message: string): AwsError => new AwsError(code, message, 400);
export const noPipeline = (ctx: Ctx, name: string): AwsError =>
  fault("PipelineNotFoundException", `Account '${ctx.account}' does not have a pipeline with name '${name}'`);

/** The permission for an action on the pipeline that the input names, or on a stage or an action of it. */
export const onPipeline =
  (action: string, below: (input: any) => readonly string[] = () => []) =>
  (input: any, ctx: Ctx): Permission[] => {
    const path = [input.pipelineName ?? input.name ?? input.pipeline?.name, ...below(input)].join("/");
    return [{ action: `codepipeline:${action}`, resource: pipelineArn(ctx, path) }];
  };

export const onAll = (action: string) => (): Permission[] => [{ action: `codepipeline:${action}`, resource: "*" }];

export async function existingPipeline(ctx: Ctx, name: string | undefined): Promise<Pipeline> {
  const stored = await ctx.records.get<Pipeline>("pipeline", String(name));
  if (!stored) throw noPipeline(ctx, String(name));
  return stored.value;
}

/** The declaration that an execution runs: the one that held when it began. */
export async function declarationOf(
  ctx: Ctx,
  pipeline: string,
  version: number,
): Promise<Pipeline["declaration"] | undefined> {
  return (await ctx.records.get<Pipeline["declaration"]>("version", versionKey(pipeline, version)))?.value;
}

export async function existingExecution(ctx: Ctx, pipeline: string, id: string): Promise<Execution> {
  await existingPipeline(ctx, pipeline);
  const stored = await ctx.records.get<Execution>("execution", executionKey(pipeline, id));
  if (!stored)
    throw fault(
      "PipelineExecutionNotFoundException",
      `Pipeline execution with ID '${id}' could not be found in the pipeline '${pipeline}'`,
    );
  return stored.value;
}

/** Checks that a pipeline has a stage. */
export function checkStage({ declaration }: Pipeline, stage: string): void {
  if (!declaration.stages.some((s) => s.name === stage))
    throw fault("StageNotFoundException", `The pipeline ${declaration.name} has no stage ${stage}`);
}

/** The bucket of a pipeline's artifacts in a region. */
export function artifactBucket(declaration: Pipeline["declaration"], region: string): string {
  const store =
    declaration.artifactStores?.[region] ??
    declaration.artifactStore ??
    Object.values(declaration.artifactStores ?? {})[0];
  return String((store as { location?: string } | undefined)?.location);
}
