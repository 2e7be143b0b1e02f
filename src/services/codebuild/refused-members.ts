import type * as CodeBuild from "@aws-sdk/client-codebuild";
import type { RefusedMembers } from "../../aws/service.ts";

/** Sources are CodeCommit, S3 and pipelines, which need none; objects in S3 are their bucket owner's. */
const PROJECT = {
  "source.auth": [],
  "secondarySources.auth": [],
  "artifacts.bucketOwnerAccess": [],
  "secondaryArtifacts.bucketOwnerAccess": [],
  "logsConfig.s3Logs.bucketOwnerAccess": [],
  "environment.computeConfiguration": [],
  "environment.dockerServer": [],
  "environment.hostKernel": [],
};

const OVERRIDES = {
  "secondarySourcesOverride.auth": [],
  "artifactsOverride.bucketOwnerAccess": [],
  "secondaryArtifactsOverride.bucketOwnerAccess": [],
  "logsConfigOverride.s3Logs.bucketOwnerAccess": [],
};

/** What nothing here acts on: calls that ask for it are answered 501. */
export const refused: RefusedMembers<typeof CodeBuild> = {
  CreateProject: PROJECT,
  UpdateProject: PROJECT,
  StartBuild: {
    ...OVERRIDES,
    reportBuildStatusOverride: [],
  },
  StartBuildBatch: OVERRIDES,
};
