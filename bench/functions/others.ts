import { request } from "node:http";
import { CloudWatchLogs } from "@aws-sdk/client-cloudwatch-logs";
import { median, pssMB, round } from "../measure.ts";
import { at, HELLO, invokeOnce, load, runtimesOf, type Bench } from "./bench-kit.ts";

const STREAM = {
  "index.mjs": `export const handler = awslambda.streamifyResponse(async (event, stream) => {
  stream.setContentType("text/plain");
  stream.write(String(performance.timeOrigin + performance.now()));
  await new Promise((done) => setTimeout(done, 20));
  stream.end("end");
});`,
};

/** From the handler's first write to the first byte at the client of its URL. */
export async function streaming(bench: Bench, rounds: number): Promise<object> {
  const { name } = await bench.create(STREAM);
  await bench.lambda.addPermission({
    FunctionName: name,
    StatementId: "all",
    Action: "lambda:InvokeFunctionUrl",
    Principal: "*",
    FunctionUrlAuthType: "NONE",
  });
  const { FunctionUrl } = await bench.lambda.createFunctionUrlConfig({
    FunctionName: name,
    AuthType: "NONE",
    InvokeMode: "RESPONSE_STREAM",
  });
  const { host } = new URL(FunctionUrl!);
  const firstByte = (): Promise<number> =>
    new Promise((resolve, reject) => {
      const sent = request({ host: "127.0.0.1", port: bench.platform.port, headers: { host } }, (answer) => {
        answer.once("data", (chunk) => {
          const at = performance.timeOrigin + performance.now();
          answer.resume().once("end", () => resolve(at - Number(String(chunk))));
        });
      });
      sent.on("error", reject).end();
    });
  await firstByte();
  const times: number[] = [];
  for (let i = 0; i < rounds * 10; i++) times.push(await firstByte());
  return { p50Ms: round(median(times), 2), p90Ms: round(at(times, 0.9), 2) };
}

/** Asynchronous events that are accepted (on disk) in a second, beside signed dry runs, by 64 callers. */
export async function events(bench: Bench, rounds: number): Promise<object> {
  const { name } = await bench.create(HELLO);
  await bench.lambda.putFunctionConcurrency({ FunctionName: name, ReservedConcurrentExecutions: 1 });
  const path = `/2015-03-31/functions/${name}/invocations`;
  const common = { port: bench.platform.port, method: "POST", path, body: '{"a":1}', connections: 64, seconds: 1 };
  const order = (type: string, status: number) => ({
    ...common,
    sign: bench.platform.client.credentials,
    headers: { "X-Amz-Invocation-Type": type },
    status,
  });
  const rows: { events: number; ratio: number }[] = [];
  for (let i = 0; i < rounds; i++) {
    const dry = await load(order("DryRun", 204));
    const accepted = await load(order("Event", 202));
    rows.push({ events: accepted.rps, ratio: accepted.rps / dry.rps });
  }
  return { perSecond: round(median(rows.map((r) => r.events)), 0), ratio: round(median(rows.map((r) => r.ratio)), 2) };
}

/** Memory of an idle environment, and of launcher and app before and after many calls. */
export async function memory(bench: Bench): Promise<object> {
  const calls = 100_000;
  const { name, arn } = await bench.create(HELLO);
  const host = await bench.httpApi(name, arn);
  const target = { port: bench.platform.port, host, path: "/hello", connections: 16 };
  const platform = (): number => pssMB(bench.app) + pssMB(bench.platform.pid);
  await invokeOnce(bench, name);
  await load({ ...target, seconds: 5 });
  const idle = runtimesOf(bench).map(pssMB);
  const before = platform();
  let made = 0;
  while (made < calls) made += Math.round((await load({ ...target, seconds: 5 })).rps * 5);
  await new Promise((done) => setTimeout(done, 8_000)); // an idle platform gives memory back
  await new CloudWatchLogs(bench.platform.client).describeLogGroups({});
  return { idleEnvironmentMB: round(median(idle)), beforeMB: round(before), afterMB: round(platform()), calls: made };
}
