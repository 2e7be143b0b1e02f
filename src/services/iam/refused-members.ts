import type * as Iam from "@aws-sdk/client-iam";
import type { RefusedMembers } from "../../aws/service.ts";

/** What nothing here acts on: calls that ask for it are answered 501. */
export const refused: RefusedMembers<typeof Iam> = {
  CreateSAMLProvider: { AddPrivateKey: [], AssertionEncryptionMode: [] },
  UpdateSAMLProvider: { AddPrivateKey: [], AssertionEncryptionMode: [], RemovePrivateKey: [] },
  CreateServiceSpecificCredential: { CredentialAgeDays: [] },
  ListServiceSpecificCredentials: { AllUsers: [] },
  SimulateCustomPolicy: { OrderedOrganizationPolicyInputList: [] },
  SimulatePrincipalPolicy: { PolicyExclusionList: [] },
};
