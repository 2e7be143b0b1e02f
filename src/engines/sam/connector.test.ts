import assert from "node:assert/strict";
import { test } from "node:test";
import type { JsonObject } from "../yaml/index.ts";
import { transformSam } from "./index.ts";

const FUNCTION = {
  Type: "AWS::Serverless::Function",
  Properties: { Runtime: "nodejs22.x", Handler: "index.handler", InlineCode: "x" },
};

const transformed = (Resources: JsonObject) => {
  const { template, error } = transformSam({ Transform: "AWS::Serverless-2016-10-31", Resources });
  return { resources: (template?.Resources ?? {}) as Record<string, any>, error };
};

test("a connector lets a function's role use a bucket", () => {
  const { resources, error } = transformed({
    Fn: FUNCTION,
    Bucket: { Type: "AWS::S3::Bucket" },
    Joined: {
      Type: "AWS::Serverless::Connector",
      Properties: { Source: { Id: "Fn" }, Destination: { Id: "Bucket" }, Permissions: ["Write"] },
    },
    Later: { Type: "AWS::SQS::Queue", DependsOn: "Joined" },
  });
  assert.equal(error, undefined);
  const { Type, Properties } = resources["JoinedPolicy"];
  assert.equal(Type, "AWS::IAM::ManagedPolicy");
  assert.deepEqual(Properties.Roles, [{ Ref: "FnRole" }]);
  const [statement] = Properties.PolicyDocument.Statement;
  assert.ok(statement.Action.includes("s3:PutObject") && !statement.Action.includes("s3:GetObject"));
  assert.deepEqual(statement.Resource, [
    { "Fn::GetAtt": ["Bucket", "Arn"] },
    { "Fn::Sub": ["${DestinationArn}/*", { DestinationArn: { "Fn::GetAtt": ["Bucket", "Arn"] } }] },
  ]);
  assert.deepEqual(resources["Later"].DependsOn, ["JoinedPolicy"]);
});

test("an event source mapping waits for the policy that lets the function read the queue", () => {
  const { resources } = transformed({
    Fn: FUNCTION,
    Queue: {
      Type: "AWS::SQS::Queue",
      Connectors: { ToFn: { Properties: { Destination: { Id: "Fn" }, Permissions: ["Read", "Write"] } } },
    },
    Mapping: {
      Type: "AWS::Lambda::EventSourceMapping",
      Properties: { FunctionName: { Ref: "Fn" }, EventSourceArn: { "Fn::GetAtt": ["Queue", "Arn"] } },
    },
  });
  assert.deepEqual(resources["Mapping"].DependsOn, ["QueueToFnPolicy"]);
  assert.equal(resources["Queue"].Connectors, undefined);
});

test("a connector that joins nothing is refused in SAM's words", () => {
  const joined = (Properties: JsonObject) =>
    transformed({ Fn: FUNCTION, Q: { Type: "AWS::SQS::Queue" }, C: { Type: "AWS::Serverless::Connector", Properties } })
      .error;
  const both = { Source: { Id: "Fn" }, Destination: { Id: "Q" } };
  assert.match(
    joined({ Source: { Id: "Q" }, Destination: { Id: "Q" }, Permissions: ["Read"] })!,
    /Unable to create connector from AWS::SQS::Queue to AWS::SQS::Queue; it's not supported or the template is invalid/,
  );
  assert.match(
    joined({ Source: { Type: "constructor" }, Destination: { Type: "name" }, Permissions: ["Read"] })!,
    /Unable to create connector from constructor to name/,
  );
  const Destination = Array.from({ length: 501 }, () => ({ Id: "Q" }));
  assert.match(joined({ ...both, Destination, Permissions: ["Read"] })!, /more than 500 items/);
  assert.match(joined({ ...both, Permissions: ["Own"] })!, /valid values are: Read, Write\./);
  assert.match(joined({ ...both, Permissions: [] })!, /'Permissions' cannot be empty/);
  assert.match(
    joined({ Source: { Id: "Q" }, Destination: { Id: "Fn" }, Permissions: ["Read"] })!,
    /valid combinations are: Read \+ Write\./,
  );
  assert.match(
    joined({ ...both, Source: { Id: "None" }, Permissions: ["Read"] })!,
    /Unable to find resource with logical ID 'None'/,
  );
});
