import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { IAM } from "@aws-sdk/client-iam";
import { Lambda } from "@aws-sdk/client-lambda";
import { cannotRun, startPlatform } from "../support/platform.ts";
import { zip } from "../support/zip.ts";

/** What the function says of its way out: whether it has one, and whether it leads to the host. */
const HANDLER = `
const { networkInterfaces } = require("node:os");
const { connect } = require("node:net");
const reach = (host, port) => new Promise((resolve) => {
  const socket = connect({ host, port, timeout: 1000 }, () => resolve(true));
  socket.on("error", () => resolve(false));
  socket.on("timeout", () => resolve(false));
});
exports.handler = async ({ hostPort }) => ({
  out: Object.keys(networkInterfaces()).includes("tap0"),
  host: await reach("10.0.2.2", hostPort),
});
`;

/** Which of three functions, by their variable, have a way out under a setting of the platform. */
async function waysOut(setting: string): Promise<Record<string, boolean>> {
  const platform = await startPlatform({ STARLING_INTERNET: setting });
  try {
    const iam = new IAM(platform.client);
    const trust = {
      Version: "2012-10-17",
      Statement: [{ Effect: "Allow", Principal: { Service: "lambda.amazonaws.com" }, Action: "sts:AssumeRole" }],
    };
    const { Role } = await iam.createRole({ RoleName: "fn", AssumeRolePolicyDocument: JSON.stringify(trust) });
    const lambda = new Lambda(platform.client);
    const ways: Record<string, boolean> = {};
    for (const own of ["on", "off", "unset"]) {
      await lambda.createFunction({
        FunctionName: own,
        Role: Role!.Arn!,
        Runtime: "nodejs24.x",
        Handler: "index.handler",
        Timeout: 10,
        Code: { ZipFile: await zip({ "index.js": HANDLER }) },
        ...(own === "unset" ? {} : { Environment: { Variables: { STARLING_INTERNET: own } } }),
      });
      const Payload = JSON.stringify({ hostPort: platform.port });
      const answer = await lambda.invoke({ FunctionName: own, Payload });
      const seen = JSON.parse(Buffer.from(answer.Payload!).toString()) as { out: boolean; host: boolean };
      assert.equal(seen.host, false, "the host is out of reach, whatever is set");
      ways[own] = seen.out;
    }
    return ways;
  } finally {
    await platform.stop();
  }
}

describe("internet access of functions", { skip: cannotRun }, () => {
  test("is a function's own wish, where the platform leaves it to functions", async () => {
    assert.deepEqual(await waysOut("asked"), { on: true, off: false, unset: false });
  });
  test("is given to none, or to all but those that do not want it", async () => {
    assert.deepEqual(await waysOut("never"), { on: false, off: false, unset: false });
    assert.deepEqual(await waysOut("always"), { on: true, off: false, unset: true });
  });
});
