import assert from "node:assert/strict";
import { test } from "node:test";
import type { JsonObject } from "../yaml/index.ts";
import { transformSam } from "./index.ts";

const FUNCTION = { CodeUri: "s3://bucket/key", Handler: "index.handler", Runtime: "nodejs22.x" };

const fault = (resources: JsonObject, more: JsonObject = {}): string | undefined =>
  transformSam({ Resources: resources, ...more }).error?.replace(/^.*errors found: \d+\. /, "");

const made = (properties: JsonObject): JsonObject => ({
  F: { Type: "AWS::Serverless::Function", Properties: { ...FUNCTION, ...properties } },
});

const event = (Type: string, Properties: JsonObject): JsonObject => made({ Events: { E: { Type, Properties } } });

test("refuses properties of the wrong kind, of resources and of events", () => {
  const words = (id: string, name: string): string =>
    `Resource with id [${id}] is invalid. Type of property '${name}' is invalid.`;
  assert.equal(fault(made({ Environment: "A=1" })), words("F", "Environment"));
  assert.equal(fault(made({ PropagateTags: "yes" })), words("F", "PropagateTags"));
  assert.equal(fault(event("SQS", { Queue: "arn:q", BatchSize: "ten" })), words("FE", "BatchSize"));
  assert.equal(
    fault(event("SNS", { Topic: "arn:t", ConsumerGroupId: "g" })),
    "Resource with id [FE] is invalid. property ConsumerGroupId not defined for resource of type SNS",
  );
  assert.equal(fault(event("SQS", { Queue: "arn:q", BatchSize: { Ref: "Size" } })), undefined);
});

test("refuses authorizers that an API cannot have, and routes that ask for them", () => {
  const api = (Auth: JsonObject): string | undefined =>
    fault({ Api: { Type: "AWS::Serverless::Api", Properties: { StageName: "Prod", Auth } } });
  assert.match(api({ DefaultAuthorizer: ["A"] }) ?? "", /DefaultAuthorizer is not a string\./);
  const authorizer = (more: JsonObject): JsonObject => ({ Authorizers: { A: { FunctionArn: "arn:f", ...more } } });
  assert.match(api(authorizer({ Identity: "x" })) ?? "", /'Auth\.Authorizers\.A\.Identity' should be a map\./);
  assert.match(api(authorizer({ Identity: { Headers: [1] } })) ?? "", /Identity\.Headers\[0\]' should be a string\./);
  assert.match(
    fault(event("Api", { Path: "/", Method: "get", Auth: { Authorizer: "NONE" } })) ?? "",
    /because 'NONE' is only a valid value when a DefaultAuthorizer on the API is specified\./,
  );
});

test("looks at the paths of a definition only where something is added to them", () => {
  const api = (more: JsonObject): string | undefined => {
    const DefinitionBody = { openapi: "3.0.1", info: {}, paths: { "/a": "odd" } };
    return fault({ Api: { Type: "AWS::Serverless::Api", Properties: { StageName: "Prod", DefinitionBody, ...more } } });
  };
  assert.equal(api({}), undefined);
  assert.match(api({ Cors: "'*'" }) ?? "", /Value of '\/a' path must be a dictionary/);
});

test("refuses what functions of tenants cannot have", () => {
  const tenants = { TenancyConfig: { TenantIsolationMode: "PER_TENANT" } };
  assert.match(fault(made({ ...tenants, FunctionUrlConfig: { AuthType: "NONE" } })) ?? "", /Function URL is not/);
  assert.match(
    fault(made({ ...tenants, Events: { E: { Type: "SQS", Properties: { Queue: "arn:q" } } } })) ?? "",
    /Event source 'SQS' is not supported/,
  );
});

test("makes the destination of failures where a condition leaves it out", () => {
  const OnFailure = { Type: "SQS", Destination: { "Fn::If": ["Given", "arn:q", { Ref: "AWS::NoValue" }] } };
  const { template } = transformSam({
    Conditions: { Given: { "Fn::Equals": ["a", "b"] } },
    Resources: made({ EventInvokeConfig: { DestinationConfig: { OnFailure } } }),
  });
  const resources = template?.Resources as Record<string, JsonObject>;
  const condition = String(resources.FEventInvokeConfigOnFailureQueue?.Condition);
  assert.match(condition, /^NOTGiven[0-9a-f]{10}$/);
  const config = resources.FEventInvokeConfig?.Properties as JsonObject;
  assert.deepEqual(config.DestinationConfig, {
    OnFailure: {
      Destination: { "Fn::If": [condition, { "Fn::GetAtt": ["FEventInvokeConfigOnFailureQueue", "Arn"] }, "arn:q"] },
    },
  });
  assert.deepEqual((template!.Conditions as JsonObject)[condition], { "Fn::Not": [{ Condition: "Given" }] });
});

test(
  "refuses more notifications of a bucket than S3 takes, and looks at many triggers once",
  { timeout: 10_000 },
  () => {
    const Events = Array.from({ length: 20_000 }, (_none, i) => `s3:e${i}`);
    const bucket = { B: { Type: "AWS::S3::Bucket" } };
    assert.match(
      fault({ ...bucket, ...event("S3", { Bucket: { Ref: "B" }, Events }) }) ?? "",
      /A bucket may have 100 notification configurations at most/,
    );
    const queues = Array.from({ length: 4_000 }, (_none, i) => [
      `E${i}`,
      {
        Type: "MQ",
        Properties: {
          Broker: `b${i}`,
          Queues: ["q"],
          SourceAccessConfigurations: [{ Type: "BASIC_AUTH", URI: `u${i}` }],
        },
      },
    ]);
    assert.equal(fault(made({ Events: Object.fromEntries(queues) as JsonObject })), undefined);
    assert.match(fault(event("constructor", {})) ?? "", /constructor/);
  },
);
