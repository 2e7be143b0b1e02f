import { isIP } from "node:net";
import { codeOf, messageOf } from "../kernel/aws-error.ts";
import { visit } from "./api-client.ts";
import { milliseconds, type Caller } from "./caller.ts";
import type { Place } from "./new-project.ts";

/** What scripts and people see of a project. */
export interface ProjectFacts {
  readonly id: string;
  readonly url: string;
  readonly cloneUrl: string;
  readonly pipeline: string;
  /** `creating`, `deploying`, `live`, `failed` or `deleting`. */
  readonly state: string;
}

/** The address of a project's page. A name below an address is no name: there it is below localhost. */
export function projectUrl({ publicUrl }: Pick<Place, "publicUrl">, id: string): string {
  const url = new URL(publicUrl);
  const host = isIP(url.hostname.replace(/^\[|\]$/g, "")) === 0 ? url.hostname : "localhost";
  return `${url.protocol}//${id}.${host}${url.port ? `:${url.port}` : ""}/`;
}

const orNothing =
  (...codes: string[]) =>
  (error: unknown): undefined => {
    if (!codes.includes(String(codeOf(error)))) throw error;
    return undefined;
  };

export async function projectFacts(call: Caller, place: Place, id: string): Promise<ProjectFacts> {
  const project = await call("codestar", "DescribeProject", { id });
  const repository = await call("codecommit", "GetRepository", { repositoryName: id }).catch(
    orNothing("RepositoryDoesNotExistException"),
  );
  return {
    id,
    url: projectUrl(place, id),
    cloneUrl: String(repository?.repositoryMetadata?.cloneUrlHttp ?? ""),
    pipeline: `${id}-Pipeline`,
    state: await stateOf(call, id, String(project.status?.state)),
  };
}

async function stateOf(call: Caller, id: string, state: string): Promise<string> {
  if (state === "CreateInProgress") return "creating";
  if (state === "DeleteInProgress") return "deleting";
  if (state !== "CreateComplete") return "failed";
  const answer = await call("cloudformation", "DescribeStacks", { StackName: `awscodestar-${id}-lambda` }).catch(
    orNothing("ValidationError"),
  );
  const status = String(answer?.Stacks?.[0]?.StackStatus ?? "");
  // A stack that has been deployed once stays live while, and after, a later deployment fails.
  if (/^(CREATE_COMPLETE|UPDATE_)/.test(status)) return "live";
  const stages = await pipelineStages(call, id);
  return stages.some((stage) => stage.status === "Failed") ? "failed" : "deploying";
}

/** The application's stack where its first creation was rolled back: no release can change it before it is deleted. */
export async function rolledBackStack(call: Caller, id: string): Promise<string | undefined> {
  const StackName = `awscodestar-${id}-lambda`;
  const answer = await call("cloudformation", "DescribeStacks", { StackName }).catch(() => undefined);
  return /^(ROLLBACK_|CREATE_FAILED)/.test(String(answer?.Stacks?.[0]?.StackStatus)) ? StackName : undefined;
}

export async function allProjects(call: Caller, place: Place): Promise<ProjectFacts[]> {
  const ids: string[] = [];
  let nextToken: string | undefined;
  do {
    const page = await call("codestar", "ListProjects", nextToken ? { nextToken } : {});
    ids.push(...page.projects.map((p: { projectId: string }) => p.projectId));
    nextToken = page.nextToken;
  } while (nextToken);
  const facts = await Promise.all(
    ids.map((id) => projectFacts(call, place, id).catch(orNothing("ProjectNotFoundException"))),
  );
  return facts.filter((f) => f !== undefined);
}

interface StageStatus {
  readonly name: string;
  readonly status: string;
  readonly executionId: string;
  readonly actions: readonly {
    readonly name: string;
    readonly status: string;
    readonly message: string;
    readonly changed: number;
    readonly build?: string;
  }[];
}

/** The states of a pipeline's stages in order; none where it is not there (yet). */
export async function pipelineStages(call: Caller, id: string): Promise<StageStatus[]> {
  const state = await call("codepipeline", "GetPipelineState", { name: `${id}-Pipeline` }).catch(
    orNothing("PipelineNotFoundException"),
  );
  return (state?.stageStates ?? []).map((stage: any) => ({
    name: String(stage.stageName),
    status: String(stage.latestExecution?.status ?? ""),
    executionId: String(stage.latestExecution?.pipelineExecutionId ?? ""),
    actions: (stage.actionStates ?? []).map((action: any) => ({
      name: String(action.actionName),
      status: String(action.latestExecution?.status ?? ""),
      message: String(action.latestExecution?.errorDetails?.message ?? action.latestExecution?.summary ?? ""),
      changed: milliseconds(action.latestExecution?.lastStatusChange),
      ...(action.latestExecution?.externalExecutionId
        ? { build: String(action.latestExecution.externalExecutionId) }
        : {}),
    })),
  }));
}

export interface Waiting {
  /** Told about each step, line by line. */
  readonly progress: (line: string) => void;
  readonly signal?: AbortSignal;
  readonly limitMs?: number;
  /** Runs of the pipeline that count no more: those before the push. */
  readonly ignore?: ReadonlySet<string>;
}

const POLL_MS = 150;
const LIMIT_MS = 15 * 60_000;

/** Waits until the project itself is made; throws with the reason where it is not. */
export async function untilCreated(call: Caller, id: string, waiting: Waiting): Promise<void> {
  await poll(waiting, async () => {
    const { status } = await call("codestar", "DescribeProject", { id });
    if (status.state === "CreateInProgress") return false;
    if (status.state !== "CreateComplete")
      throw new Error(`the project ${id} could not be created: ${status.reason ?? status.state}`);
    return true;
  });
}

/** Waits until the project's page answers, and says with which status; throws with the stage, the action and the reason where its release fails. */
export async function untilLive(call: Caller, place: Place, id: string, waiting: Waiting): Promise<number> {
  let answered = 0;
  const shown = new Map<string, string>();
  const { host } = new URL(projectUrl(place, id));
  await poll(waiting, async () => {
    const stages = (await pipelineStages(call, id)).filter((stage) => !waiting.ignore?.has(stage.executionId));
    for (const stage of stages) report(stage, shown, waiting.progress);
    const failed = stages.find((stage) => stage.status === "Failed");
    if (failed) throw new Error(await explain(call, id, failed));
    if (stages.length === 0) return false;
    const { status } = await visit(place.publicUrl, host).catch(() => ({ status: 503 }));
    answered = status;
    // A service may have nothing at "/": then a release that has ended is what can be waited for.
    return status === 200 || (status !== 503 && stages.at(-1)?.status === "Succeeded");
  });
  return answered;
}

function report(stage: StageStatus, shown: Map<string, string>, progress: (line: string) => void): void {
  if (!stage.status || shown.get(stage.name) === stage.status) return;
  shown.set(stage.name, stage.status);
  const text = { InProgress: "running", Succeeded: "done", Failed: "failed" }[stage.status] ?? stage.status;
  progress(`${stage.name.padEnd(7)} ${text}`);
}

/** Which stage and action failed, and why, down to the resource or the build's last words. */
export async function explain(call: Caller, id: string, stage: StageStatus): Promise<string> {
  const action = stage.actions.find((a) => a.status === "Failed");
  const parts = [`the stage ${stage.name} failed${action ? ` in ${action.name}` : ""}`];
  if (action?.message) parts.push(action.message);
  try {
    if (stage.name === "Build" && action?.build) parts.push(...(await buildFailure(call, action.build)));
    if (stage.name === "Deploy") parts.push(...(await stackFailure(call, id)));
  } catch (error) {
    parts.push(`(no details: ${messageOf(error)})`);
  }
  return [...new Set(parts)].join("\n  ");
}

async function buildFailure(call: Caller, build: string): Promise<string[]> {
  const { builds = [] } = await call("codebuild", "BatchGetBuilds", { ids: [build] });
  const contexts = (builds[0]?.phases ?? []).flatMap((phase: any) =>
    (phase.contexts ?? []).map((c: any) => (c.message ? `${phase.phaseType}: ${c.message}` : "")),
  );
  const { groupName: logGroupName, streamName: logStreamName } = builds[0]?.logs ?? {};
  const lines: string[] = [];
  if (logGroupName && logStreamName) {
    const { events = [] } = await call("logs", "GetLogEvents", { logGroupName, logStreamName, limit: 500 });
    lines.push(...lastWords(events.map((e: any) => String(e.message).trimEnd())).map((line) => `| ${line}`));
  }
  return [...contexts.filter(Boolean), ...lines];
}

const SHOWN_LINES = 14;

const agentSays = (line: string, words: string): boolean =>
  line.replace(/^\[Container\] \S+ \S+ /, "").startsWith(words) && line.startsWith("[Container] ");

/** What the first command that failed wrote at its end; of a build without one, its last lines. */
export function lastWords(lines: readonly string[]): string[] {
  const failed = lines.findIndex((line) => agentSays(line, "Command did not exit successfully "));
  const begun = lines.slice(0, Math.max(failed, 0)).findLastIndex((line) => agentSays(line, "Running command "));
  const written = failed < 0 ? lines : lines.slice(begun + 1, failed);
  return written.slice(-SHOWN_LINES);
}

/** IAM says of a condition that is not met only that nothing allows the action. */
const LACKS_BOUNDARY =
  /not authorized to perform: iam:(CreateRole|PutRolePolicy|AttachRolePolicy) on resource: \S+:role\//;
const BOUNDARY_ADVICE =
  "(the deployment may make roles that are named CodeStar-<project>-… or by CloudFormation, and only with the project's boundary: give the role " +
  'PermissionsBoundary: !Sub "arn:${AWS::Partition}:iam::${AWS::AccountId}:policy/CodeStar_${ProjectId}_PermissionsBoundary")';

async function stackFailure(call: Caller, id: string): Promise<string[]> {
  const { StackEvents = [] } = await call("cloudformation", "DescribeStackEvents", {
    StackName: `awscodestar-${id}-lambda`,
  }).catch(() => ({}));
  const failures = StackEvents.filter(
    (e: any) =>
      String(e.ResourceStatus).endsWith("_FAILED") &&
      e.ResourceType !== "AWS::CloudFormation::Stack" &&
      !/cancelled/i.test(e.ResourceStatusReason ?? ""),
  );
  const told = failures
    .slice(0, 3)
    .map((e: any) => `${e.LogicalResourceId} (${e.ResourceType}): ${e.ResourceStatusReason ?? e.ResourceStatus}`);
  return told.some((text: string) => LACKS_BOUNDARY.test(text)) ? [...told, BOUNDARY_ADVICE] : told;
}

async function poll({ limitMs = LIMIT_MS, signal }: Waiting, done: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + limitMs;
  while (Date.now() < end) {
    signal?.throwIfAborted();
    if (await done()) return;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  throw new Error(`it was not ready after ${limitMs / 60_000} minutes`);
}
