// From the end of PutObject (a JPEG of 2 MB) to the thumbnail's being readable, warm, beside the same sharp call in a bare process.
import { execFile, fork } from "node:child_process";
import { once } from "node:events";
import { Agent, request } from "node:http";
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { CloudFormation } from "@aws-sdk/client-cloudformation";
import { GetObjectCommand, S3 } from "@aws-sdk/client-s3";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";
import { startPlatform } from "../test/support/platform.ts";
import { starling } from "../test/support/starling.ts";
import { median, report, round } from "./measure.ts";

const ROUNDS = Number(process.argv[2] ?? 20);
const LIMIT_MS = 60_000;
const TEMPLATE = "nodejs-image-thumbnails";
const run = promisify(execFile);

/** Answers each message with the milliseconds of one sharp call; the first message asks for the picture. */
const BARE = `
const { randomBytes } = require("node:crypto");
const { writeFileSync, readFileSync } = require("node:fs");
const sharp = require("sharp");
const { resize } = require("./resize");
async function picture(file) {
  // Noise on a gradient, as a photograph has: about 2 MB as JPEG.
  const [width, height] = [2400, 1800];
  const pixels = randomBytes(width * height * 3);
  for (let i = 0; i < pixels.length; i++) pixels[i] = (((i / 3) % width) / width) * 150 + (pixels[i] % 90);
  writeFileSync(file, await sharp(pixels, { raw: { width, height, channels: 3 } }).jpeg({ quality: 88 }).toBuffer());
}
process.on("message", async ({ make, image }) => {
  if (make) return picture(make).then(() => process.send({ made: true }));
  const bytes = readFileSync(image);
  const begun = performance.now();
  await resize(bytes);
  process.send({ ms: performance.now() - begun });
});`;

/** The status of a GET whose body has been read. */
const get = (url: string, agent: Agent): Promise<number | undefined> =>
  new Promise((resolve, reject) => {
    const sent = request(url, { agent }, (answer) => {
      answer.resume().once("end", () => resolve(answer.statusCode));
    });
    sent.on("error", reject).end();
  });

const work = await mkdtemp(join(tmpdir(), "starling-bench-"));
const platform = await startPlatform();
const agent = new Agent({ keepAlive: true });
const s3 = new S3({ ...platform.client, forcePathStyle: true });
try {
  const source = resolve(import.meta.dirname, "../templates", TEMPLATE, "repository/thumbnail");
  await cp(source, work, { recursive: true });
  await run("npm", ["install", "--prefix", work, "--omit=dev", "--no-audit", "--no-fund"], { timeout: LIMIT_MS });
  await writeFile(join(work, "bare.cjs"), BARE);
  const bare = fork(join(work, "bare.cjs"));
  const ask = async (message: object): Promise<{ ms: number }> => {
    const answered = once(bare, "message");
    bare.send(message);
    return (await answered)[0] as { ms: number };
  };
  const image = join(work, "photo.jpg");
  await ask({ make: image });
  const photo = await readFile(image);

  const made = await starling(platform, "new", "thumbs", "--template", TEMPLATE);
  if (made.code !== 0) throw new Error(made.stdout + made.stderr);
  const { Stacks } = await new CloudFormation(platform.client).describeStacks({
    StackName: "awscodestar-thumbs-lambda",
  });
  const output = (name: string) => Stacks?.[0]?.Outputs?.find((o) => o.OutputKey === name)?.OutputValue ?? "";
  const [images, thumbnails] = [output("ImagesBucket"), output("ThumbnailsBucket")];

  // By a presigned URL: an SDK that asks every few milliseconds would take a core from both.
  const untilReadable = async (Key: string): Promise<void> => {
    const end = performance.now() + LIMIT_MS;
    const url = await getSignedUrl(s3, new GetObjectCommand({ Bucket: thumbnails, Key }));
    for (;;) {
      const status = await get(url, agent);
      if (status === 200) return;
      if (performance.now() > end) throw new Error(`there is no ${Key}`);
      await new Promise((next) => setTimeout(next, 3));
    }
  };
  // The project's boundary learns of the new buckets within a few seconds.
  await new Promise((next) => setTimeout(next, 5_000));
  const ours: number[] = [];
  const alone: number[] = [];
  for (let i = -3; i < ROUNDS; i++) {
    await s3.putObject({ Bucket: images, Key: `photo${i}.jpg`, Body: photo });
    const begun = performance.now();
    await untilReadable(`photo${i}.jpg.webp`);
    const took = performance.now() - begun;
    const { ms } = await ask({ image });
    if (i < 0) continue; // the first rounds warm both
    ours.push(took);
    alone.push(ms);
  }
  bare.disconnect();
  report({
    thumbnailMs: round(median(ours)),
    bareMs: round(median(alone)),
    moreMs: round(median(ours.map((ms, i) => ms - alone[i]!))),
    imageBytes: photo.length,
    rounds: ROUNDS,
  });
} finally {
  s3.destroy();
  agent.destroy();
  await platform.stop();
  await rm(work, { recursive: true, force: true });
}
