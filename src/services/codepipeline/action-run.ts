import type { Context } from "../../aws/context.ts";
import type { ActionDefinition } from "../../engines/pipeline/index.ts";
import { AwsError } from "../../kernel/aws-error.ts";
import type { Outcome } from "./finish.ts";
import { artifactBucket, type ActionRun, type Artifact, type Ctx, type Execution, type Pipeline } from "./model.ts";

/** What an action works with. */
export interface ActionContext {
  readonly ctx: Ctx;
  /** The session of the action's role, or the pipeline's, in the action's region. */
  readonly role: Context<any>;
  readonly roleArn: string;
  readonly declaration: Pipeline["declaration"];
  readonly execution: Execution;
  readonly action: ActionDefinition;
  readonly run: ActionRun;
  /** The configuration with variables put in. */
  readonly configuration: Readonly<Record<string, string>>;
  /** In the order of the declaration. */
  readonly inputs: readonly Artifact[];
  /** Where the outputs are to be put, in the order of the declaration; the same for every try. */
  readonly outputs: readonly Artifact[];
  /** Aborts when the action is abandoned, has taken too long, or the platform stops. */
  readonly signal: AbortSignal;
  /** Stores what is known of the run so far. */
  save(change: Partial<ActionRun>): Promise<void>;
}

/** How an action left its worker: ended, or waiting for somebody's call. */
export type Left =
  | ({ readonly status: "Succeeded" } & Omit<Outcome, "status" | "error">)
  | { readonly status: "Pending" };

/** A provider of actions; `run` may be called again after a crash, with the same context. */
export interface ActionProvider {
  run(action: ActionContext): Promise<Left>;
  /** Minutes until the action has taken too long. */
  readonly timeoutMinutes: number;
  /** Refuses what of a configuration cannot be done, when the pipeline is declared. */
  check?(action: ActionDefinition): void;
}

/** Why an action failed, with CodePipeline's code. */
export class ActionFailure extends Error {
  readonly code: string;
  constructor(
    code:
      | "JobFailed"
      | "ConfigurationError"
      | "PermissionError"
      | "SystemUnavailable"
      | "TimeoutError"
      | "NotImplemented",
    message: string,
  ) {
    super(message);
    this.code = code;
  }
}

/** The code and the message with which anything thrown shows. */
export function failureOf(error: unknown): { code: string; message: string } {
  if (error instanceof ActionFailure) return { code: error.code, message: error.message };
  if (!(error instanceof AwsError))
    return { code: "JobFailed", message: error instanceof Error ? error.message : String(error) };
  const isDenied = /AccessDenied|NotAuthorized|Forbidden/.test(error.code);
  return {
    code: isDenied ? "PermissionError" : error.status === 501 ? "NotImplemented" : "JobFailed",
    message: `${error.message} (${error.code})`,
  };
}

/** The places of a run's outputs: the same for every try, as they follow from the run's id. */
export function outputPlaces(
  declaration: Pipeline["declaration"],
  action: ActionDefinition,
  run: ActionRun,
  region: string,
): Artifact[] {
  const bucket = artifactBucket(declaration, region);
  const unique = run.id.replaceAll("-", "").slice(0, 12);
  return (action.outputArtifacts ?? []).map(({ name }) => ({
    name,
    bucket,
    key: `${declaration.name.slice(0, 20)}/${name.slice(0, 10)}/${unique}`,
  }));
}

/** An input artifact by its name. */
export function inputNamed(action: ActionContext, name: string | undefined): Artifact {
  const found = name === undefined ? action.inputs[0] : action.inputs.find((one) => one.name === name);
  if (!found)
    throw new ActionFailure(
      "ConfigurationError",
      `The action ${action.action.name} has no input artifact ${name ?? ""}`,
    );
  return found;
}

const FIRST_PAUSE_MS = 25;

/**
 * Asks again and again until `look` answers something: at once when `topic` calls, else after pauses that grow from 25 ms
 * to `slowestMs`. Ends with the action's signal.
 */
export async function waitFor<T>(
  action: ActionContext,
  look: () => Promise<T | undefined>,
  options: { topic?: string | undefined; isOurs?: (message: unknown) => boolean; slowestMs: number },
): Promise<T> {
  const { bus, clock } = action.ctx.platform;
  let wake = new AbortController();
  const onMessage = (message: unknown): void => {
    if (options.isOurs?.(message) ?? true) wake.abort();
  };
  const unsubscribe = options.topic === undefined ? () => undefined : bus.subscribe(options.topic, onMessage);
  try {
    for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(options.slowestMs, pause * 1.5)) {
      const found = await look();
      if (found !== undefined) return found;
      await clock.sleep(pause, AbortSignal.any([wake.signal, action.signal])).catch(() => undefined);
      action.signal.throwIfAborted();
      wake = new AbortController();
    }
  } finally {
    unsubscribe();
  }
}
