import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { APIGateway } from "@aws-sdk/client-api-gateway";
import { CloudFormation } from "@aws-sdk/client-cloudformation";
import { body, openStacks, type Stacks } from "../../../../test/support/stacks.ts";
import { startTestApp, type TestApp } from "../../../../test/support/test-app.ts";

let app: TestApp;
let gateway: APIGateway;
let stacks: Stacks;
before(async () => {
  app = await startTestApp();
  gateway = new APIGateway(app.client);
  stacks = openStacks(app.client);
});
after(() => app.stop());

const RestApiId = { Ref: "Api" };
const api = (name: string, stage: object, more: object = {}): string =>
  body({
    Api: { Type: "AWS::ApiGateway::RestApi", Properties: { Name: name } },
    Method: {
      Type: "AWS::ApiGateway::Method",
      Properties: {
        RestApiId,
        ResourceId: { "Fn::GetAtt": ["Api", "RootResourceId"] },
        HttpMethod: "GET",
        AuthorizationType: "NONE",
        Integration: { Type: "MOCK" },
      },
    },
    Deployment: { Type: "AWS::ApiGateway::Deployment", DependsOn: "Method", Properties: { RestApiId } },
    Stage: {
      Type: "AWS::ApiGateway::Stage",
      Properties: { RestApiId, DeploymentId: { Ref: "Deployment" }, ...stage },
    },
    ...more,
  });

async function stagesOf(name: string) {
  const { items } = await gateway.getRestApis({});
  return (await gateway.getStages({ restApiId: items!.find((one) => one.name === name)!.id! })).item!;
}

test("a stage without a name gets one, which its updates keep", async () => {
  const of = (value: string): string => api("nameless", { Variables: { v: value } });
  assert.equal((await stacks.create("nameless", of("1"))).StackStatus, "CREATE_COMPLETE");
  const [made] = await stagesOf("nameless");
  assert.match(made!.stageName!, /^nameless-Stage-[A-Z0-9]{12}$/);
  assert.equal((await stacks.update("nameless", of("2"))).StackStatus, "UPDATE_COMPLETE");
  const [updated] = await stagesOf("nameless");
  assert.deepEqual([updated!.stageName, updated!.variables], [made!.stageName, { v: "2" }]);
});

test("a deployment may come as the canary of a stage, and goes before it", async () => {
  const DeploymentCanarySettings = { PercentTraffic: 50, StageVariableOverrides: { v: "new" } };
  const Canary = {
    Type: "AWS::ApiGateway::Deployment",
    DependsOn: "Stage",
    Properties: { RestApiId, StageName: "prod", DeploymentCanarySettings },
  };
  const template = api("canary", { StageName: "prod", Variables: { v: "old" } }, { Canary });
  const { StackId } = await stacks.create("canary", template);
  const [stage] = await stagesOf("canary");
  const { deploymentId, ...settings } = stage!.canarySettings!;
  assert.deepEqual(settings, { percentTraffic: 50, stageVariableOverrides: { v: "new" }, useStageCache: false });
  assert.notEqual(deploymentId, stage!.deploymentId);
  await new CloudFormation(app.client).deleteStack({ StackName: "canary" });
  assert.equal((await stacks.ended(StackId!)).StackStatus, "DELETE_COMPLETE");
});
