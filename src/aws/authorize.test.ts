import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { startTestApp, type TestApp } from "../../test/support/test-app.ts";
import { isAllowed } from "./authorize.ts";
import { createContext, type Context } from "./context.ts";

describe("decisions that are kept", () => {
  let app: TestApp;
  before(async () => void (app = await startTestApp()));
  after(() => app.stop());

  const stranger = (): Context<any> => {
    const { platform, registry } = app.running;
    const account = "000000000000";
    const principal = { kind: "anonymous", account } as const;
    return createContext(platform, registry, { service: "lambda", account, region: "us-east-1", principal });
  };
  /** Asks what a policy with this condition says of a permission with these. */
  const asks = (condition: object, conditions: Record<string, string | undefined>): Promise<boolean> => {
    const Statement = [{ Effect: "Allow", Principal: "*", Action: "*", Resource: "*", Condition: condition }];
    const resourcePolicy = JSON.stringify({ Version: "2012-10-17", Statement });
    const resource = "arn:aws:lambda:us-east-1:000000000000:function:f";
    return isAllowed(stranger(), { action: "lambda:InvokeFunctionUrl", resource, conditions, resourcePolicy });
  };

  test("hold for the values that they were made for, and no others", async () => {
    const ofUrl = { StringEquals: { "lambda:FunctionUrlAuthType": "NONE" } };
    for (const turn of [1, 2]) {
      assert.equal(await asks(ofUrl, { "lambda:FunctionUrlAuthType": "NONE" }), true, `turn ${turn}`);
      assert.equal(await asks(ofUrl, { "lambda:functionurlauthtype": "AWS_IAM" }), false, `turn ${turn}`);
      assert.equal(await asks(ofUrl, { "lambda:FunctionUrlAuthType": undefined }), false, `turn ${turn}`);
      assert.equal(await asks(ofUrl, {}), false, `turn ${turn}`);
    }
  });

  test("are not kept where the permission says what is else the caller's", async () => {
    const ofSource = { ArnLike: { "aws:SourceArn": "arn:aws:s3:::mine" } };
    for (const [source, expected] of [
      ["arn:aws:s3:::mine", true],
      ["arn:aws:s3:::other", false],
      ["arn:aws:s3:::mine", true],
    ] as const)
      assert.equal(await asks(ofSource, { "aws:SourceArn": source }), expected);
  });
});
