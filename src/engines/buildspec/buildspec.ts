/** What to do when a phase fails. */
export type OnFailure =
  | { readonly kind: "ABORT" }
  | { readonly kind: "CONTINUE" }
  /** Again, at most `times`; with a pattern only where the error matches it. */
  | { readonly kind: "RETRY"; readonly times: number; readonly pattern?: string };

export const PHASES = ["install", "pre_build", "build", "post_build"] as const;
export type PhaseName = (typeof PHASES)[number];

export interface BuildPhase {
  readonly commands: readonly string[];
  readonly finally: readonly string[];
  readonly onFailure: OnFailure;
  readonly runAs?: string;
}

/** Files that a build hands on. */
export interface ArtifactSpec {
  readonly name?: string;
  readonly files: readonly string[];
  readonly excludePaths: readonly string[];
  readonly baseDirectory?: string;
  readonly discardPaths: boolean;
  readonly symlinkPreserve: boolean;
}

export interface ReportSpec {
  /** A name, or an ARN of a report group. */
  readonly group: string;
  readonly files: readonly string[];
  readonly baseDirectory?: string;
  readonly discardPaths: boolean;
  readonly fileFormat: string;
}

/** One build of a batch. */
export interface BatchTask {
  readonly identifier: string;
  readonly dependsOn: readonly string[];
  /** Its failure does not fail the batch, and does not hold up what depends on it. */
  readonly ignoreFailure: boolean;
  readonly buildspec?: string;
  readonly environment: {
    readonly type?: string;
    readonly image?: string;
    readonly computeType?: string;
    readonly privilegedMode?: boolean;
  };
  readonly variables: Readonly<Record<string, string>>;
}

/** The builds that a batch runs; a build on its own knows nothing of them. */
export interface BatchSpec {
  /** The first failure stops the others. */
  readonly fastFail: boolean;
  readonly tasks: readonly BatchTask[];
}

/** A buildspec, checked. */
export interface Buildspec {
  /** In 0.1 each command has a shell of its own; in 0.2 one shell runs them all. */
  readonly version: "0.1" | "0.2";
  readonly runAs?: string;
  readonly env: {
    readonly shell: string;
    readonly variables: Readonly<Record<string, string>>;
    /** Variable -> name in the parameter store. */
    readonly parameterStore: Readonly<Record<string, string>>;
    /** Variable -> `secret-id:json-key:version-stage:version-id`. */
    readonly secretsManager: Readonly<Record<string, string>>;
    readonly exportedVariables: readonly string[];
    readonly gitCredentialHelper: boolean;
  };
  readonly runtimeVersions: Readonly<Record<string, string>>;
  readonly phases: Readonly<Partial<Record<PhaseName, BuildPhase>>>;
  readonly artifacts?: ArtifactSpec;
  readonly secondaryArtifacts: Readonly<Record<string, ArtifactSpec>>;
  readonly reports: readonly ReportSpec[];
  /** Paths of keys that mean nothing, which a build passes over. */
  readonly unknownKeys: readonly string[];
  readonly cache: {
    readonly paths: readonly string[];
    readonly key?: string;
    readonly fallbackKeys: readonly string[];
  };
  readonly batch?: BatchSpec;
}

/** Why a buildspec is refused: the phase context code of CodeBuild, its message and the line. */
export interface BuildspecFault {
  readonly code: "YAML_FILE_ERROR";
  readonly message: string;
  readonly path: string;
  readonly line?: number;
}
