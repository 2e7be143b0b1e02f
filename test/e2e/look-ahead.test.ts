import assert from "node:assert/strict";
import { totalmem } from "node:os";
import { after, before, describe, test } from "node:test";
import { CloudWatchLogs } from "@aws-sdk/client-cloudwatch-logs";
import { IAM } from "@aws-sdk/client-iam";
import * as L from "@aws-sdk/client-lambda";
import { cannotRun, startPlatform, type TestPlatform } from "../support/platform.ts";
import { trust } from "../support/stacks.ts";
import { until } from "../support/starling.ts";
import { zip } from "../support/zip.ts";

const HANDLER = `
let at = 0;
export const handler = async (event) => {
  console.log("RUN " + event.n);
  if (event.die) process.exit(3);
  for (const end = Date.now() + (event.ms ?? 0); Date.now() < end;);
  if (at++ > 0) throw new Error("two at once");
  at = 0;
  return event.n;
};`;

describe("calls that are put ahead", { skip: cannotRun }, () => {
  let platform: TestPlatform;
  let lambda: L.Lambda;

  before(async () => {
    platform = await startPlatform();
    lambda = new L.Lambda({ ...platform.client, requestHandler: { httpAgent: { maxSockets: 64 } } });
    const iam = new IAM(platform.client);
    const { Role } = await iam.createRole({ RoleName: "fn", AssumeRolePolicyDocument: JSON.stringify(trust) });
    await iam.attachRolePolicy({
      RoleName: "fn",
      PolicyArn: "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole",
    });
    await lambda.createFunction({
      FunctionName: "f",
      Role: Role!.Arn!,
      Runtime: "nodejs24.x",
      Handler: "index.handler",
      MemorySize: 512,
      Timeout: 30,
      Code: { ZipFile: await zip({ "index.mjs": HANDLER }) },
    });
    for (let n = 0; n < 25; n++) await call({ n: -1 }); // quick calls: from here on others are put behind them
  });
  after(() => platform?.stop());

  async function call(event: object): Promise<{ value: any; failed: boolean; ms: number }> {
    const started = performance.now();
    const { Payload, FunctionError } = await lambda.invoke({ FunctionName: "f", Payload: JSON.stringify(event) });
    const value: unknown = JSON.parse(Buffer.from(Payload!).toString());
    return { value, failed: FunctionError !== undefined, ms: performance.now() - started };
  }

  test("an environment that dies takes only the call it ran with it; no call runs twice", async () => {
    const calls = Array.from({ length: 120 }, (_, n) => call({ n, die: n % 20 === 7 }));
    const answers = await Promise.all(calls);
    for (const [n, { value, failed }] of answers.entries()) {
      if (n % 20 === 7) assert.match(value.errorMessage, /Runtime exited with error: exit status 3$/);
      else assert.deepEqual([value, failed], [n, false]);
    }
    const logs = new CloudWatchLogs(platform.client);
    const runs = await until(async () => {
      const seen = new Map<number, number>();
      let nextToken: string | undefined;
      do {
        const page = await logs.filterLogEvents({ logGroupName: "/aws/lambda/f", nextToken });
        for (const { message = "" } of page.events ?? []) {
          const n = Number(/RUN (\d+)$/.exec(message.trim())?.[1] ?? -1);
          if (n >= 0) seen.set(n, (seen.get(n) ?? 0) + 1);
        }
        ({ nextToken } = page);
      } while (nextToken !== undefined);
      return [...Array(120).keys()].every((n) => n % 20 === 7 || seen.has(n)) && seen;
    }, 20_000);
    assert.deepEqual(
      [...runs.values()].filter((count) => count !== 1),
      [],
    );
  });

  test("a slow call does not hold up those behind it", async () => {
    for (let n = 0; n < 25; n++) await call({ n: -1 });
    const slow = call({ n: 1000, ms: 2500 });
    const others = await Promise.all(Array.from({ length: 30 }, (_, n) => call({ n: 1001 + n })));
    const isOver = await Promise.race([slow.then(() => true), Promise.resolve(false)]);
    assert.equal(isOver, false, "the others were answered while the slow one ran");
    assert.deepEqual(
      others.map(({ value }) => value),
      Array.from({ length: 30 }, (_, n) => 1001 + n),
    );
    assert.equal((await slow).value, 1000);
  });

  test("where the machine is full, calls wait for the end of others", async () => {
    const { Configuration } = await lambda.getFunction({ FunctionName: "f" });
    const third = Math.floor((totalmem() / 1048576) * 0.25);
    await lambda.createFunction({
      FunctionName: "large",
      Role: Configuration!.Role!,
      Runtime: "nodejs24.x",
      Handler: "index.handler",
      MemorySize: Math.min(10_240, third),
      Code: { ZipFile: await zip({ "index.mjs": HANDLER }) },
    });
    const calls = Array.from({ length: 12 }, (_, n) =>
      lambda.invoke({ FunctionName: "large", Payload: JSON.stringify({ n, ms: 150 }) }),
    );
    for (const { FunctionError } of await Promise.all(calls)) assert.equal(FunctionError, undefined);
  });
});
