/** CodeBuild's buildspecs: parse them, and match the files that they name. */
export { PHASES } from "./buildspec.ts";
export type {
  ArtifactSpec,
  BatchSpec,
  BatchTask,
  BuildPhase,
  Buildspec,
  BuildspecFault,
  OnFailure,
  PhaseName,
  ReportSpec,
} from "./buildspec.ts";
export { pathMatcher } from "./glob.ts";
export { parseBuildspec } from "./parse.ts";
