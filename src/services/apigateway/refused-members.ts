import type * as Gateway from "@aws-sdk/client-api-gateway";
import type { RefusedMembers } from "../../aws/service.ts";

/** Names that are private have an id beside their name. */
const PRIVATE_NAME = { domainNameId: [] };

/** What nothing here acts on: calls that ask for it are answered 501. */
export const refused: RefusedMembers<typeof Gateway> = {
  CreateBasePathMapping: PRIVATE_NAME,
  DeleteBasePathMapping: PRIVATE_NAME,
  GetBasePathMapping: PRIVATE_NAME,
  GetBasePathMappings: PRIVATE_NAME,
  UpdateBasePathMapping: PRIVATE_NAME,
  DeleteDomainName: PRIVATE_NAME,
  GetDomainName: PRIVATE_NAME,
  UpdateDomainName: PRIVATE_NAME,
  GetDomainNames: { resourceOwner: ["SELF"] },
  CreateDomainName: {
    "endpointConfiguration.ipAddressType": ["ipv4"],
    "endpointConfiguration.vpcEndpointIds": [],
    certificatePrivateKey: [],
    endpointAccessMode: ["BASIC"],
    ownershipVerificationCertificateArn: [],
  },
  CreateRestApi: {
    "endpointConfiguration.vpcEndpointIds": [],
    cloneFrom: [],
    endpointAccessMode: ["BASIC"],
    securityPolicy: ["TLS_1_0", "TLS_1_2"],
  },
  GetModel: { flatten: [] },
  PutIntegration: {
    "tlsConfig.insecureSkipVerification": [],
    connectionId: [],
    integrationTarget: [],
    responseTransferMode: ["BUFFERED"],
  },
  TestInvokeMethod: { clientCertificateId: [] },
};
