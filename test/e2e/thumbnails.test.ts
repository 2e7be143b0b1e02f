import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { after, before, describe, test } from "node:test";
import { crc32, deflateSync } from "node:zlib";
import { CloudFormation } from "@aws-sdk/client-cloudformation";
import { S3 } from "@aws-sdk/client-s3";
import { cannotRun, startPlatform, type TestPlatform } from "../support/platform.ts";
import { starling, until, visit } from "../support/starling.ts";

/** The template's build fetches sharp. */
function withoutRegistry(): string | undefined {
  try {
    execFileSync("npm", ["view", "sharp", "version"], { timeout: 20_000, stdio: "ignore" });
    return undefined;
  } catch {
    return "needs an npm registry, for sharp";
  }
}

/** A PNG of one colour. */
function png(width: number, height: number): Buffer {
  const chunk = (type: string, data: Buffer): Buffer => {
    const body = Buffer.concat([Buffer.from(type), data]);
    const ends = [Buffer.alloc(4), Buffer.alloc(4)] as const;
    ends[0].writeUInt32BE(data.length);
    ends[1].writeUInt32BE(crc32(body));
    return Buffer.concat([ends[0], body, ends[1]]);
  };
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2], 8); // eight bits a channel, RGB
  const row = Buffer.concat([Buffer.alloc(1), Buffer.alloc(width * 3, 0x7c)]);
  const pixels = deflateSync(Buffer.concat(Array.from({ length: height }, () => row)));
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([signature, chunk("IHDR", header), chunk("IDAT", pixels), chunk("IEND", Buffer.alloc(0))]);
}

describe("an uploaded image becomes a thumbnail", { skip: cannotRun ?? withoutRegistry() }, () => {
  let platform: TestPlatform;
  let s3: S3;
  let [images, thumbnails] = ["", ""];

  before(async () => {
    platform = await startPlatform();
    s3 = new S3({ ...platform.client, forcePathStyle: true });
    const made = await starling(platform, "new", "thumbs", "--template", "nodejs-image-thumbnails");
    assert.equal(made.code, 0, made.stdout + made.stderr);
    const { Stacks } = await new CloudFormation(platform.client).describeStacks({
      StackName: "awscodestar-thumbs-lambda",
    });
    const output = (name: string) => Stacks?.[0]?.Outputs?.find((o) => o.OutputKey === name)?.OutputValue ?? "";
    [images, thumbnails] = [output("ImagesBucket"), output("ThumbnailsBucket")];
  });
  after(async () => {
    s3?.destroy();
    await platform?.stop();
  });

  const thumbnail = (key: string) =>
    until(async () => {
      const found = await s3.getObject({ Bucket: thumbnails, Key: `${key}.webp` }).catch(() => undefined);
      return found && Buffer.from((await found.Body?.transformToByteArray()) ?? []);
    }, 90_000);

  test("what is put into the bucket is made small by sharp, whatever its name", async () => {
    await s3.putObject({ Bucket: images, Key: "a folder/grüße +1.png", Body: png(640, 480) });
    const small = await thumbnail("a folder/grüße +1.png");
    assert.deepEqual([small.toString("latin1", 0, 4), small.toString("latin1", 8, 12)], ["RIFF", "WEBP"]);
  });

  test("the page shows it", async () => {
    const home = `http://thumbs.localhost:${platform.port}/`;
    assert.match((await visit(home)).text, /<title>Thumbnails<\/title>/);
    const items = JSON.parse((await visit(`${home}thumbnails`)).text) as { key: string; url: string }[];
    assert.equal(items[0]?.key, "a folder/grüße +1.png.webp");
    assert.match(items[0]?.url ?? "", /^data:image\/webp;base64,/);
  });

  test("a platform that is killed right after it took an image makes the thumbnail when it is back", async () => {
    await s3.putObject({ Bucket: images, Key: "survivor.png", Body: png(500, 500) });
    await platform.kill();
    await platform.restart();
    assert.equal((await thumbnail("survivor.png")).toString("latin1", 8, 12), "WEBP");
  });
});
