import type * as CodePipeline from "@aws-sdk/client-codepipeline";
import type { RefusedMembers } from "../../aws/service.ts";

const PIPELINE = { "pipeline.stages.blockers": [] };

/** What nothing here acts on: calls that ask for it are answered 501. */
export const refused: RefusedMembers<typeof CodePipeline> = { CreatePipeline: PIPELINE, UpdatePipeline: PIPELINE };
