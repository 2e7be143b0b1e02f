import type * as V2 from "@aws-sdk/client-apigatewayv2";
import { defineService } from "../../aws/service.ts";
import { apis } from "./apis.ts";
import { authorizers } from "./authorizers.ts";
import { aliasOf } from "./domain-alias.ts";
import { apiMapping, domainName } from "./domain-resources.ts";
import { domains } from "./domains.ts";
import { httpEndpoint } from "./endpoint.ts";
import { mappings } from "./mappings.ts";
import { httpApi, httpAuthorizer, httpDeployment, httpIntegration, httpRoute, httpStage } from "./resources.ts";
import { routes } from "./routes-integrations.ts";
import { stages } from "./stages.ts";
import { tags } from "./tags.ts";
import { createHttpState, type HttpState } from "./state.ts";
import { refused } from "./refused-members.ts";

/** API Gateway, HTTP APIs. */
export const apigatewayv2 = defineService<typeof V2, HttpState>({
  name: "apigatewayv2",
  operations: { ...apis, ...authorizers, ...routes, ...stages, ...domains, ...mappings, ...tags },
  refuses: refused,
  resources: [httpApi, httpAuthorizer, httpRoute, httpIntegration, httpStage, httpDeployment, domainName, apiMapping],
  routes: [httpEndpoint],
  resolveHost: aliasOf,
  start: createHttpState,
});
