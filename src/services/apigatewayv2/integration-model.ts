import { checkRequestParameters } from "./map-request.ts";
import { checkResponseParameters } from "./map-response.ts";
import type * as V2 from "@aws-sdk/client-apigatewayv2";
import { badRequest, given, missing, notForHttp, type HttpIntegration } from "./model.ts";
import { checkSubtype } from "./service-subtypes.ts";

/** An integration that can be called; refuses what is none. */
export function checkedIntegration(integration: HttpIntegration): HttpIntegration {
  const { type, uri, subtype, payloadFormatVersion } = integration;
  if (type !== "AWS_PROXY" && type !== "HTTP_PROXY")
    throw badRequest(
      "Currently, an API with a protocol type of HTTP may only be associated with proxy integrations (AWS_PROXY, HTTP_PROXY)",
    );
  checkResponseParameters(integration.responseParameters ?? {});
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
  if (!/^arn:[\w-]+:(lambda|apigateway):/.test(uri))
    throw badRequest(
      "Invalid ARN specified in the request: the integration must be a Lambda function, or name its IntegrationSubtype",
    );
  if (!["1.0", "2.0"].includes(payloadFormatVersion))
    throw badRequest("PayloadFormatVersion is a required parameter for AWS_PROXY integration and must be 1.0 or 2.0");
  return integration;
}

type Said = Omit<V2.CreateIntegrationCommandInput, "ApiId" | "IntegrationType"> & {
  IntegrationType?: V2.IntegrationType | undefined;
};

/** What an input says of an integration; members that it does not name are those of before. */
export function integrationSaid(input: Said, before?: HttpIntegration): Partial<HttpIntegration> {
  refuseForeign(input);
  return given({
    uri: input.IntegrationUri,
    type: input.IntegrationType,
    method: input.IntegrationMethod,
    payloadFormatVersion: input.PayloadFormatVersion,
    timeoutInMillis: input.TimeoutInMillis,
    credentialsArn: input.CredentialsArn,
    description: input.Description,
    subtype: input.IntegrationSubtype,
    requestParameters: input.RequestParameters && changed(before?.requestParameters, input.RequestParameters),
    responseParameters: input.ResponseParameters && {
      ...before?.responseParameters,
      ...Object.fromEntries(
        Object.entries(input.ResponseParameters).map(([status, changes]) => [status, changed({}, changes)]),
      ),
    },
  }) as Partial<HttpIntegration>;
}

/** Values with others over them; an empty text takes one out. */
export const changed = (
  before: Readonly<Record<string, string>> = {},
  next: Readonly<Record<string, string>>,
): Record<string, string> =>
  Object.fromEntries(Object.entries({ ...before, ...next }).filter(([, value]) => value !== ""));

/** Members that WebSocket APIs have, or that lead into networks that are not here. `PassthroughBehavior` says nothing here. */
function refuseForeign(input: Said): void {
  notForHttp(input, "ContentHandlingStrategy", "RequestTemplates", "TemplateSelectionExpression");
  if (input.ConnectionType === "VPC_LINK" || input.ConnectionId) throw missing("integrations by VPC links");
  if (input.TlsConfig) throw missing("the TlsConfig of integrations");
}
