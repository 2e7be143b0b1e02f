import type * as CodeCommit from "@aws-sdk/client-codecommit";
import type { RefusedMembers } from "../../aws/service.ts";

/** What nothing here acts on: calls that ask for it are answered 501. */
export const refused: RefusedMembers<typeof CodeCommit> = {
  CreateRepository: { kmsKeyId: [] },
};
