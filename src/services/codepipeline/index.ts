import type * as CodePipeline from "@aws-sdk/client-codepipeline";
import { defineService } from "../../aws/service.ts";
import { actionTimeouts, actor } from "./act.ts";
import { actionTypes } from "./api/action-types.ts";
import { executions } from "./api/executions.ts";
import { continueJob, JOB_CONTINUATIONS, jobs } from "./api/jobs.ts";
import { pipelines } from "./api/pipelines.ts";
import { stages } from "./api/stages.ts";
import { stateOperations } from "./api/state.ts";
import { poller } from "./poll.ts";
import { customActionType } from "./resources/custom-action-type.ts";
import { pipeline } from "./resources/pipeline.ts";
import { startPipelines, type PipelineState } from "./state.ts";
import { stepper } from "./step.ts";
import { refused } from "./refused-members.ts";

/** CodePipeline: pipelines, their executions, and the jobs of their actions. */
export const codepipeline = defineService<typeof CodePipeline, PipelineState>({
  name: "codepipeline",
  refuses: refused,
  operations: { ...pipelines, ...executions, ...stages, ...stateOperations, ...jobs, ...actionTypes },
  resources: [pipeline, customActionType],
  workers: [
    stepper,
    actor,
    actionTimeouts,
    poller,
    { topic: JOB_CONTINUATIONS, concurrency: 16, leaseMs: 30_000, run: continueJob },
  ],
  start: startPipelines,
  stop: async (state) => state.close(),
});
