import type * as CodeBuild from "@aws-sdk/client-codebuild";
import { defineService } from "../../aws/service.ts";
import { batches } from "./api/batches.ts";
import { builds } from "./api/builds.ts";
import { reports } from "./api/reports.ts";
import { projects } from "./api/projects.ts";
import { codebuildProject } from "./resources/project.ts";
import { reportGroup } from "./resources/report-group.ts";
import { batchTimeouts, batchWorker } from "./batches/worker.ts";
import { builder, queueTimeouts } from "./run.ts";
import { startCodeBuild, type CodeBuildState } from "./state.ts";
import { refused } from "./refused-members.ts";

/** CodeBuild: projects, their builds and their test reports. */
export const codebuild = defineService<typeof CodeBuild, CodeBuildState>({
  name: "codebuild",
  operations: { ...projects, ...builds, ...batches, ...reports },
  refuses: refused,
  resources: [codebuildProject, reportGroup],
  workers: [builder, queueTimeouts, batchWorker, batchTimeouts],
  start: startCodeBuild,
  stop: async (state) => state.close(),
});
