import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { APIGateway } from "@aws-sdk/client-api-gateway";
import { ApiGatewayV2 } from "@aws-sdk/client-apigatewayv2";
import { CloudFormation } from "@aws-sdk/client-cloudformation";
import { CloudWatchLogs } from "@aws-sdk/client-cloudwatch-logs";
import { CodeDeploy } from "@aws-sdk/client-codedeploy";
import { EventBridge } from "@aws-sdk/client-eventbridge";
import { IAM } from "@aws-sdk/client-iam";
import { Lambda } from "@aws-sdk/client-lambda";
import { S3 } from "@aws-sdk/client-s3";
import { SSM } from "@aws-sdk/client-ssm";
import { body, group, openStacks, putTo, trust, type Resources, type Stacks } from "../../../test/support/stacks.ts";
import { startTestApp, type TestApp } from "../../../test/support/test-app.ts";

const ACCOUNT = "000000000000";
/** Ids of the moment hold any letters and digits. */
const plain = (shown: unknown): string =>
  JSON.stringify(shown).replaceAll(/[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}/g, "");

const arn = (service: string, rest: string) =>
  `arn:aws:${service}:us-east-1:${rest.startsWith("/") ? "" : ACCOUNT}:${rest}`;
const made = (Type: string, Properties: object, more: object = {}) => ({ Type: `AWS::${Type}`, Properties, ...more });

/** Resources whose every property has the number in it. */
function numbered(n: number): Resources {
  const Tags = [
    { Key: `k${n}`, Value: `v${n}` },
    { Key: "same", Value: `${n}` },
  ];
  const policy = {
    Version: "2012-10-17",
    Statement: [{ Effect: "Allow", Action: `s3:GetObject`, Resource: `arn:aws:s3:::b${n}/*` }],
  };
  return {
    Logs: made("Logs::LogGroup", { LogGroupName: "up", RetentionInDays: n === 1 ? 1 : 3, Tags }),
    Role: made("IAM::Role", {
      RoleName: "up",
      AssumeRolePolicyDocument: trust,
      Description: `d${n}`,
      Tags,
      Policies: [{ PolicyName: `p${n}`, PolicyDocument: policy }],
    }),
    User: made("IAM::User", {
      UserName: "up",
      Tags,
      PermissionsBoundary: `arn:aws:iam::aws:policy/${n === 1 ? "ReadOnlyAccess" : "AdministratorAccess"}`,
    }),
    Bucket: made("S3::Bucket", {
      BucketName: "up-bucket",
      Tags,
      VersioningConfiguration: { Status: n === 1 ? "Enabled" : "Suspended" },
    }),
    Parameter: made("SSM::Parameter", {
      Name: "up",
      Type: "String",
      Value: `v${n}`,
      Description: `d${n}`,
      Tags: { [`k${n}`]: "v" },
    }),
    Bus: made("Events::EventBus", { Name: "up", Tags }),
    Rule: made("Events::Rule", { Name: "up", Description: `d${n}`, EventPattern: { source: [`s${n}`] }, Tags }),
    Application: made("CodeDeploy::Application", { ApplicationName: "up", ComputePlatform: "Lambda", Tags }),
    Rest: made("ApiGateway::RestApi", {
      Name: `rest${n}`,
      Description: `d${n}`,
      BinaryMediaTypes: [`image/${n}`],
      Tags,
    }),
    Method: made("ApiGateway::Method", {
      RestApiId: { Ref: "Rest" },
      ResourceId: { "Fn::GetAtt": ["Rest", "RootResourceId"] },
      HttpMethod: "GET",
      AuthorizationType: "NONE",
      Integration: { Type: "MOCK" },
    }),
    Deployment: made("ApiGateway::Deployment", { RestApiId: { Ref: "Rest" } }, { DependsOn: "Method" }),
    Stage: made("ApiGateway::Stage", {
      RestApiId: { Ref: "Rest" },
      DeploymentId: { Ref: "Deployment" },
      StageName: "up",
      Description: `d${n}`,
      Variables: { [`v${n}`]: "x" },
      TracingEnabled: n === 1,
      Tags,
    }),
    Http: made("ApiGatewayV2::Api", { Name: `http${n}`, ProtocolType: "HTTP", Tags: { [`k${n}`]: "v" } }),
  };
}

describe("an update of every property that can be changed in place", () => {
  let app: TestApp;
  let stacks: Stacks;
  before(async () => {
    app = await startTestApp();
    stacks = openStacks(app.client);
  });
  after(() => app.stop());

  /** What each service's own API shows, without what no template says. */
  async function shown(): Promise<object> {
    const [logs, iam, events, deploy] = [
      new CloudWatchLogs(app.client),
      new IAM(app.client),
      new EventBridge(app.client),
      new CodeDeploy(app.client),
    ];
    const [rest, http, ssm] = [new APIGateway(app.client), new ApiGatewayV2(app.client), new SSM(app.client)];
    const s3 = new S3({ ...app.client, forcePathStyle: true });
    const list = (tags: readonly object[] = []) => tags.map((t) => Object.values(t).join("=")).sort();
    const api = (await rest.getRestApis({})).items![0]!;
    const stage = await rest.getStage({ restApiId: api.id!, stageName: "up" });
    const v2 = (await http.getApis({})).Items![0]!;
    const { Role } = await iam.getRole({ RoleName: "up" });
    const { User } = await iam.getUser({ UserName: "up" });
    const rule = await events.describeRule({ Name: "up" });
    const parameters = await ssm.describeParameters({});
    return {
      logs: [
        (await logs.describeLogGroups({})).logGroups![0]!.retentionInDays,
        (await logs.listTagsForResource({ resourceArn: arn("logs", "log-group:up") })).tags,
      ],
      role: [Role!.Description, list(Role!.Tags), (await iam.listRolePolicies({ RoleName: "up" })).PolicyNames],
      user: [User!.PermissionsBoundary?.PermissionsBoundaryArn, list(User!.Tags)],
      bucket: [
        (await s3.getBucketVersioning({ Bucket: "up-bucket" })).Status,
        list((await s3.getBucketTagging({ Bucket: "up-bucket" })).TagSet),
      ],
      parameter: [
        (await ssm.getParameter({ Name: "up" })).Parameter!.Value,
        parameters.Parameters![0]!.Description,
        list((await ssm.listTagsForResource({ ResourceType: "Parameter", ResourceId: "up" })).TagList),
      ],
      bus: list((await events.listTagsForResource({ ResourceARN: arn("events", "event-bus/up") })).Tags),
      rule: [
        rule.Description,
        rule.EventPattern,
        list((await events.listTagsForResource({ ResourceARN: arn("events", "rule/up") })).Tags),
      ],
      application: list((await deploy.listTagsForResource({ ResourceArn: arn("codedeploy", "application:up") })).Tags),
      rest: [api.name, api.description, api.binaryMediaTypes, api.tags],
      stage: [stage.description, stage.variables, stage.tracingEnabled, stage.tags],
      http: [v2.Name, v2.Tags],
    };
  }

  test("is shown by each service, and taken back by a rollback", async () => {
    assert.equal(
      (await stacks.create("up", body(numbered(1)), { Capabilities: ["CAPABILITY_NAMED_IAM"] })).StackStatus,
      "CREATE_COMPLETE",
    );
    const first = await shown();
    assert.deepEqual(plain(first).match(/[a-z]2\b/g), null);
    const { ids } = await physical();
    const changed = await stacks.update("up", body(numbered(2)), { Capabilities: ["CAPABILITY_NAMED_IAM"] });
    assert.equal(changed.StackStatus, "UPDATE_COMPLETE", changed.StackStatusReason);
    const second = await shown();
    // Nothing of the first is left, and nothing was replaced for it.
    for (const [name, now] of Object.entries(second)) {
      assert.notDeepEqual(now, first[name as keyof typeof first], name);
      assert.doesNotMatch(plain(now), /[a-z]1\b|image\/1/, name);
    }
    assert.deepEqual((await physical()).ids, ids);
    const bad = { ...numbered(1), Bad: group("not a name!", 1, { DependsOn: Object.keys(numbered(1)) }) };
    const back = await stacks.update("up", body(bad), { Capabilities: ["CAPABILITY_NAMED_IAM"] });
    assert.equal(back.StackStatus, "UPDATE_ROLLBACK_COMPLETE", back.StackStatusReason);
    assert.deepEqual(await shown(), second);
  });

  async function physical() {
    const { StackResources = [] } = await new CloudFormation(app.client).describeStackResources({ StackName: "up" });
    return { ids: Object.fromEntries(StackResources.map((r) => [r.LogicalResourceId, r.PhysicalResourceId])) };
  }

  test("what must be replaced lives until the clean-up, and is the stack's again after a rollback", async () => {
    const named = (n: number): Resources => ({
      Logs: group(`named-${n}`, 1),
      Role: made("IAM::Role", { RoleName: `named-${n}`, AssumeRolePolicyDocument: trust }),
      Bucket: made("S3::Bucket", { BucketName: `named-${n}` }),
      Rule: made("Events::Rule", { Name: `named-${n}`, EventPattern: { source: ["x"] } }),
      Parameter: made("SSM::Parameter", { Name: `named-${n}`, Type: "String", Value: "v" }),
    });
    const there = async (): Promise<string[]> => {
      const s3 = new S3({ ...app.client, forcePathStyle: true });
      const all = [
        ...(await new CloudWatchLogs(app.client).describeLogGroups({})).logGroups!.map((g) => `logs ${g.logGroupName}`),
        ...(await new IAM(app.client).listRoles({})).Roles!.map((r) => `iam ${r.RoleName}`),
        ...(await s3.listBuckets({})).Buckets!.map((b) => `s3 ${b.Name}`),
        ...(await new EventBridge(app.client).listRules({})).Rules!.map((r) => `events ${r.Name}`),
        ...(await new SSM(app.client).describeParameters({})).Parameters!.map((p) => `ssm ${p.Name}`),
      ];
      return all.filter((name) => / named-/.test(name)).sort();
    };
    const of = (n: number) => ["events", "iam", "logs", "s3", "ssm"].map((s) => `${s} named-${n}`);
    const capable = { Capabilities: ["CAPABILITY_NAMED_IAM" as const] };
    await stacks.create("named", body(named(1)), capable);
    assert.deepEqual(await there(), of(1));
    // The last resource fails after all others have been replaced: the former ones still live, and stay.
    const bad = { ...named(2), Bad: group("not a name!", 1, { DependsOn: Object.keys(named(2)) }) };
    assert.equal((await stacks.update("named", body(bad), capable)).StackStatus, "UPDATE_ROLLBACK_COMPLETE");
    assert.deepEqual(await there(), of(1));
    const events = await stacks.events("named");
    const at = (line: string): number => events.lastIndexOf(line);
    for (const id of Object.keys(named(1))) {
      assert.ok(at(`${id} DELETE_COMPLETE`) > events.indexOf("named UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS"), id);
    }
    assert.equal((await stacks.update("named", body(named(3)), capable)).StackStatus, "UPDATE_COMPLETE");
    assert.deepEqual(await there(), of(3));
    const done = await stacks.events("named");
    for (const id of Object.keys(named(1)))
      assert.ok(
        done.lastIndexOf(`${id} DELETE_COMPLETE`) > done.lastIndexOf("named UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"),
        id,
      );
  });

  test("a wait condition waits for its signals, fails by one, and gives up in time", async () => {
    const cfn = new CloudFormation(app.client);
    const template = (Timeout: number): string =>
      body(
        {
          Handle: made("CloudFormation::WaitConditionHandle", {}),
          Wait: made("CloudFormation::WaitCondition", { Handle: { Ref: "Handle" }, Timeout: `${Timeout}`, Count: 2 }),
        },
        { Outputs: { Data: { Value: { "Fn::GetAtt": ["Wait", "Data"] } } } },
      );
    const start = async (StackName: string): Promise<string> => {
      await cfn.createStack({ StackName, TemplateBody: template(60) });
      for (const deadline = Date.now() + 10_000; ;) {
        assert.ok(Date.now() < deadline, JSON.stringify((await cfn.describeStackEvents({ StackName })).StackEvents));
        const { StackResources = [] } = await cfn.describeStackResources({ StackName });
        const handle = StackResources.find((r) => r.LogicalResourceId === "Handle");
        if (handle?.ResourceStatus === "CREATE_COMPLETE") return handle.PhysicalResourceId!;
        await new Promise((done) => setTimeout(done, 10));
      }
    };
    const signal = (url: string, text: string): Promise<number> => putTo(app.endpoint, url, text);
    const good = (UniqueId: string) =>
      JSON.stringify({ Status: "SUCCESS", UniqueId, Reason: "r", Data: `d${UniqueId}` });
    const url = await start("wait");
    assert.match(url, /^https:\/\/cloudformation-waitcondition-us-east-1\.s3\.us-east-1\.amazonaws\.com\//);
    assert.equal(await signal(url, "{}"), 400);
    assert.equal(await signal(`${url.slice(0, -4)}AAAA`, good("1")), 403);
    assert.equal(await signal(url, good("1")), 200);
    assert.equal(await signal(url, good("1")), 200, "the same once more counts once");
    assert.equal((await cfn.describeStacks({ StackName: "wait" })).Stacks![0]!.StackStatus, "CREATE_IN_PROGRESS");
    assert.equal(await signal(url, good("2")), 200);
    const done = await stacks.ended("wait");
    assert.equal(done.StackStatus, "CREATE_COMPLETE");
    assert.equal(done.Outputs![0]!.OutputValue, '{"1":"d1","2":"d2"}');

    const bad = await start("wait-bad");
    await signal(bad, JSON.stringify({ Status: "FAILURE", UniqueId: "1", Reason: "no luck" }));
    assert.equal((await stacks.ended("wait-bad")).StackStatus, "ROLLBACK_COMPLETE");
    await cfn.createStack({ StackName: "wait-late", TemplateBody: template(1) });
    assert.equal((await stacks.ended("wait-late")).StackStatus, "ROLLBACK_COMPLETE");
    for (const [name, reason] of [
      ["wait-bad", /received failed message: 'no luck' for uniqueId: 1/],
      ["wait-late", /timed out\. Received 0 conditions when expecting 2/],
    ] as const) {
      const { StackEvents = [] } = await cfn.describeStackEvents({ StackName: name });
      assert.match(StackEvents.find((e) => e.ResourceStatus === "CREATE_FAILED")!.ResourceStatusReason!, reason);
    }
  });

  test("properties that the published schema refuses are named, with their resource", async () => {
    const cases: readonly (readonly [resource: object, reason: RegExp])[] = [
      [made("Logs::LogGroup", { Nope: 1 }), /unsupported property Nope/],
      [
        made("Logs::LogGroup", { RetentionInDays: "many" }),
        /#\/RetentionInDays: expected type: Integer, found: String/,
      ],
      [made("Logs::LogGroup", { LogGroupClass: "NOPE" }), /#\/LogGroupClass: NOPE is not a valid enum value/],
      [
        made("S3::Bucket", { VersioningConfiguration: { Status: "on" } }),
        /#\/VersioningConfiguration\/Status: on is not a valid enum value/,
      ],
      [made("SSM::Parameter", { Type: "String" }), /#: required key \[Value\] not found/],
      [
        made("Logs::LogGroup", { LogGroupName: "a b" }),
        /^Properties validation failed for resource Wrong with message:\n#\/LogGroupName: failed validation constraint for keyword \[pattern\]$/,
      ],
      [made("Logs::LogGroup", { RetentionInDays: 2 }), /retention value/],
      [
        made("IAM::Role", { AssumeRolePolicyDocument: trust, MaxSessionDuration: 5 }),
        /#\/MaxSessionDuration: failed validation constraint for keyword \[minimum\]/,
      ],
    ];
    const cfn = new CloudFormation(app.client);
    for (const [n, [resource, reason]] of cases.entries()) {
      const name = `refused-${n}`;
      const Capabilities = ["CAPABILITY_IAM" as const];
      await stacks.create(name, JSON.stringify({ Resources: { Wrong: resource } }), { Capabilities });
      const { StackEvents = [] } = await cfn.describeStackEvents({ StackName: name });
      const failed = StackEvents.find((e) => e.ResourceStatus === "CREATE_FAILED");
      assert.equal(failed?.LogicalResourceId, "Wrong");
      assert.match(failed?.ResourceStatusReason ?? "", reason);
    }
  });

  test("properties that nothing acts on are refused by their names, before anything is made or changed", async () => {
    const cfn = new CloudFormation(app.client);
    const role = { Name: "told", EndpointConfiguration: { Types: ["REGIONAL"], IpAddressType: "ipv4" } };
    const stack = (more: object) => body({ Told: made("ApiGateway::RestApi", { ...role, ...more }) });
    const reasons = async (status: string) => {
      const { StackEvents = [] } = await cfn.describeStackEvents({ StackName: "told" });
      return StackEvents.filter((e) => e.ResourceStatus === status && e.LogicalResourceId === "Told").map(
        (e) => e.ResourceStatusReason,
      );
    };
    assert.equal((await stacks.create("told", stack({}))).StackStatus, "CREATE_COMPLETE");
    const dual = { EndpointConfiguration: { Types: ["REGIONAL"], IpAddressType: "dualstack" } };
    const update = await stacks.update("told", stack({ ...dual, CloneFrom: "abc" }));
    assert.equal(update.StackStatus, "UPDATE_ROLLBACK_COMPLETE");
    const named = "properties CloneFrom, EndpointConfiguration.IpAddressType of AWS::ApiGateway::RestApi";
    assert.deepEqual(await reasons("UPDATE_FAILED"), [`Starling does not implement the ${named} yet.`]);
  });

  test("settings of functions, versions and users that have operations of their own are set by them", async () => {
    const lambda = new Lambda(app.client);
    const iam = new IAM(app.client);
    const Code = { ZipFile: "exports.handler = async () => 1" };
    const base = { FunctionName: "set", Runtime: "nodejs22.x", Handler: "index.handler", Code };
    const stack = (settings: object, Path: string) =>
      JSON.stringify({
        Resources: {
          Role: {
            Type: "AWS::IAM::Role",
            Properties: {
              AssumeRolePolicyDocument: {
                Statement: {
                  Effect: "Allow",
                  Principal: { Service: "lambda.amazonaws.com" },
                  Action: "sts:AssumeRole",
                },
              },
            },
          },
          Set: {
            Type: "AWS::Lambda::Function",
            Properties: { ...base, Role: { "Fn::GetAtt": ["Role", "Arn"] }, ...settings },
          },
          User: { Type: "AWS::IAM::User", Properties: { UserName: "set", Path } },
          Policy: {
            Type: "AWS::IAM::ManagedPolicy",
            Properties: {
              PolicyDocument: {
                Version: "2012-10-17",
                Statement: { Effect: "Allow", Action: "s3:ListAllMyBuckets", Resource: "*" },
              },
            },
          },
        },
        Outputs: { Version: { Value: { "Fn::GetAtt": ["Policy", "DefaultVersionId"] } } },
      });
    const Capabilities = ["CAPABILITY_NAMED_IAM" as const];
    const settings = { RecursiveLoop: "Allow", RuntimeManagementConfig: { UpdateRuntimeOn: "FunctionUpdate" } };
    const created = await stacks.create("set", stack(settings, "/a/"), { Capabilities });
    assert.equal(created.StackStatus, "CREATE_COMPLETE");
    assert.equal(created.Outputs?.[0]?.OutputValue, "v1");
    const facts = async () => [
      (await lambda.getFunctionRecursionConfig({ FunctionName: "set" })).RecursiveLoop,
      (await lambda.getRuntimeManagementConfig({ FunctionName: "set" })).UpdateRuntimeOn,
      (await iam.getUser({ UserName: "set" })).User?.Path,
    ];
    assert.deepEqual(await facts(), ["Allow", "FunctionUpdate", "/a/"]);
    assert.equal((await stacks.update("set", stack({}, "/b/"), { Capabilities })).StackStatus, "UPDATE_COMPLETE");
    assert.deepEqual(await facts(), ["Terminate", "Auto", "/b/"]);
  });

  test("a policy of snapshots is refused where the type has none", async () => {
    const cfn = new CloudFormation(app.client);
    for (const [policy, words] of [
      ["DeletionPolicy", "deletion policy"],
      ["UpdateReplacePolicy", "update replace policy"],
    ] as const)
      await assert.rejects(
        cfn.createStack({ StackName: "snap", TemplateBody: body({ A: group("a", 1, { [policy]: "Snapshot" }) }) }),
        {
          name: "ValidationError",
          message: `Template error: resource type AWS::Logs::LogGroup does not support ${words} Snapshot`,
        },
      );
  });
});
