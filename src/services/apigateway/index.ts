import type * as Gateway from "@aws-sdk/client-api-gateway";
import { defineService } from "../../aws/service.ts";
import { apis } from "./api/apis.ts";
import { resourcesAndMethods } from "./api/resources-and-methods.ts";
import { stages } from "./api/stages.ts";
import { apiDeployment, apiStage } from "./resources/deployment-and-stage.ts";
import { apiAccount, apiMethod, apiResource } from "./resources/resource-and-method.ts";
import { restApi } from "./resources/rest-api.ts";
import { restEndpoint } from "./routes.ts";

/** API Gateway, REST APIs. */
export const apigateway = defineService<typeof Gateway>({
  name: "apigateway",
  operations: { ...apis, ...resourcesAndMethods, ...stages },
  resources: [restApi, apiResource, apiMethod, apiDeployment, apiStage, apiAccount],
  routes: [restEndpoint],
});
