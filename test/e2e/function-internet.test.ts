import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { functionKit } from "../support/function-kit.ts";
import { cannotRun, startPlatform } from "../support/platform.ts";

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
    const { create, call } = await functionKit(platform.client);
    const ways: Record<string, boolean> = {};
    for (const own of ["on", "off", "unset"]) {
      const Variables: Record<string, string> = own === "unset" ? {} : { STARLING_INTERNET: own };
      const name = await create({ "index.js": HANDLER }, { Timeout: 10, Environment: { Variables } });
      const { value } = await call(name, { hostPort: platform.port });
      assert.equal(value.host, false, "the host is out of reach, whatever is set");
      ways[own] = value.out;
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
