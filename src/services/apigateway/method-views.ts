import type * as Gateway from "@aws-sdk/client-api-gateway";
import type { Integration, Method } from "./model.ts";

const isEmpty = (map: object | undefined): boolean => map === undefined || Object.keys(map).length === 0;

/** An integration as it is shown, with its responses where it has any. */
export function integrationView({ integrationResponses, ...integration }: Integration): Gateway.Integration {
  const responses = isEmpty(integrationResponses) ? {} : { integrationResponses };
  return { cacheKeyParameters: [], ...integration, ...responses } as Gateway.Integration;
}

/** A method as it is shown: members without entries are left out. */
export function methodView({ methodIntegration, methodResponses, ...method }: Method): Gateway.Method {
  return {
    ...method,
    ...(isEmpty(methodResponses) ? {} : { methodResponses }),
    ...(methodIntegration ? { methodIntegration: integrationView(methodIntegration) } : {}),
  } as Gateway.Method;
}
