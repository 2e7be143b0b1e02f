import type * as CodeBuild from "@aws-sdk/client-codebuild";
import { defineService } from "../../aws/service.ts";
import { builds } from "./api/builds.ts";
import { projects } from "./api/projects.ts";
import { codebuildProject } from "./resources/project.ts";
import { builder, queueTimeouts } from "./run.ts";
import { startCodeBuild, type CodeBuildState } from "./state.ts";

/** CodeBuild: projects and their builds. */
export const codebuild = defineService<typeof CodeBuild, CodeBuildState>({
  name: "codebuild",
  operations: { ...projects, ...builds },
  resources: [codebuildProject],
  workers: [builder, queueTimeouts],
  start: startCodeBuild,
  stop: async (state) => state.close(),
});
