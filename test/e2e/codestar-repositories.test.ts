import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, describe, test } from "node:test";
import { CodeCommit } from "@aws-sdk/client-codecommit";
import { CodePipeline } from "@aws-sdk/client-codepipeline";
import { IAM } from "@aws-sdk/client-iam";
import { S3 } from "@aws-sdk/client-s3";
import { apiClient } from "../../src/app/api-client.ts";
import type { Caller } from "../../src/app/caller.ts";
import { toolchainTemplate } from "../../src/services/codestar/toolchain-template.ts";
import { cannotRun, startPlatform, type TestPlatform } from "../support/platform.ts";
import { run, starling, until, visit } from "../support/starling.ts";
import { zip } from "../support/zip.ts";

/** In the shape of what CodeStar generated in 2017: an imported role, an old runtime, no CodeUri, one artifact. */
const FIRST_GENERATION = {
  "buildspec.yml": `version: 0.2
phases:
  build:
    commands:
      - pip install --upgrade awscli
      - aws s3 cp --recursive public/ s3://$WEBSITE_S3_BUCKET/public/ --grants read=uri=http://acs.amazonaws.com/groups/global/AllUsers
      - sed -i -e "s|assets/|$WEBSITE_S3_PREFIX/public/assets/|g" public/index.html
      - aws cloudformation package --template template.yml --s3-bucket $S3_BUCKET --output-template template-export.yml
artifacts:
  type: zip
  files:
    - template-export.yml
`,
  "template.yml": `AWSTemplateFormatVersion: 2010-09-09
Transform:
- AWS::Serverless-2016-10-31
- AWS::CodeStar
Parameters:
  ProjectId:
    Type: String
    Description: the project
Resources:
  GetHelloWorld:
    Type: AWS::Serverless::Function
    Properties:
      Handler: index.get
      Runtime: nodejs4.3
      Role:
        Fn::ImportValue:
          !Join ['-', [!Ref 'ProjectId', !Ref 'AWS::Region', 'LambdaTrustRole']]
      Events:
        GetEvent:
          Type: Api
          Properties:
            Path: /
            Method: get
`,
  "index.js": `'use strict';
var fs = require('fs');
exports.get = function (event, context) {
  context.succeed({ statusCode: 200, body: fs.readFileSync(__dirname + '/public/index.html', { encoding: 'utf8' }), headers: { 'Content-Type': 'text/html' } });
};
`,
  "public/index.html": '<link rel="stylesheet" href="assets/css/styles.css"><p>From long ago</p>\n',
  "public/assets/css/styles.css": "p { color: teal }\n",
};

/** In the shape of CodeStar's last years: a described role of its own, tests by `python`, an alias that deployments shift. */
const LAST_GENERATION = {
  "buildspec.yml": `version: 0.2
phases:
  pre_build:
    commands:
      - python -m unittest discover tests
  build:
    commands:
      - aws cloudformation package --template template.yml --s3-bucket $S3_BUCKET --output-template template-export.yml
      - sed -i.bak 's/\\$PARTITION\\$/'\${PARTITION}'/g;s/\\$AWS_REGION\\$/'\${AWS_REGION}'/g;s/\\$ACCOUNT_ID\\$/'\${ACCOUNT_ID}'/g;s/\\$PROJECT_ID\\$/'\${PROJECT_ID}'/g' template-configuration.json
artifacts:
  files: [template-export.yml, template-configuration.json]
`,
  "template-configuration.json":
    '{"Tags": {"awscodestar:projectArn": "arn:$PARTITION$:codestar:$AWS_REGION$:$ACCOUNT_ID$:project/$PROJECT_ID$"}}\n',
  "template.yml": `AWSTemplateFormatVersion: 2010-09-09
Transform: [AWS::Serverless-2016-10-31, AWS::CodeStar]
Parameters:
  ProjectId: {Type: String}
  CodeDeployRole: {Type: String}
  Stage: {Type: String, Default: ''}
Globals:
  Function:
    AutoPublishAlias: live
    DeploymentPreference: {Enabled: true, Type: Canary10Percent5Minutes, Role: !Ref CodeDeployRole}
Resources:
  HelloWorld:
    Type: AWS::Serverless::Function
    Properties:
      FunctionName: !Sub 'awscodestar-\${ProjectId}-lambda-HelloWorld'
      Handler: index.handler
      Runtime: python3.9
      Role: !GetAtt [Execution, Arn]
      Events:
        Get: {Type: Api, Properties: {Path: /, Method: get}}
  Execution:
    Description: What the function may do
    Type: AWS::IAM::Role
    Properties:
      RoleName: !Sub 'CodeStar-\${ProjectId}-Execution\${Stage}'
      AssumeRolePolicyDocument:
        Statement: [{Effect: Allow, Principal: {Service: [lambda.amazonaws.com]}, Action: 'sts:AssumeRole'}]
      ManagedPolicyArns: [!Sub 'arn:\${AWS::Partition}:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole']
      PermissionsBoundary: !Sub 'arn:\${AWS::Partition}:iam::\${AWS::AccountId}:policy/CodeStar_\${ProjectId}_PermissionsBoundary'
`,
  "index.py":
    "import json\ndef handler(event, context):\n    return {'statusCode': 200, 'body': json.dumps({'output': 'Still here'})}\n",
  "tests/test_index.py":
    "import unittest\nfrom index import handler\nclass Answers(unittest.TestCase):\n    def test_ok(self):\n        self.assertEqual(handler({}, None)['statusCode'], 200)\n",
};

/** A skill: its function is called by name, and no API stands before it. */
const SKILL = {
  "buildspec.yml": `version: 0.2
phases: {build: {commands: ['aws cloudformation package --template template.yml --s3-bucket $S3_BUCKET --output-template template-export.yml']}}
artifacts: {type: zip, files: [template-export.yml]}
`,
  "template.yml": `Transform: [AWS::Serverless-2016-10-31, AWS::CodeStar]
Parameters: {ProjectId: {Type: String}}
Resources:
  Skill:
    Type: AWS::Serverless::Function
    Properties:
      Handler: index.handler
      Runtime: nodejs4.3
      Role: {'Fn::ImportValue': !Join ['-', [!Ref ProjectId, !Ref 'AWS::Region', LambdaTrustRole]]}
      Events: {Asked: {Type: AlexaSkill}}
`,
  "index.js": "exports.handler = function (event, context, done) { done(null, 'a fact'); };\n",
};

/** What `sam init` leaves: no buildspec, a role of SAM's own making, and here a name and a parameter besides. */
const SAM = {
  "app/template.yaml": `Transform: AWS::Serverless-2016-10-31
Parameters: {Greeting: {Type: String}}
Globals: {Function: {Runtime: python3.12, Environment: {Variables: {GREETING: !Ref Greeting}}}}
Resources:
  Web:
    Type: AWS::Serverless::Function
    Properties:
      FunctionName: a-name-of-its-own
      CodeUri: src/
      Handler: app.handler
      Layers: [!Ref Shared]
      Events: {Root: {Type: HttpApi, Properties: {Path: /, Method: get}}}
  Shared: {Type: AWS::Serverless::LayerVersion, Properties: {ContentUri: layer/}}
`,
  "app/src/app.py":
    "import os, shared\ndef handler(event, context):\n    print('asked')\n    return {'statusCode': 200, 'body': os.environ['GREETING'] + shared.MARK}\n",
  "app/src/requirements.txt": "# nothing\n",
  "app/layer/python/shared.py": "MARK = '!'\n",
};

describe("repositories of a project", { skip: cannotRun }, () => {
  let platform: TestPlatform;
  let call: Caller;
  let folder: string;

  before(async () => {
    platform = await startPlatform();
    call = apiClient({ origin: platform.endpoint, region: "us-east-1", credentials: platform.client.credentials });
    folder = await mkdtemp(join(tmpdir(), "starling-repositories-"));
  });
  after(async () => {
    await platform?.stop();
    if (folder) await rm(folder, { recursive: true, force: true });
  });

  const page = (id: string) => visit(`http://${id}.localhost:${platform.port}/`);

  async function repository(name: string, files: Record<string, string>): Promise<string> {
    const place = join(folder, name);
    for (const [file, text] of Object.entries(files)) {
      await mkdir(dirname(join(place, file)), { recursive: true });
      await writeFile(join(place, file), text);
    }
    const git = async (...args: string[]) =>
      assert.equal((await run("git", ["-c", "user.name=a", "-c", "user.email=a@b", ...args], { cwd: place })).code, 0);
    await git("init", "-q", "-b", "main");
    await git("add", "-A");
    await git("commit", "-qm", "Long ago");
    return place;
  }

  test("an existing repository of CodeStar's first years is adopted and deploys unmodified", async () => {
    const { code, stdout, stderr } = await starling(
      platform,
      "new",
      "old",
      "--git",
      await repository("old", FIRST_GENERATION),
      "--json",
    );
    assert.equal(code, 0, stderr);
    assert.equal(JSON.parse(stdout).state, "live");
    const { text } = await page("old");
    assert.match(text, /From long ago/);
    const asset = /href="([^"]+)"/.exec(text)?.[1];
    assert.equal((await visit(asset!)).text, FIRST_GENERATION["public/assets/css/styles.css"]);
    const { commit } = await lastCommit("old");
    assert.equal(commit?.message?.trim(), "Long ago", "its history came with it");
    const { pipeline } = await new CodePipeline(platform.client).getPipeline({ name: "old-Pipeline" });
    const [generate] = pipeline!.stages![2]!.actions!;
    assert.equal(generate!.configuration!["TemplateConfiguration"], undefined);
    assert.deepEqual(JSON.parse(generate!.configuration!["ParameterOverrides"]!), { ProjectId: "old" });
  });

  test("a repository of CodeStar's last years deploys unmodified: described resources, tests by python", async () => {
    const { code, stderr } = await starling(
      platform,
      "new",
      "last",
      "--git",
      await repository("last", LAST_GENERATION),
      "--json",
    );
    assert.equal(code, 0, stderr);
    assert.equal((await page("last")).text, '{"output": "Still here"}');
    // A second run of the same commit would shift traffic once more, and hold up the first push for five minutes.
    const pipelines = new CodePipeline(platform.client);
    const { pipelineExecutionSummaries: runs } = await pipelines.listPipelineExecutions({
      pipelineName: "last-Pipeline",
    });
    assert.deepEqual(
      runs?.map(({ trigger, status }) => [trigger?.triggerType, status === "Stopped"]),
      [
        ["CloudWatchEvent", false],
        ["CreatePipeline", true],
      ],
    );
  });

  test("an application of SAM is built and deployed without a buildspec of its own, with values for its parameters", async () => {
    const place = await repository("sam", SAM);
    const refused = await starling(platform, "new", "sam", "--git", place);
    assert.match(refused.stderr, /give values to Greeting \(--parameter Greeting=VALUE\)/);
    const { code, stderr } = await starling(platform, "new", "sam", "--git", place, "--parameter", "Greeting=hello");
    assert.equal(code, 0, stderr);
    assert.match(stderr, /builds run "sam build" and "sam package" on app\/template\.yaml/);
    assert.match(stderr, /whoever may push can give its functions any right/);
    assert.equal((await page("sam")).text, "hello!");
    await until(async () => / function +asked/.test((await starling(platform, "logs", "sam")).stdout));
  });

  test("a skill is live without a page: whoever looks for one is told so", async () => {
    const { code, stderr } = await starling(platform, "new", "skill", "--git", await repository("skill", SKILL));
    assert.equal(code, 0, stderr);
    const { status, text } = await page("skill");
    assert.equal(status, 404);
    assert.match(text, /skill has no page/);
  });

  test("a page whose function fails is told from one that works", async () => {
    const broken = { ...FIRST_GENERATION, "index.js": "require('not-there');\n" };
    const { code, stderr } = await starling(platform, "new", "broken", "--git", await repository("broken", broken));
    assert.equal(code, 0, stderr);
    assert.match(stderr, /Page +answers 50\d: .*starling logs broken/);
  });

  test("a repository that cannot be a project is refused, and leaves nothing", async () => {
    const { code, stderr } = await starling(
      platform,
      "new",
      "nospec",
      "--git",
      await repository("nospec", { "README.md": "hello\n" }),
    );
    assert.notEqual(code, 0);
    assert.match(stderr, /neither a buildspec\.yml nor a template/);
    await assert.rejects(call("codestar", "DescribeProject", { id: "nospec" }), { code: "ProjectNotFoundException" });
    const machines = await repository("machines", {
      "buildspec.yml": "version: 0.2\nphases: {build: {commands: ['true']}}\n",
      "template.yml": "Resources: {WebApp01: {Type: AWS::EC2::Instance}}\n",
    });
    const machine = await starling(platform, "new", "machine", "--git", machines);
    assert.match(machine.stderr, /deploys to virtual machines \(AWS::EC2::Instance in its template\)/);
    const missing = await starling(platform, "new", "missing", "--git", join(folder, "nowhere"));
    assert.match(missing.stderr, /git clone failed/);
  });

  test("a role without the project's boundary is refused, and the boundary is named", async () => {
    const lines = LAST_GENERATION["template.yml"].split("\n").filter((line) => !line.includes("PermissionsBoundary"));
    const origin = await repository("unbound", { ...LAST_GENERATION, "template.yml": lines.join("\n") });
    const { code, stderr } = await starling(platform, "new", "unbound", "--git", origin);
    assert.notEqual(code, 0);
    assert.match(stderr, /the stage Deploy failed[^]*not authorized to perform: iam:CreateRole/);
    assert.match(
      stderr,
      /PermissionsBoundary: !Sub "arn:\$\{AWS::Partition\}:iam::[^"]*CodeStar_\$\{ProjectId\}_Permissions/,
    );
  });

  async function lastCommit(repositoryName: string) {
    const commits = new CodeCommit(platform.client);
    const { branch } = await commits.getBranch({ repositoryName, branchName: "master" });
    return commits.getCommit({ repositoryName, commitId: branch!.commitId! });
  }

  test("create-project of the aws CLI, with source code and a toolchain of its own, seeds once and survives kill -9", async () => {
    const s3 = new S3(platform.client);
    await s3.createBucket({ Bucket: "handed-over" });
    await s3.putObject({ Bucket: "handed-over", Key: "source.zip", Body: await zip(FIRST_GENERATION) });
    const generation = { hasTemplateConfiguration: false, hasCodeDeployRole: false, importsLambdaRole: true };
    const toolchain = toolchainTemplate({ id: "byhand", generation, origin: `http://localhost:${platform.port}` });
    await s3.putObject({ Bucket: "handed-over", Key: "toolchain.json", Body: JSON.stringify(toolchain) });
    const { accessKeyId, secretAccessKey } = platform.client.credentials;
    const env = {
      PATH: process.env["PATH"]!,
      HOME: folder,
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
      AWS_DEFAULT_REGION: "us-east-1",
    };
    const source = {
      source: { s3: { bucketName: "handed-over", bucketKey: "source.zip" } },
      destination: { codeCommit: { name: "byhand" } },
    };
    const input = {
      id: "byhand",
      name: "By hand",
      sourceCode: [source],
      toolchain: { source: { s3: { bucketName: "handed-over", bucketKey: "toolchain.json" } } },
    };
    const made = await run(
      "/usr/bin/aws",
      ["--endpoint-url", platform.endpoint, "codestar", "create-project", "--cli-input-json", JSON.stringify(input)],
      { env },
    );
    assert.equal(made.code, 0, made.stderr);
    assert.equal(JSON.parse(made.stdout).arn, "arn:aws:codestar:us-east-1:000000000000:project/byhand");
    await platform.kill();
    await platform.restart();
    let status: { state: string; reason?: string } = { state: "" };
    await until(async () => {
      ({ status } = await call("codestar", "DescribeProject", { id: "byhand" }));
      return /Complete|Failed/.test(status.state);
    });
    assert.equal(status.state, "CreateComplete", status.reason);
    await until(async () => /From long ago/.test((await page("byhand")).text));
    const { commit } = await lastCommit("byhand");
    assert.equal(commit?.message?.trim(), "Initial commit made by AWS CodeStar during project creation.");
    assert.deepEqual(commit?.parents, [], "one commit");
  });

  test("the boundary grows with what the application's stack makes", async () => {
    const commits = new CodeCommit(platform.client);
    const { branch } = await commits.getBranch({ repositoryName: "byhand", branchName: "master" });
    const template = `${FIRST_GENERATION["template.yml"]}  Store:\n    Type: AWS::SSM::Parameter\n    Properties: {Type: String, Value: kept, Name: /byhand/store}\n`;
    await commits.putFile({
      repositoryName: "byhand",
      branchName: "master",
      filePath: "template.yml",
      fileContent: Buffer.from(template),
      parentCommitId: branch!.commitId!,
    });
    const iam = new IAM(platform.client);
    const PolicyArn = "arn:aws:iam::000000000000:policy/CodeStar_byhand_PermissionsBoundary";
    await until(async () => {
      const { Policy } = await iam.getPolicy({ PolicyArn });
      const { PolicyVersion } = await iam.getPolicyVersion({ PolicyArn, VersionId: Policy!.DefaultVersionId! });
      return decodeURIComponent(PolicyVersion!.Document!).includes(":parameter/byhand/store");
    });
  });
});
