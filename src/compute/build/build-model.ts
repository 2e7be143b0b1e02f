import type { Buildspec } from "../../engines/buildspec/index.ts";
import type { Clock } from "../../kernel/clock.ts";
import type { SandboxHost } from "../../ports/sandbox.ts";
import type { BuildArtifact } from "./artifacts.ts";
import type { BuildCache } from "./build-cache.ts";
import type { ReportFiles } from "./report-files.ts";

export type BuildStatus = "SUCCEEDED" | "FAILED" | "TIMED_OUT" | "STOPPED" | "FAULT";

/** One phase as CodeBuild reports it. */
export interface BuildPhaseResult {
  readonly phaseType:
    | "PROVISIONING"
    | "DOWNLOAD_SOURCE"
    | "INSTALL"
    | "PRE_BUILD"
    | "BUILD"
    | "POST_BUILD"
    | "UPLOAD_ARTIFACTS"
    | "FINALIZING";
  readonly phaseStatus: BuildStatus | "IN_PROGRESS";
  readonly startTime: number;
  readonly endTime?: number;
  readonly contexts: readonly { readonly statusCode: string; readonly message: string }[];
}

/** What a build runs, known when its sources are there. */
export interface PreparedBuild {
  readonly spec: Buildspec;
  /** Where the buildspec came from, for the log. */
  readonly specLocation?: string;
  /** What the buildspec takes from stores. */
  readonly storedVariables?: Readonly<Record<string, string>>;
  /** Values that must not show in the log. */
  readonly secrets?: readonly string[];
  /** Folder of the main process with the sources; without it the build starts empty. */
  readonly sourceFolder?: string;
  readonly secondarySources?: readonly { readonly identifier: string; readonly folder: string }[];
}

export interface RunBuildInput {
  readonly sandboxHost: Pick<SandboxHost, "startBuild">;
  /** The folder of the installation. */
  readonly code: string;
  /** Id of the sandbox, `[a-z0-9-]{1,64}`. */
  readonly id: string;
  /** What must be there before sources are fetched, within the phase PROVISIONING. */
  readonly provision?: () => Promise<void>;
  /** Fetches the sources and reads the buildspec, within the phase DOWNLOAD_SOURCE. */
  readonly prepare: (note: (message: string) => void) => Promise<PreparedBuild>;
  /** Variables of the project, the call and CodeBuild itself; they win over the buildspec's. */
  readonly env: () => Readonly<Record<string, string>>;
  /** Values that must not show in the log, known from the start. */
  readonly secrets?: () => readonly string[];
  /** An existing folder of the main process in which the zips of artifacts are written. */
  readonly outputFolder: string;
  readonly cache?: BuildCache;
  readonly limits: { readonly memoryMB: number; readonly diskMB: number; readonly cpus: number; readonly pids: number };
  readonly internet: boolean;
  readonly clock: Clock;
  /** Called when a phase begins (`IN_PROGRESS`) and when it ends. */
  readonly onPhase: (phase: BuildPhaseResult) => void;
  /** Called with each line of the log, newline included. */
  readonly onLog: (message: string) => void;
  /** Takes the zips to where they belong, within the phase UPLOAD_ARTIFACTS. */
  readonly onArtifacts?: (artifacts: readonly BuildArtifact[]) => Promise<void>;
  /** Takes what the buildspec names as reports, after its commands, of a build that failed too. */
  readonly onReports?: (reports: readonly ReportFiles[], note: (message: string) => void) => Promise<void>;
  readonly signal?: AbortSignal;
  /** Time for the whole build. */
  readonly timeoutMs: number;
}

export interface RunBuildResult {
  readonly status: BuildStatus;
  readonly phases: readonly BuildPhaseResult[];
  readonly artifacts: readonly BuildArtifact[];
  readonly exportedVariables: Readonly<Record<string, string>>;
}
