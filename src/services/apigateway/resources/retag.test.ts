import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { APIGateway } from "@aws-sdk/client-api-gateway";
import { ApiGatewayV2 } from "@aws-sdk/client-apigatewayv2";
import { CloudFormation } from "@aws-sdk/client-cloudformation";
import { body, openStacks } from "../../../../test/support/stacks.ts";
import { startTestApp, type TestApp } from "../../../../test/support/test-app.ts";

let app: TestApp;
before(async () => {
  app = await startTestApp();
});
after(() => app.stop());

test("an update gives APIs, stages and domain names the tags of the new template", async () => {
  const rest = new APIGateway(app.client);
  const http = new ApiGatewayV2(app.client);
  const cfn = new CloudFormation(app.client);
  const stacks = openStacks(app.client);
  const made = (Type: string, Properties: object, more: object = {}) => ({ Type: `AWS::${Type}`, Properties, ...more });
  const template = (tags: Record<string, string>) => {
    const Tags = Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
    const RestApiId = { Ref: "Rest" };
    return body({
      Rest: made("ApiGateway::RestApi", { Name: "rest", Tags }),
      Method: made("ApiGateway::Method", {
        RestApiId,
        ResourceId: { "Fn::GetAtt": ["Rest", "RootResourceId"] },
        HttpMethod: "GET",
        AuthorizationType: "NONE",
        Integration: { Type: "MOCK" },
      }),
      Deployment: made("ApiGateway::Deployment", { RestApiId }, { DependsOn: "Method" }),
      Stage: made("ApiGateway::Stage", { RestApiId, DeploymentId: { Ref: "Deployment" }, StageName: "live", Tags }),
      Http: made("ApiGatewayV2::Api", { Name: "http", ProtocolType: "HTTP", Tags: tags }),
      Domain: made("ApiGatewayV2::DomainName", { DomainName: "tags.example.com", Tags: tags }),
    });
  };
  const tags = async () => {
    const { StackResources = [] } = await cfn.describeStackResources({ StackName: "tags" });
    const idOf = (id: string) => StackResources.find((one) => one.LogicalResourceId === id)!.PhysicalResourceId!;
    const all = [
      (await rest.getRestApi({ restApiId: idOf("Rest") })).tags,
      (await rest.getStage({ restApiId: idOf("Rest"), stageName: "live" })).tags,
      (await http.getApi({ ApiId: idOf("Http") })).Tags,
      (await http.getDomainName({ DomainName: "tags.example.com" })).Tags,
    ];
    const own = (one: Record<string, string> = {}) =>
      Object.fromEntries(Object.entries(one).filter(([key]) => !key.startsWith("aws:")));
    return all.map(own);
  };
  await stacks.create("tags", template({ keep: "1", drop: "1" }));
  assert.deepEqual(await tags(), Array(4).fill({ keep: "1", drop: "1" }));
  assert.equal((await stacks.update("tags", template({ keep: "2", more: "1" }))).StackStatus, "UPDATE_COMPLETE");
  assert.deepEqual(await tags(), Array(4).fill({ keep: "2", more: "1" }));
});
