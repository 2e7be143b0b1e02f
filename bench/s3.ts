// PUT and GET of 1 KiB and 100 MiB against nginx (its DAV module), in turn, in one run. Calls to Starling carry presigned URLs.
import { spawn, spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { Agent, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CreateBucketCommand, GetObjectCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";
import { freePort, startPlatform } from "../test/support/platform.ts";
import { callsPerSecond, childrenOf, median, report, round } from "./measure.ts";

const ROUNDS = Number(process.argv[2] ?? 3);
const SECONDS = 2;
const CALLERS = 16;
const SMALL = Buffer.alloc(1024, "s");
const LARGE = Buffer.alloc(100 * 1024 * 1024, "l");
/** Small objects are written and read in turn, so that no single key is all of it. */
const KEYS = Array.from({ length: 64 }, (_, i) => `small-${i}`);
const START_LIMIT_MS = 10_000;

if (spawnSync("nginx", ["-v"]).error) {
  process.stderr.write("bench s3 needs nginx with its DAV module as the reference: apt-get install nginx-light\n");
  process.exit(1);
}

interface Target {
  readonly put: (key: string) => string;
  readonly get: (key: string) => string;
}

async function startNginx(): Promise<{ url: string; stop: () => void }> {
  const folder = mkdtempSync(join(tmpdir(), "starling-nginx-"));
  chmodSync(folder, 0o777);
  for (const name of ["files", "tmp"]) mkdirSync(join(folder, name));
  const port = await freePort();
  writeFileSync(
    join(folder, "nginx.conf"),
    `daemon off; worker_processes 1; user root; pid ${folder}/pid; error_log ${folder}/error.log;
events { worker_connections 256; }
http { access_log off; client_max_body_size 0; client_body_temp_path ${folder}/tmp; keepalive_requests 1000000;
  server { listen 127.0.0.1:${port}; location / { root ${folder}/files; dav_methods PUT; } } }`,
  );
  const child = spawn("nginx", ["-c", join(folder, "nginx.conf")], { stdio: "ignore" });
  const url = `http://127.0.0.1:${port}`;
  const limit = performance.now() + START_LIMIT_MS;
  while (
    !(await fetch(url).then(
      () => true,
      () => false,
    ))
  ) {
    if (child.exitCode !== null || performance.now() > limit)
      throw new Error(`nginx did not start: ${readFileSync(join(folder, "error.log"), "utf8")}`);
  }
  const stop = (): void => {
    child.kill("SIGKILL");
    for (const pid of childrenOf(child.pid!)) process.kill(pid, "SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  };
  return { url, stop };
}

function call(url: string, agent: Agent, body?: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    const headers = body && { "content-length": String(body.length) };
    const sent = request(url, { method: body ? "PUT" : "GET", agent, headers }, (answer) => {
      answer.resume();
      answer.on("end", () => {
        if (answer.statusCode! < 300) resolve();
        else reject(new Error(`${url.replace(/\?.*/, "")} answers ${answer.statusCode}`));
      });
    });
    sent.on("error", reject);
    sent.end(body);
  });
}

/** Calls per second of many callers. */
const rate = (url: (key: string) => string, body?: Buffer): Promise<number> =>
  callsPerSecond(CALLERS, SECONDS, (agent, n) => call(url(KEYS[n % KEYS.length]!), agent, body));

/** Megabytes per second of one call. */
async function throughput(url: string, body?: Buffer): Promise<number> {
  const agent = new Agent();
  const started = performance.now();
  await call(url, agent, body);
  agent.destroy();
  return LARGE.length / 1_000 / (performance.now() - started);
}

const nginx = await startNginx();
const platform = await startPlatform();
try {
  const client = new S3Client({
    ...platform.client,
    forcePathStyle: true,
    requestChecksumCalculation: "WHEN_REQUIRED",
  });
  const Bucket = "bench";
  await client.send(new CreateBucketCommand({ Bucket }));
  const urls = new Map<string, { put: string; get: string }>();
  for (const Key of [...KEYS, "large"])
    urls.set(Key, {
      put: await getSignedUrl(client, new PutObjectCommand({ Bucket, Key }), { expiresIn: 3600 }),
      get: await getSignedUrl(client, new GetObjectCommand({ Bucket, Key }), { expiresIn: 3600 }),
    });
  const targets: Record<string, Target> = {
    nginx: { put: (key) => `${nginx.url}/${key}`, get: (key) => `${nginx.url}/${key}` },
    starling: { put: (key) => urls.get(key)!.put, get: (key) => urls.get(key)!.get },
  };
  const figures: Record<string, Record<string, number[]>> = {};
  for (let i = 0; i < ROUNDS; i++)
    for (const [name, { put, get }] of Object.entries(targets)) {
      const of = (what: string): number[] => ((figures[what] ??= {})[name] ??= []);
      of("put1KiB").push(await rate(put, SMALL));
      of("get1KiB").push(await rate(get));
      of("put100MiB").push(await throughput(put("large"), LARGE));
      of("get100MiB").push(await throughput(get("large")));
    }
  const result: Record<string, unknown> = {};
  for (const [what, { nginx: theirs = [], starling: ours = [] }] of Object.entries(figures))
    result[what] = {
      nginx: round(median(theirs)),
      starling: round(median(ours)),
      ratio: round(median(ours.map((figure, i) => figure / theirs[i]!)), 2),
    };
  report({ bench: "s3", ...result, unit: { "1KiB": "calls/s", "100MiB": "MB/s" }, rounds: ROUNDS });
} finally {
  nginx.stop();
  await platform.stop();
}
