import {
  advance,
  supersededBy,
  type Advance,
  type Gates,
  type PipelineDefinition,
} from "../../engines/pipeline/index.ts";
import type { Execution } from "./model.ts";

export interface Candidate {
  readonly execution: Execution;
  readonly definition: PipelineDefinition;
}

/** The next step of one execution. */
export interface Step {
  readonly execution: Execution;
  readonly advance: Advance;
}

/**
 * Decides what each execution of a pipeline does now. `candidates` are those that have not ended, oldest first: at most
 * one is in a stage, and in the mode SUPERSEDED only the newest waits before one.
 */
export function planSteps(candidates: readonly Candidate[], disabled: ReadonlySet<string>): Step[] {
  const mode = candidates.at(-1)?.definition.executionMode ?? "SUPERSEDED";
  const parallel = mode === "PARALLEL";
  const inside = new Map(
    candidates.map(({ execution, definition }) => [execution.id, stageInside(definition, execution)]),
  );
  const occupied = (except: string): Set<string> =>
    new Set(
      parallel ? [] : [...inside].flatMap(([id, stage]) => (id !== except && stage !== undefined ? [stage] : [])),
    );
  const first = candidates.map((one) => ({
    ...one,
    step: stepOf(one, { disabled, occupied: occupied(one.execution.id) }),
  }));
  const givesWay = new Set<string>();
  const waitsInLine = new Set<string>();
  if (!parallel) {
    for (const ids of groupBy(first, ({ step, execution }) => wantedStage(step, execution)).values()) {
      for (const id of supersededBy(
        mode,
        ids.map(({ execution }) => execution.id),
      ))
        givesWay.add(id);
      const entering = ids.filter(({ step, execution }) => !step.waiting && !givesWay.has(execution.id));
      for (const { execution } of entering.slice(1)) waitsInLine.add(execution.id);
    }
  }
  return first
    .filter(({ execution }) => !waitsInLine.has(execution.id))
    .map((one) => ({
      execution: one.execution,
      advance: givesWay.has(one.execution.id)
        ? advance(one.definition, { ...one.execution.state, superseded: true })
        : one.step,
    }));
}

const stepOf = ({ definition, execution }: Candidate, gates: Gates): Advance =>
  advance(definition, execution.state, gates);

/** The stage that an execution is in: it has begun there and has not ended. */
function stageInside(definition: PipelineDefinition, execution: Execution): string | undefined {
  const { stages } = advance(definition, execution.state, {
    disabled: new Set(definition.stages.map((s) => s.name)),
    occupied: new Set(),
  });
  return Object.keys(stages).find(
    (name) => execution.state.stages[name] && (stages[name] === "InProgress" || stages[name] === "Stopping"),
  );
}

/** The stage that an execution enters now, or waits for. */
export function wantedStage(step: Advance, execution: Execution): string | undefined {
  if (step.waiting) return step.waiting.stage;
  return [...step.start, ...step.rules].find(({ stage }) => !execution.state.stages[stage])?.stage;
}

function groupBy<T>(items: readonly T[], keyOf: (item: T) => string | undefined): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    if (key !== undefined) groups.set(key, [...(groups.get(key) ?? []), item]);
  }
  return groups;
}
