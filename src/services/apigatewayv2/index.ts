import type * as V2 from "@aws-sdk/client-apigatewayv2";
import { defineService } from "../../aws/service.ts";
import { apis } from "./apis.ts";
import { httpEndpoint } from "./endpoint.ts";
import { httpApi, httpDeployment, httpIntegration, httpRoute, httpStage } from "./resources.ts";
import { routesAndStages } from "./routes-and-stages.ts";

/** API Gateway, HTTP APIs. */
export const apigatewayv2 = defineService<typeof V2>({
  name: "apigatewayv2",
  operations: { ...apis, ...routesAndStages },
  resources: [httpApi, httpRoute, httpIntegration, httpStage, httpDeployment],
  routes: [httpEndpoint],
});
