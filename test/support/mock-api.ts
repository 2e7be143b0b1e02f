import type { APIGateway } from "@aws-sdk/client-api-gateway";

/** Deploys a REST API that answers every call by a template; answers its id. */
export async function deployMockApi(
  gateway: APIGateway,
  stageName: string,
  answer: { statusCode: string; template: string; responseParameters?: Readonly<Record<string, string>> },
): Promise<string> {
  const { statusCode, template, responseParameters } = answer;
  const integration = {
    type: "mock",
    requestTemplates: { "application/json": '{"statusCode": 200}' },
    responses: { default: { statusCode, responseTemplates: { "application/json": template }, responseParameters } },
  };
  const paths = { "/{any+}": { "x-amazon-apigateway-any-method": { "x-amazon-apigateway-integration": integration } } };
  const body = Buffer.from(JSON.stringify({ swagger: "2.0", info: { title: "b", version: "1" }, paths }));
  const { id: restApiId } = await gateway.importRestApi({ body });
  await gateway.createDeployment({ restApiId, stageName });
  return String(restApiId);
}
