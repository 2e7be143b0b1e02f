import type * as Gateway from "@aws-sdk/client-api-gateway";
import { defineService } from "../../aws/service.ts";
import { apis } from "./api/apis.ts";
import { authorizers } from "./api/authorizers.ts";
import { basePathMappings } from "./api/base-path-mappings.ts";
import { definitions } from "./api/definitions.ts";
import { deployments } from "./api/deployments.ts";
import { documentationParts, documentationVersions } from "./api/documentation.ts";
import { domains } from "./api/domains.ts";
import { exports } from "./api/export.ts";
import { keys } from "./api/keys.ts";
import { methodChanges } from "./api/method-changes.ts";
import { resourcesAndMethods } from "./api/resources-and-methods.ts";
import { stages } from "./api/stages.ts";
import { testInvoke } from "./api/test-invoke.ts";
import { usagePlans } from "./api/usage-plans.ts";
import { apiModel, gatewayResponse, requestValidator } from "./resources/definitions.ts";
import { apiDeployment } from "./resources/deployment.ts";
import { documentationPart, documentationVersion } from "./resources/documentation.ts";
import { basePathMapping, domainName } from "./resources/domain.ts";
import { apiStage } from "./resources/stage.ts";
import { apiAuthorizer } from "./resources/authorizer.ts";
import { apiAccount, apiMethod, apiResource } from "./resources/resource-and-method.ts";
import { apiKey, usagePlan, usagePlanKey } from "./resources/usage.ts";
import { restApi } from "./resources/rest-api.ts";
import { restEndpoint } from "./routes.ts";
import { createRestState, type RestState } from "./state.ts";
import { refused } from "./refused-members.ts";

/** API Gateway, REST APIs. */
export const apigateway = defineService<typeof Gateway, RestState>({
  name: "apigateway",
  operations: {
    ...apis,
    ...authorizers,
    ...basePathMappings,
    ...definitions,
    ...deployments,
    ...documentationParts,
    ...documentationVersions,
    ...domains,
    ...exports,
    ...keys,
    ...methodChanges,
    ...resourcesAndMethods,
    ...stages,
    ...testInvoke,
    ...usagePlans,
  },
  refuses: refused,
  resources: [
    restApi,
    apiResource,
    apiMethod,
    apiDeployment,
    apiStage,
    apiAccount,
    apiAuthorizer,
    apiKey,
    usagePlan,
    usagePlanKey,
    apiModel,
    requestValidator,
    gatewayResponse,
    documentationPart,
    documentationVersion,
    domainName,
    basePathMapping,
  ],
  routes: [restEndpoint],
  periodic: [{ name: "write usage", everyMs: 1_000, run: (ctx) => ctx.state.usage.flush() }],
  start: createRestState,
  stop: ({ usage }) => usage.flush(),
});
