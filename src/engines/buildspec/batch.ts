import type { JsonObject, JsonValue } from "../yaml/index.ts";
import type { BatchSpec, BatchTask } from "./buildspec.ts";
import { Fault, flag, list, map, optionalText, texts } from "./values.ts";

const KINDS = ["build-graph", "build-list", "build-matrix"] as const;
const TASK_KEYS = new Set("identifier buildspec debug-session depend-on env ignore-failure".split(" "));
const ENV_KEYS = new Set("compute-type fleet image privileged-mode type variables".split(" "));
/** https://docs.aws.amazon.com/codebuild/latest/userguide/limits.html */
const MAX_BATCH_BUILDS = 100;
const IDENTIFIER = /^[A-Za-z_][A-Za-z0-9_]{0,127}$/;

/** Reads the section `batch`: https://docs.aws.amazon.com/codebuild/latest/userguide/batch-build-buildspec.html */
export function readBatch(value: JsonValue): BatchSpec {
  const batch = map(value, "/batch");
  for (const key of Object.keys(batch)) {
    if (key === "build-fanout") throw new Fault("Starling does not implement build-fanout yet", "/batch/build-fanout");
    if (key !== "fast-fail" && !(KINDS as readonly string[]).includes(key))
      throw new Fault(`Unknown key "${key}" in batch`, `/batch/${key}`);
  }
  const given = KINDS.filter((kind) => batch[kind] !== undefined);
  const [kind] = given;
  if (!kind || given.length > 1) throw new Fault(`Expected batch to have exactly one of ${KINDS.join(", ")}`, "/batch");
  const tasks = kind === "build-matrix" ? readMatrix(batch[kind]!) : readTasks(batch[kind]!, kind);
  if (!tasks.length || tasks.length > MAX_BATCH_BUILDS)
    throw new Fault(`A batch has between 1 and ${MAX_BATCH_BUILDS} builds, not ${tasks.length}`, `/batch/${kind}`);
  checkGraph(tasks, `/batch/${kind}`);
  return { fastFail: flag(batch["fast-fail"]), tasks };
}

function readTasks(value: JsonValue, kind: string): BatchTask[] {
  const path = `/batch/${kind}`;
  if (!Array.isArray(value)) throw new Fault(`Expected batch/${kind} to be a list of builds`, path);
  return value.map((one, i) => readTask(map(one, `${path}/${i}`), `${path}/${i}`, kind === "build-graph"));
}

function readTask(task: JsonObject, path: string, isGraph: boolean): BatchTask {
  for (const key of Object.keys(task))
    if (!TASK_KEYS.has(key) || (key === "depend-on" && !isGraph))
      throw new Fault(`Unknown key "${key}" in a build of the batch`, `${path}/${key}`);
  const identifier = optionalText(task["identifier"], `${path}/identifier`) ?? "";
  if (!IDENTIFIER.test(identifier))
    throw new Fault(
      `Invalid batch identifier "${identifier}": letters, digits and _, at most 128, not beginning with a digit`,
      `${path}/identifier`,
    );
  const buildspec = optionalText(task["buildspec"], `${path}/buildspec`);
  return {
    identifier,
    dependsOn: list(task["depend-on"], `${path}/depend-on`),
    ignoreFailure: flag(task["ignore-failure"]),
    ...(buildspec !== undefined && { buildspec }),
    ...readEnv(task["env"], `${path}/env`),
  };
}

function readEnv(value: JsonValue | undefined, path: string): Pick<BatchTask, "environment" | "variables"> {
  const env = map(value, path);
  for (const key of Object.keys(env))
    if (!ENV_KEYS.has(key)) throw new Fault(`Unknown key "${key}" in env`, `${path}/${key}`);
  if (env["fleet"] !== undefined) throw new Fault("Starling does not implement CodeBuild fleets", `${path}/fleet`);
  const type = optionalText(env["type"], `${path}/type`);
  const image = optionalText(env["image"], `${path}/image`);
  const computeType = optionalText(env["compute-type"], `${path}/compute-type`);
  return {
    environment: {
      ...(type !== undefined && { type }),
      ...(image !== undefined && { image }),
      ...(computeType !== undefined && { computeType }),
      ...(env["privileged-mode"] !== undefined && { privilegedMode: flag(env["privileged-mode"]) }),
    },
    variables: texts(env["variables"], `${path}/variables`),
  };
}

/** A build for each combination of the values that are listed. */
function readMatrix(value: JsonValue): BatchTask[] {
  const path = "/batch/build-matrix";
  const matrix = map(value, path);
  const fixed = map(matrix["static"], `${path}/static`);
  const dynamic = map(matrix["dynamic"], `${path}/dynamic`);
  const dynamicEnv = map(dynamic["env"], `${path}/dynamic/env`);
  const axes: [put: (task: BatchTask, value: string) => BatchTask, values: string[]][] = [];
  const axis = (given: JsonValue | undefined, at: string, put: (task: BatchTask, value: string) => BatchTask): void => {
    const values = list(given, `${path}/dynamic/${at}`);
    if (values.length) axes.push([put, values]);
  };
  axis(dynamic["buildspec"], "buildspec", (task, buildspec) => ({ ...task, buildspec }));
  for (const [key, member] of [
    ["compute-type", "computeType"],
    ["image", "image"],
  ] as const)
    axis(dynamicEnv[key], `env/${key}`, (task, one) => ({
      ...task,
      environment: { ...task.environment, [member]: one },
    }));
  for (const [name, values] of Object.entries(map(dynamicEnv["variables"], `${path}/dynamic/env/variables`)))
    axis(values, `env/variables/${name}`, (task, one) => ({
      ...task,
      variables: { ...task.variables, [name]: one },
    }));
  const base: BatchTask = {
    identifier: "",
    dependsOn: [],
    ignoreFailure: flag(fixed["ignore-failure"]),
    ...readEnv(fixed["env"], `${path}/static/env`),
  };
  let tasks = [base];
  for (const [put, values] of axes) {
    if (tasks.length * values.length > MAX_BATCH_BUILDS)
      throw new Fault(`A batch has at most ${MAX_BATCH_BUILDS} builds; the matrix has more`, path);
    tasks = tasks.flatMap((task) => values.map((one) => put(task, one)));
  }
  return tasks.map((task, i) => ({ ...task, identifier: `build${i}` }));
}

/** Refuses two builds of one name, dependencies on builds that are not there, and circles. */
function checkGraph(tasks: readonly BatchTask[], path: string): void {
  const known = new Set<string>();
  for (const { identifier } of tasks) {
    if (known.has(identifier)) throw new Fault(`The batch has more than one build ${identifier}`, path);
    known.add(identifier);
  }
  for (const { identifier, dependsOn } of tasks)
    for (const other of dependsOn)
      if (!known.has(other)) throw new Fault(`The build ${identifier} depends on ${other}, which is not there`, path);
  const done = new Set<string>();
  for (let left = [...tasks]; left.length;) {
    const next = left.filter(({ dependsOn }) => !dependsOn.every((one) => done.has(one)));
    if (next.length === left.length)
      throw new Fault(`The builds ${left.map((t) => t.identifier).join(", ")} depend on each other in a circle`, path);
    for (const { identifier } of left) if (!next.some((t) => t.identifier === identifier)) done.add(identifier);
    left = next;
  }
}
