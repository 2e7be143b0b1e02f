import type { Statement } from "../../ports/database.ts";
import { buildArn, type BuildView, type Ctx, type Phase } from "./model.ts";

/** EventBridge's event of a build whose status changed; to be written with the change. */
export function buildChanged(ctx: Ctx, build: BuildView, status: string): Statement[] {
  const detail = {
    "build-status": status,
    "project-name": build.projectName,
    "build-id": buildArn(ctx, build.id),
    "current-phase": build.currentPhase,
    "current-phase-context": "[]",
    version: "1",
    "additional-information": information(build),
  };
  return send(ctx, build, "CodeBuild Build State Change", detail);
}

/** EventBridge's event of a phase that ended. */
export function phaseChanged(ctx: Ctx, build: BuildView, phase: Phase): Statement[] {
  const detail = {
    "completed-phase": phase.phaseType,
    "completed-phase-status": phase.phaseStatus,
    "completed-phase-start": eventTime(phase.startTime),
    "completed-phase-end": eventTime(phase.endTime),
    "completed-phase-duration-seconds": phase.durationInSeconds ?? 0,
    "completed-phase-context": `[${(phase.contexts ?? []).map((c) => `${c.statusCode ?? ""}: ${c.message ?? ""}`).join(", ")}]`,
    "project-name": build.projectName,
    "build-id": buildArn(ctx, build.id),
    version: "1",
    "additional-information": information(build),
  };
  return send(ctx, build, "CodeBuild Build Phase Change", detail);
}

function send(ctx: Ctx, build: BuildView, type: string, detail: object): Statement[] {
  const arn = buildArn(ctx, build.id);
  const entry = {
    Source: "aws.codebuild",
    DetailType: type,
    Resources: [arn],
    Detail: JSON.stringify(detail),
    Time: new Date(ctx.now()),
  };
  return ctx.asService(arn).later("events", "PutEvents", { Entries: [entry] });
}

/** `Sep 1, 2017 4:14:05 PM`, as CodeBuild writes times in events. */
const eventTime = (time: number | undefined): string =>
  time === undefined
    ? ""
    : new Date(time)
        .toLocaleString("en-US", { timeZone: "UTC", dateStyle: "medium", timeStyle: "medium" })
        .replace("\u202f", " ");

function information(build: BuildView): object {
  const { environment, source, artifacts, phases, logs } = build;
  return {
    artifact: artifacts ?? {},
    environment: {
      ...environment,
      "compute-type": environment?.computeType,
      "privileged-mode": environment?.privilegedMode,
      "environment-variables": (environment?.environmentVariables ?? []).map(({ name, type, value }) => ({
        name,
        type: type ?? "PLAINTEXT",
        value: type === undefined || type === "PLAINTEXT" ? value : "",
      })),
    },
    "timeout-in-minutes": build.timeoutInMinutes,
    "build-complete": build.buildComplete,
    "build-number": build.buildNumber,
    initiator: build.initiator,
    "build-start-time": eventTime(build.startTime),
    source: { type: source?.type, ...(source?.location ? { location: source.location } : {}) },
    ...(build.sourceVersion ? { "source-version": build.sourceVersion } : {}),
    logs: { "group-name": logs?.groupName, "stream-name": logs?.streamName },
    phases: phases.map((p) => ({
      "phase-type": p.phaseType,
      "phase-status": p.phaseStatus,
      "phase-context": (p.contexts ?? []).map((c) => `${c.statusCode ?? ""}: ${c.message ?? ""}`),
      "start-time": eventTime(p.startTime),
      "end-time": eventTime(p.endTime),
      "duration-in-seconds": p.durationInSeconds,
    })),
  };
}

/** CloudWatch's metrics of a build that ended: https://docs.aws.amazon.com/codebuild/latest/userguide/cloudwatch_metrics-codebuild.html */
export function recordMetrics(ctx: Ctx, build: BuildView): void {
  const timestamp = ctx.now();
  const failed = build.buildStatus !== "SUCCEEDED" && build.buildStatus !== "STOPPED";
  const counts: [string, number, string][] = [
    ["Builds", 1, "Count"],
    ["Duration", (timestamp - build.startTime) / 1000, "Seconds"],
    ...(build.buildStatus === "SUCCEEDED" ? [["SucceededBuilds", 1, "Count"] as [string, number, string]] : []),
    ...(failed ? [["FailedBuilds", 1, "Count"] as [string, number, string]] : []),
    ...build.phases.flatMap((p): [string, number, string][] =>
      p.endTime === undefined || p.startTime === undefined || p.phaseType === "COMPLETED"
        ? []
        : [[`${METRIC_NAMES[p.phaseType ?? ""] ?? p.phaseType}Duration`, (p.endTime - p.startTime) / 1000, "Seconds"]],
    ),
  ];
  const samples = [{ ProjectName: build.projectName }, {}].flatMap((dimensions) =>
    counts.map(([name, value, unit]) => ({
      namespace: "AWS/CodeBuild",
      name,
      dimensions: dimensions as Record<string, string>,
      timestamp,
      unit,
      value,
    })),
  );
  ctx.platform.telemetry.putMetrics(ctx.account, ctx.region, samples);
}

const METRIC_NAMES: Readonly<Record<string, string>> = {
  SUBMITTED: "Submitted",
  QUEUED: "Queued",
  PROVISIONING: "Provisioning",
  DOWNLOAD_SOURCE: "DownloadSource",
  INSTALL: "Install",
  PRE_BUILD: "PreBuild",
  BUILD: "Build",
  POST_BUILD: "PostBuild",
  UPLOAD_ARTIFACTS: "UploadArtifacts",
  FINALIZING: "Finalizing",
};
