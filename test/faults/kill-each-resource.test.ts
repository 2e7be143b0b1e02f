import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { CloudFormation } from "@aws-sdk/client-cloudformation";
import { S3 } from "@aws-sdk/client-s3";
import { services } from "../../src/services/index.ts";
import { freePort } from "../support/platform.ts";
import type { ClientSettings } from "../support/test-app.ts";
import { zip } from "../support/zip.ts";
import { everyType, nested } from "./every-type.ts";
import { keptRecords } from "./kept-records.ts";
import { startMortalApp, type MortalPlatform } from "./mortal-platform.ts";
import { pickKills } from "./pick-kills.ts";

/** Types that the stack does not have, with the reason. */
const LEFT_OUT: Readonly<Record<string, string>> = {
  "AWS::CloudFormation::CustomResource":
    "a function makes it, in a sandbox; its second try asks with the same RequestId",
  "AWS::CloudFormation::WaitCondition": "makes nothing, and waits for signals",
};
const LIMIT_MS = 60_000;
const SHARDS = 61;

interface Point {
  readonly phase: "creation" | "deletion";
  readonly write: number;
}

describe("kill -9 at every write of a stack with every type", { timeout: 7_200_000 }, () => {
  let data: string;
  let port: number;
  let life: MortalPlatform;
  let cfn: CloudFormation;
  let s3: S3;

  before(async () => {
    data = await mkdtemp(join(tmpdir(), "starling-types-"));
    port = await freePort();
    life = await startMortalApp({ data, port });
    const credentials = JSON.parse(await readFile(join(data, "admin-credentials.json"), "utf8"));
    const client: ClientSettings = {
      endpoint: `http://127.0.0.1:${port}`,
      region: "us-east-1",
      credentials,
      maxAttempts: 1,
    };
    cfn = new CloudFormation(client);
    s3 = new S3({ ...client, forcePathStyle: true });
    await s3.createBucket({ Bucket: "code" });
    await s3.putObject({ Bucket: "code", Key: "nested.json", Body: JSON.stringify(nested) });
    await s3.putObject({ Bucket: "code", Key: "layer.zip", Body: await zip({ "nodejs/x.js": "1" }) });
  });
  after(async () => {
    if (life && !life.isDead) await life.stop();
    await rm(data, { recursive: true, force: true, maxRetries: 10 });
  });

  const create = () =>
    cfn.createStack({
      StackName: "all",
      TemplateBody: JSON.stringify(everyType),
      Capabilities: ["CAPABILITY_NAMED_IAM"],
    });
  const remove = () => cfn.deleteStack({ StackName: "all" });

  /** The newest stack of the name, when it has come to an end. */
  async function ended(wanted: string): Promise<void> {
    for (const deadline = Date.now() + LIMIT_MS; Date.now() < deadline;) {
      const { StackSummaries = [] } = await cfn.listStacks({});
      const all = StackSummaries.filter((s) => s.StackName === "all");
      const [newest] = all.toSorted((a, b) => b.CreationTime!.getTime() - a.CreationTime!.getTime());
      if (newest && !newest.StackStatus!.endsWith("IN_PROGRESS"))
        return assert.equal(
          newest.StackStatus,
          wanted,
          `${newest.StackStatusReason}: ${await reasons(newest.StackId!)}`,
        );
      await new Promise((done) => setTimeout(done, 10));
    }
    assert.fail(`the stack did not end:\n${life.output()}`);
  }

  async function reasons(StackName: string): Promise<string> {
    const { StackEvents = [] } = await cfn.describeStackEvents({ StackName });
    return StackEvents.filter((e) => e.ResourceStatus?.endsWith("FAILED"))
      .map((e) => `${e.LogicalResourceId}: ${e.ResourceStatusReason}`)
      .join("; ");
  }

  test("no type is left out", () => {
    const types = services.flatMap((service) => service.resources ?? []).map((type) => type.type);
    const used = new Set(Object.values(everyType.Resources).map((r) => r.Type));
    assert.deepEqual(
      types.filter((type) => !used.has(type)),
      Object.keys(LEFT_OUT),
    );
  });

  test("it comes to its end, and its deletion leaves nothing in any service", async (t) => {
    const empty = keptRecords(data);
    await life.count();
    await create();
    await ended("CREATE_COMPLETE");
    const created = life.writes.length;
    const full = keptRecords(data);
    await remove();
    await ended("DELETE_COMPLETE");
    const deleted = life.writes.length - created;
    assert.ok(created > 100 && deleted > 80, `only ${created} and ${deleted} writes`);
    // What a deletion without any fault leaves is history: stacks that were, and their events.
    const clean = keptRecords(data);
    const things = [...full.keys()].filter((kind) => (clean.get(kind) ?? 0) === (empty.get(kind) ?? 0));
    t.diagnostic(
      `history: ${[...clean.keys()].filter((kind) => !things.includes(kind) && clean.get(kind) !== empty.get(kind)).join(", ")}`,
    );
    assert.ok(things.length > 25, `only ${things.join(", ")}`);

    const points: Point[] = pickKills(
      [
        ...Array.from({ length: created }, (_none, i): Point => ({ phase: "creation", write: i + 1 })),
        ...Array.from({ length: deleted }, (_none, i): Point => ({ phase: "deletion", write: i + 1 })),
      ],
      SHARDS,
    );
    await life.stop();
    const start = (point: Point | undefined) =>
      startMortalApp({ data, port }, point && { write: point.write, when: "after" });
    life = await start(points[0]);
    for (const [i, point] of points.entries()) {
      const name = `${point.phase}, write ${point.write}`;
      await t.test(name, async () => {
        if (point.phase === "deletion") {
          await create();
          await ended("CREATE_COMPLETE");
        }
        await life.count();
        // The answer may die with the platform.
        await (point.phase === "creation" ? create() : remove()).catch(() => undefined);
        const late = setTimeout(() => void life.stop(), LIMIT_MS);
        await life.dead;
        clearTimeout(late);
        t.diagnostic(`${name}: ${life.writes[point.write - 1]}`);
        life = await start(points[i + 1]);
        const { StackSummaries = [] } = await cfn.listStacks({});
        const lives = StackSummaries.some((s) => s.StackName === "all" && s.StackStatus !== "DELETE_COMPLETE");
        if (point.phase === "creation") {
          if (!lives) await create();
          await ended("CREATE_COMPLETE");
          await remove();
        } else await remove();
        await ended("DELETE_COMPLETE");
        const now = keptRecords(data);
        const left = things.filter((kind) => (now.get(kind) ?? 0) !== (empty.get(kind) ?? 0));
        assert.deepEqual(left, []);
      });
      if (life.isDead) life = await start(points[i + 1]);
    }
  });
});
