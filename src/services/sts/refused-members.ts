import type * as Sts from "@aws-sdk/client-sts";
import type { RefusedMembers } from "../../aws/service.ts";

/** What nothing here acts on: calls that ask for it are answered 501. */
export const refused: RefusedMembers<typeof Sts> = {
  AssumeRole: { MinimumSessionTokenSize: [], ProvidedContexts: [] },
  AssumeRoleWithWebIdentity: { MinimumSessionTokenSize: [], ProviderId: [] },
  GetFederationToken: { MinimumSessionTokenSize: [] },
  GetSessionToken: { MinimumSessionTokenSize: [] },
};
