import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import { ApiGatewayV2 } from "@aws-sdk/client-apigatewayv2";
import { functionKit, type FunctionKit } from "../../test/support/function-kit.ts";
import { startPlatform, type TestPlatform } from "../../test/support/platform.ts";
import { childrenOf } from "../measure.ts";
import type { LoadOrder, LoadResult } from "./load.ts";
import { signedHeaders } from "./sign.ts";

/** A platform with a role for functions. */
export interface Bench {
  readonly platform: TestPlatform;
  readonly lambda: FunctionKit["lambda"];
  /** Pid of the app, below the launcher. */
  readonly app: number;
  create(...of: Parameters<FunctionKit["create"]>): Promise<{ name: string; arn: string }>;
  /** Makes an HTTP API whose `GET /hello` calls the function; answers the host to ask for. */
  httpApi(functionName: string, functionArn: string): Promise<string>;
  stop(): Promise<void>;
}

export const HELLO = {
  "index.mjs":
    'export const handler = async () => ({ statusCode: 200, headers: { "content-type": "application/json" }, body: JSON.stringify({ hello: "world" }) });',
};

export async function startBench(env: Record<string, string> = {}): Promise<Bench> {
  const platform = await startPlatform(env);
  await settled(platform.pid);
  const { lambda, create } = await functionKit(platform.client);
  return {
    platform,
    lambda,
    app: appOf(platform.pid),
    async create(files, options = {}) {
      const name = await create(files, { MemorySize: 1024, ...options });
      return { name, arn: `arn:aws:lambda:us-east-1:000000000000:function:${name}` };
    },
    async httpApi(name, arn) {
      const apis = new ApiGatewayV2(platform.client);
      const { ApiId } = await apis.createApi({ Name: name, ProtocolType: "HTTP" });
      const { IntegrationId } = await apis.createIntegration({
        ApiId,
        IntegrationType: "AWS_PROXY",
        IntegrationUri: arn,
        PayloadFormatVersion: "2.0",
      });
      await apis.createRoute({ ApiId, RouteKey: "GET /hello", Target: `integrations/${IntegrationId}` });
      await apis.createStage({ ApiId, StageName: "$default", AutoDeploy: true });
      const account = arn.split(":")[4];
      await lambda.addPermission({
        FunctionName: name,
        StatementId: "api",
        Action: "lambda:InvokeFunction",
        Principal: "apigateway.amazonaws.com",
        SourceArn: `arn:aws:execute-api:us-east-1:${account}:${ApiId}/*/GET/hello`,
      });
      return `${ApiId}.execute-api.localhost:${platform.port}`;
    },
    stop: () => platform.stop(),
  };
}

const commandOf = (pid: number): string => {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
  } catch {
    return ""; // it has ended
  }
};

/** A process and all below it. */
function descendantsOf(pid: number): number[] {
  const all = [pid];
  for (let i = 0; i < all.length; i++) all.push(...childrenOf(all[i]!));
  return all;
}

/** Processes of function runtimes, those of the pool included. */
export const runtimesOf = (bench: Bench): number[] =>
  descendantsOf(bench.platform.pid).filter((pid) =>
    /^\/var\/lang\/bin\/node|^\/usr\S*python.*bootstrap/.test(commandOf(pid)),
  );

/** The app is the launcher's child: both commands name it. */
function appOf(pid: number): number {
  const isApp = (command: string): boolean => /app\/main\.(ts|js)/.test(command) && !command.includes("launcher/main");
  const app = descendantsOf(pid).find((id) => isApp(commandOf(id)));
  if (app === undefined) throw new Error("the app's process was not found");
  return app;
}

const SETTLE_MS = 60_000;
const QUIET_MS = 1_000;

/** A first start makes the layers of builds in the background: waits until the launcher's children have done that. */
async function settled(launcher: number): Promise<void> {
  const deadline = performance.now() + SETTLE_MS;
  for (let quietSince = performance.now(); performance.now() < deadline;) {
    const copies = childrenOf(launcher).some((pid) => /^(cp|find|mount|dpkg|tar)\b/.test(commandOf(pid)));
    if (copies) quietSince = performance.now();
    else if (performance.now() - quietSince > QUIET_MS) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** CPU time of a process with all its threads, in microseconds. */
export function cpuUs(pid: number): number {
  let total = 0;
  for (const task of readdirSync(`/proc/${pid}/task`))
    total += Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, "utf8").split(" ")[0]) / 1000;
  return total;
}

export interface BareServer {
  readonly port: number;
  readonly pid: number;
  stop(): void;
}

export async function startBare(): Promise<BareServer> {
  const child = spawn(process.execPath, [join(import.meta.dirname, "bare.ts")], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [line] = (await once(child.stdout, "data")) as [Buffer];
  return { port: Number(String(line)), pid: child.pid!, stop: () => void child.kill() };
}

/** The value below which a share of the values lies. */
export function at(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

/** Milliseconds of one signed call by plain HTTP, which must succeed. */
export function invokeOnce(bench: Bench, name: string): Promise<number> {
  const { port, client } = bench.platform;
  const path = `/2015-03-31/functions/${name}/invocations`;
  const headers = signedHeaders({ port, path, body: "{}", sign: client.credentials });
  return new Promise((resolve, reject) => {
    const started = performance.now();
    const sent = request({ host: "127.0.0.1", port, method: "POST", path, headers }, (answer) => {
      let body = "";
      answer.setEncoding("utf8").on("data", (text: string) => (body += text));
      answer.once("end", () => {
        const failed = answer.statusCode !== 200 || answer.headers["x-amz-function-error"] !== undefined;
        if (failed) reject(new Error(`${name} was answered with ${answer.statusCode}: ${body}`));
        else resolve(performance.now() - started);
      });
    });
    sent.on("error", reject).end("{}");
  });
}

/** Runs the load generator in a process of its own. */
export async function load(order: LoadOrder): Promise<LoadResult> {
  const child = spawn(process.execPath, [join(import.meta.dirname, "load.ts"), JSON.stringify(order)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const result = JSON.parse(await output(child)) as LoadResult;
  if (result.bad > 0) process.stderr.write(`${result.bad} bad answers, the first: ${result.firstBad}\n`);
  return result;
}

/** What a process writes until its end. */
export async function output(child: ChildProcess): Promise<string> {
  let text = "";
  child.stdout!.on("data", (chunk) => (text += chunk));
  await once(child, "close");
  return text;
}
