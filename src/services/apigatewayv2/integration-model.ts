import { checkRequestParameters } from "./map-request.ts";
import { badRequest, missing, type HttpIntegration } from "./model.ts";
import { checkSubtype } from "./service-subtypes.ts";

/** An integration that can be called; refuses what is none. */
export function checkedIntegration(integration: HttpIntegration): HttpIntegration {
  const { type, uri, subtype, payloadFormatVersion } = integration;
  if (subtype !== undefined) {
    if (type !== "AWS_PROXY") throw badRequest("IntegrationSubtype is for AWS_PROXY integrations");
    checkSubtype({ ...integration, subtype });
    return integration;
  }
  checkRequestParameters(integration.requestParameters ?? {});
  if (type === "HTTP_PROXY") {
    if (!/^https?:\/\/\S+$/.test(uri)) throw badRequest("Invalid integration URI specified");
    if (payloadFormatVersion !== "1.0") throw badRequest("PayloadFormatVersion of HTTP_PROXY integrations must be 1.0");
    return integration;
  }
  if (type !== "AWS_PROXY") throw missing(`integrations of the type ${type}`);
  if (!/^arn:[\w-]+:(lambda|apigateway):/.test(uri))
    throw badRequest(
      "Invalid ARN specified in the request: the integration must be a Lambda function, or name its IntegrationSubtype",
    );
  if (!["1.0", "2.0"].includes(payloadFormatVersion))
    throw badRequest("PayloadFormatVersion is a required parameter for AWS_PROXY integration and must be 1.0 or 2.0");
  return integration;
}
