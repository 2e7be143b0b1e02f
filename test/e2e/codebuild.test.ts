import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { after, before, describe, test } from "node:test";
import { CloudWatch } from "@aws-sdk/client-cloudwatch";
import { SSM } from "@aws-sdk/client-ssm";
import { openBuildKit, until, type BuildKit } from "../support/build-kit.ts";
import { cannotRun, startPlatform, type TestPlatform } from "../support/platform.ts";

describe("builds in sandboxes", { skip: cannotRun }, () => {
  let platform: TestPlatform;
  let kit: BuildKit;

  before(async () => {
    platform = await startPlatform();
    kit = await openBuildKit(platform);
  });
  after(() => platform?.stop());

  test("a build: phases, variables, log, and artifacts as files and as a zip", async () => {
    const { s3, project, run, logOf, environment } = kit;
    const spec = `version: 0.2
env:
  variables: {FROM: spec, OWN: spec}
  exported-variables: [OUT]
phases:
  build:
    commands:
      - echo "from $FROM own $OWN as $(aws sts get-caller-identity --query Arn --output text) in $AWS_REGION"
      - echo "key $AWS_SECRET_ACCESS_KEY."
      - echo '{"name":"y","version":"1.0.0","license":"MIT","scripts":{"hello":"echo said by yarn"}}' > package.json
      - yarn --offline install && yarn run hello && yarnpkg --version
      - export OUT=exported; mkdir -p dist/sub; echo one > dist/one.txt; echo two > dist/sub/two.txt
artifacts:
  files: ['**/*']
  base-directory: dist
  secondary-artifacts:
    other: {files: ['one.txt'], base-directory: dist}
`;
    const name = await project(
      { "buildspec.yml": spec },
      {
        artifacts: {
          type: "S3",
          location: "work",
          path: "out",
          name: "site",
          namespaceType: "BUILD_ID",
          packaging: "NONE",
        },
        secondaryArtifacts: [
          {
            type: "S3",
            location: "work",
            path: "out",
            name: "other.zip",
            packaging: "ZIP",
            artifactIdentifier: "other",
          },
        ],
        environment: { ...environment, environmentVariables: [{ name: "FROM", value: "project" }] },
      },
    );
    const build = await run(name);
    const log = await logOf(build);
    assert.equal(build.buildStatus, "SUCCEEDED", log);
    assert.deepEqual(
      build.phases?.map((p) => p.phaseType),
      "SUBMITTED QUEUED PROVISIONING DOWNLOAD_SOURCE INSTALL PRE_BUILD BUILD POST_BUILD UPLOAD_ARTIFACTS FINALIZING COMPLETED".split(
        " ",
      ),
    );
    assert.match(
      log,
      /^from project own spec as arn:aws:sts::000000000000:assumed-role\/builder\/AWSCodeBuild-[0-9a-f-]{36} in us-east-1$/m,
    );
    assert.match(log, /^key \*\*\*\.$/m);
    assert.match(log, /^said by yarn\n[^]*^1\.22\.\d+$/m);
    assert.match(log, /Warning: the image aws\/codebuild\/standard:7\.0 is not used/);
    assert.deepEqual(build.exportedEnvironmentVariables, [{ name: "OUT", value: "exported" }]);
    const id = build.id!.split(":")[1];
    const { Contents } = await s3.listObjectsV2({ Bucket: "work", Prefix: "out/" });
    assert.deepEqual(Contents?.map((o) => o.Key).sort(), [
      `out/${id}/site/one.txt`,
      `out/${id}/site/sub/two.txt`,
      "out/other.zip",
    ]);
    assert.equal(build.secondaryArtifacts?.[0]?.location, "arn:aws:s3:::work/out/other.zip");
  });

  test("the layers of build containers are the host's, not the data directory's", () => {
    assert.ok(existsSync(join(platform.data, "launcher/trust")));
    assert.equal(existsSync(join(platform.data, "launcher/layers")), false);
  });

  test("a build that fails says why: syntax with its line, the command, the missing file, no artifacts", async () => {
    const { project, run, logOf, failure } = kit;
    const broken = await run(
      await project({ "buildspec.yml": "version: 0.2\nphases:\n  build:\n    commands:\n      - a: b\n" }),
    );
    assert.equal(
      failure(broken),
      "DOWNLOAD_SOURCE FAILED YAML_FILE_ERROR: buildspec.yml: Expected Commands[0] to be of string type: found subkeys instead, quote the command at line 5",
    );
    const missing = await run(await project({ "other.txt": "" }));
    assert.match(
      failure(missing),
      /^DOWNLOAD_SOURCE FAILED YAML_FILE_ERROR: stat \/codebuild\/output\/src\/buildspec\.yml: no such file or directory/,
    );
    const failed = await run(
      await project({
        "buildspec.yml":
          "version: 0.2\nphases:\n  build:\n    commands: ['echo before', 'sh -c \"exit 3\"', 'echo never']\n",
      }),
    );
    assert.equal(failed.buildStatus, "FAILED");
    assert.equal(
      failure(failed),
      'BUILD FAILED COMMAND_EXECUTION_ERROR: Error while executing command: sh -c "exit 3". Reason: exit status 3',
    );
    assert.doesNotMatch(await logOf(failed), /^never/m);
    const nothing = await run(
      await project({ "buildspec.yml": "version: 0.2\nphases: {}\nartifacts: {files: ['dist/**']}\n" }),
    );
    assert.match(failure(nothing), /^UPLOAD_ARTIFACTS FAILED CLIENT_ERROR: no matching artifact paths found for dist/);
    const absent = await run(await project({}, { source: { type: "S3", location: "work/absent.zip" } }));
    assert.match(
      failure(absent),
      /^DOWNLOAD_SOURCE FAILED CLIENT_ERROR: Unable to get the source work\/absent\.zip: .*key does not exist/,
    );
  });

  test("reports: test cases of a build that failed and the code that they covered, by group", async () => {
    const { codebuild, project, run, logOf } = kit;
    const spec = `version: 0.2
phases:
  build:
    commands:
      - mkdir -p out
      - echo '<testsuite name="s"><testcase classname="c" name="good" time="1"/><testcase classname="c" name="bad"><failure message="no"/></testcase></testsuite>' > out/junit.xml
      - echo '<coverage><class filename="a.py"><lines><line hits="1"/><line hits="0"/></lines></class><class filename="b.py"><lines><line hits="3"/></lines></class></coverage>' > coverage.xml
      - exit 1
reports:
  unit: {files: ['*.xml'], base-directory: out, file-format: JUNITXML}
  cover: {files: [coverage.xml], file-format: COBERTURAXML}
  other: {files: [coverage.xml], file-format: NOSUCHXML}
`;
    const name = await project({ "buildspec.yml": spec });
    const build = await run(name);
    assert.equal(build.buildStatus, "FAILED");
    assert.match(await logOf(build), /Starling does not implement reports of the format NOSUCHXML yet/);
    assert.equal(build.reportArns?.length, 2, await logOf(build));
    const { reports } = await codebuild.batchGetReports({ reportArns: build.reportArns! });
    const [report, cover] = reports!;
    assert.deepEqual(
      [cover!.type, cover!.status, cover!.codeCoverageSummary?.lineCoveragePercentage],
      ["CODE_COVERAGE", "SUCCEEDED", 66.67],
    );
    const { codeCoverages } = await codebuild.describeCodeCoverages({
      reportArn: cover!.arn!,
      maxLineCoveragePercentage: 60,
    });
    assert.deepEqual(
      codeCoverages!.map((file) => [file.filePath, file.linesCovered, file.linesMissed]),
      [["a.py", 1, 1]],
    );
    const trend = { reportGroupArn: cover!.reportGroupArn!, trendField: "LINES_MISSED" } as const;
    assert.equal((await codebuild.getReportGroupTrend(trend)).stats?.average, "1");
    await assert.rejects(codebuild.getReportGroupTrend({ ...trend, trendField: "TOTAL" }), {
      name: "InvalidInputException",
    });
    assert.deepEqual(
      [report!.status, report!.executionId, report!.testSummary?.total, report!.testSummary?.statusCounts],
      ["FAILED", build.arn, 2, { ERROR: 0, FAILED: 1, SKIPPED: 0, SUCCEEDED: 1, UNKNOWN: 0 }],
    );
    const reportArn = report!.arn!;
    const { testCases } = await codebuild.describeTestCases({ reportArn, filter: { status: "FAILED" } });
    assert.deepEqual(
      testCases!.map((t) => [t.prefix, t.name, t.message, t.testRawDataPath, t.testSuiteName]),
      [["c", "bad", "no", "junit.xml", "s"]],
    );
    const { reportGroups } = await codebuild.batchGetReportGroups({ reportGroupArns: [report!.reportGroupArn!] });
    const [group] = reportGroups!;
    assert.equal(group!.name, `${name}-unit`);
    const { reports: listed } = await codebuild.listReportsForReportGroup({ reportGroupArn: group!.arn! });
    assert.deepEqual(listed, [reportArn]);
    await assert.rejects(codebuild.deleteReportGroup({ arn: group!.arn! }), { name: "InvalidInputException" });
    await codebuild.deleteReportGroup({ arn: group!.arn!, deleteReports: true });
    assert.deepEqual((await codebuild.batchGetReports({ reportArns: [reportArn] })).reportsNotFound, [reportArn]);
  });

  test("variables of the parameter store do not show in the log; a stop ends a build at once", async () => {
    const { codebuild, project, run, logOf, failure, environment } = kit;
    const ssm = new SSM(platform.client);
    await ssm.putParameter({ Name: "/app/password", Value: "correct horse", Type: "SecureString" });
    const spec =
      "version: 0.2\nenv:\n  parameter-store: {OTHER: /app/password}\nphases:\n  build:\n    commands: ['echo \"[$PASSWORD] ${#PASSWORD} ${#OTHER}\"']\n";
    const environmentVariables = [{ name: "PASSWORD", value: "/app/password", type: "PARAMETER_STORE" as const }];
    const build = await run(
      await project({ "buildspec.yml": spec }, { environment: { ...environment, environmentVariables } }),
    );
    assert.match(await logOf(build), /^\[\*\*\*\] 13 13$/m);
    const missing = await run(await project({ "buildspec.yml": spec }), {
      environmentVariablesOverride: [{ name: "X", value: "/none", type: "PARAMETER_STORE" }],
    });
    assert.match(
      failure(missing),
      /^DOWNLOAD_SOURCE FAILED CLIENT_ERROR: The parameter \/none of the variable X cannot be read/,
    );

    const slow = await project({
      "buildspec.yml": "version: 0.2\nphases: {build: {commands: ['echo started', 'sleep 1000']}}\n",
    });
    const { build: started } = await codebuild.startBuild({ projectName: slow });
    await until(
      async () => ((await logOf(started!).catch(() => "")).includes("\nstarted\n") ? true : undefined),
      "the live log",
    );
    const { build: stopped } = await codebuild.stopBuild({ id: started!.id! });
    assert.deepEqual([stopped!.buildComplete, stopped!.buildStatus], [true, "STOPPED"]);
    assert.equal(failure(stopped!), "BUILD STOPPED BUILD_STOPPED: Build has been stopped.");
    await assert.rejects(codebuild.stopBuild({ id: started!.id! }), { name: "InvalidInputException" });
  });

  test("a build that kill -9 interrupts begins again; waiting ones keep their place", async () => {
    const { codebuild, project, ended, logOf } = kit;
    const name = await project({
      "buildspec.yml": "version: 0.2\nphases: {build: {commands: ['echo started', 'sleep 2', 'echo finished']}}\n",
    });
    const started = await Promise.all(
      [1, 2, 3, 4].map(async () => (await codebuild.startBuild({ projectName: name })).build!),
    );
    await until(
      async () => ((await logOf(started[0]!).catch(() => "")).includes("\nstarted\n") ? true : undefined),
      "the first build",
    );
    await platform.kill();
    await platform.restart();
    const builds = await Promise.all(started.map(({ id }) => ended(id!)));
    assert.deepEqual(
      builds.map((b) => b.buildStatus),
      ["SUCCEEDED", "SUCCEEDED", "SUCCEEDED", "SUCCEEDED"],
    );
    const log = await logOf(builds[0]!);
    assert.match(log, /it starts again from the beginning/);
    assert.equal(log.match(/^finished$/gm)?.length, 1);
  });

  test("a batch: each build in its turn, with variables and artifacts of its own; what failed runs again", async () => {
    const { codebuild, role, project, s3 } = kit;
    const spec = `version: 0.2
batch:
  build-graph:
    - {identifier: first, env: {variables: {WHAT: one}}}
    - {identifier: second, depend-on: [first], env: {variables: {WHAT: two}}}
    - {identifier: third, depend-on: [second], env: {variables: {WHAT: three}}}
phases:
  build: {commands: ['echo "$CODEBUILD_BATCH_BUILD_IDENTIFIER $WHAT" > out.txt', 'test $WHAT != two || aws s3api head-object --bucket work --key go.txt']}
artifacts: {files: [out.txt]}
`;
    const name = await project(
      { "buildspec.yml": spec },
      {
        artifacts: { type: "S3", location: "work", path: "batches", name: "made", packaging: "NONE" },
        buildBatchConfig: { serviceRole: role },
      },
    );
    const batchEnd = (id: string) =>
      until(async () => {
        const { buildBatches } = await codebuild.batchGetBuildBatches({ ids: [id] });
        return buildBatches?.[0]?.complete ? buildBatches[0] : undefined;
      }, `the end of ${id}`);
    const states = (batch: Awaited<ReturnType<typeof batchEnd>>) =>
      batch.buildGroups?.map((g) => `${g.identifier} ${g.currentBuildSummary?.buildStatus}`);
    const id = (await codebuild.startBuildBatch({ projectName: name })).buildBatch!.id!;
    const failed = await batchEnd(id);
    assert.deepEqual(
      [failed.buildBatchStatus, states(failed)],
      ["FAILED", ["first SUCCEEDED", "second FAILED", "third undefined"]],
    );
    await s3.putObject({ Bucket: "work", Key: "go.txt", Body: "x" });
    const retry = { id, retryType: "RETRY_FAILED_BUILDS" as const, idempotencyToken: "again" };
    await codebuild.retryBuildBatch(retry);
    const done = await batchEnd(id);
    assert.equal(
      (await codebuild.retryBuildBatch(retry)).buildBatch!.buildBatchStatus,
      "SUCCEEDED",
      "once for a token",
    );
    assert.deepEqual(
      [done.buildBatchStatus, states(done), done.buildGroups?.map((g) => g.priorBuildSummaryList?.length)],
      ["SUCCEEDED", ["first SUCCEEDED", "second SUCCEEDED", "third SUCCEEDED"], [0, 1, 0]],
    );
    const { Body } = await s3.getObject({ Bucket: "work", Key: "batches/third/made/out.txt" });
    assert.equal(await Body!.transformToString(), "third three\n");
  });

  test("a cache, local or in S3, comes back in the next build until it is invalidated; logs go to S3; builds are counted", async () => {
    const { codebuild, logOf, project, run } = kit;
    const spec =
      "version: 0.2\nphases:\n  build:\n    commands: ['cat kept/n || echo none', 'mkdir -p kept; echo kept-by-$CODEBUILD_BUILD_NUMBER > kept/n']\ncache: {paths: ['kept/**/*']}\n";
    const name = await project({ "buildspec.yml": spec }, { cache: { type: "LOCAL", modes: ["LOCAL_CUSTOM_CACHE"] } });
    assert.match(await logOf(await run(name)), /^none$/m);
    assert.match(await logOf(await run(name)), /^kept-by-1$/m);
    await codebuild.invalidateProjectCache({ projectName: name });
    assert.match(await logOf(await run(name)), /^none$/m);
    await codebuild.updateProject({
      name,
      cache: { type: "S3", location: "work/caches" },
      logsConfig: { s3Logs: { status: "ENABLED", location: "work/logs" } },
    });
    const inS3 = async (build: Awaited<ReturnType<typeof run>>): Promise<string> => {
      const { Body } = await kit.s3.getObject({ Bucket: "work", Key: `logs/${build.id!.split(":")[1]}.gz` });
      return gunzipSync(await Body!.transformToByteArray()).toString();
    };
    assert.match(await inS3(await run(name)), /^none$/m);
    assert.match(await inS3(await run(name)), /^kept-by-4$/m);
    await codebuild.invalidateProjectCache({ projectName: name });
    assert.match(await inS3(await run(name)), /^none$/m);
    const { Datapoints } = await new CloudWatch(platform.client).getMetricStatistics({
      Namespace: "AWS/CodeBuild",
      MetricName: "SucceededBuilds",
      Dimensions: [{ Name: "ProjectName", Value: name }],
      StartTime: new Date(Date.now() - 600_000),
      EndTime: new Date(Date.now() + 600_000),
      Period: 3600,
      Statistics: ["Sum"],
    });
    assert.equal(
      Datapoints?.reduce((sum, one) => sum + (one.Sum ?? 0), 0),
      6,
    );
  });
});
