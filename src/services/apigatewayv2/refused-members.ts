import type * as V2 from "@aws-sdk/client-apigatewayv2";
import type { RefusedMembers } from "../../aws/service.ts";

/** What WebSocket APIs have, and addresses other than those of IPv4. */
const API = {
  ApiKeySelectionExpression: ["$request.header.x-api-key"],
  DisableSchemaValidation: [],
  IpAddressType: ["ipv4"],
  RouteSelectionExpression: ["$request.method $request.path", "${request.method} ${request.path}"],
};

const DOMAIN = {
  "DomainNameConfigurations.IpAddressType": ["ipv4"],
  "DomainNameConfigurations.OwnershipVerificationCertificateArn": [],
};

/** What nothing here acts on: calls that ask for it are answered 501. */
export const refused: RefusedMembers<typeof V2> = {
  CreateApi: API,
  UpdateApi: API,
  CreateDomainName: DOMAIN,
  UpdateDomainName: DOMAIN,
  ImportApi: { Basepath: ["ignore"] },
  ReimportApi: { Basepath: ["ignore"] },
};
