/** Builds: a buildspec run in a sandbox. Knows no AWS API; the service around it does. */
export type { BuildArtifact } from "./artifacts.ts";
export type { BuildCache } from "./build-cache.ts";
export { CONCURRENT_BUILDS, limitsOf } from "./compute-types.ts";
export { LogDelivery } from "./log-delivery.ts";
export type { ReportFiles } from "./report-files.ts";
export { BuildFailure, runBuild, SOURCE_FOLDER } from "./run-build.ts";
export type { BuildPhaseResult, BuildStatus, PreparedBuild, RunBuildInput, RunBuildResult } from "./build-model.ts";
export { readZipEntry, unzipTo } from "./unzip.ts";
