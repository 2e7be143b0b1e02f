// Signed calls per second against a bare node:http server, in turn, in one run.
import { createServer } from "node:http";
import { once } from "node:events";
import { request, type Agent } from "node:http";
import type { AddressInfo } from "node:net";
import { startTestApp } from "../test/support/test-app.ts";
import { amzDateOf } from "../src/aws/sigv4.ts";
import { hmacSha256, sha256Hex, signingKey, stringToSign } from "../src/aws/sigv4-canonical.ts";
import { callsPerSecond, median, report, round } from "./measure.ts";

const ROUNDS = Number(process.argv[2] ?? 3);
const SECONDS = 2;
const CALLERS = [1, 32];

const app = await startTestApp();
const bare = createServer((incoming, answer) => {
  incoming.resume();
  incoming.on("end", () => answer.end('{"ok":true}'));
}).listen(0, "127.0.0.1");
await once(bare, "listening");

interface Target {
  readonly port: number;
  readonly headers: () => Record<string, string>;
  readonly body: string;
}

const BODY = "Action=GetCallerIdentity&Version=2011-06-15";

/** Headers of a signed GetCallerIdentity; a signature is made for each second and used by all calls of it, as clients may. */
function signed(): Record<string, string> {
  const { accessKeyId, secretAccessKey } = app.client.credentials;
  const amzDate = amzDateOf(Date.now());
  const scope = { amzDate, date: amzDate.slice(0, 8), region: "us-east-1", service: "sts" };
  const headers = {
    host: `127.0.0.1:${app.running.port}`,
    "x-amz-date": amzDate,
    "content-type": "application/x-www-form-urlencoded",
  };
  const names = ["content-type", "host", "x-amz-date"];
  const text = stringToSign({ method: "POST", path: "/", rawQuery: "", headers }, scope, names, sha256Hex(BODY));
  const signature = hmacSha256(signingKey(secretAccessKey, scope.date, scope.region, scope.service), text).toString(
    "hex",
  );
  const credential = `${accessKeyId}/${scope.date}/${scope.region}/sts/aws4_request`;
  return {
    ...headers,
    authorization: `AWS4-HMAC-SHA256 Credential=${credential}, SignedHeaders=${names.join(";")}, Signature=${signature}`,
  };
}

let cached = { second: 0, headers: signed() };
const headersNow = (): Record<string, string> => {
  const second = Math.floor(Date.now() / 1000);
  if (cached.second !== second) cached = { second, headers: signed() };
  return cached.headers;
};

const targets: Record<string, Target> = {
  bare: { port: (bare.address() as AddressInfo).port, headers: () => ({}), body: BODY },
  signed: { port: app.running.port, headers: headersNow, body: BODY },
};

function call(target: Target, agent: Agent): Promise<void> {
  return new Promise((resolve, reject) => {
    const sent = request(
      {
        host: "127.0.0.1",
        port: target.port,
        method: "POST",
        path: "/",
        agent,
        headers: { ...target.headers(), "content-length": String(target.body.length) },
      },
      (answer) => {
        answer.resume();
        answer.on("end", () =>
          answer.statusCode === 200 ? resolve() : reject(new Error(`status ${answer.statusCode}`)),
        );
      },
    );
    sent.on("error", reject);
    sent.end(target.body);
  });
}

const rate = (target: Target, callers: number): Promise<number> =>
  callsPerSecond(callers, SECONDS, (agent) => call(target, agent));

const result: Record<string, number> = {};
for (const callers of CALLERS) {
  const rates: Record<string, number[]> = { bare: [], signed: [] };
  for (let i = 0; i < ROUNDS; i++)
    for (const [name, target] of Object.entries(targets)) rates[name]!.push(await rate(target, callers));
  result[`bare${callers}`] = round(median(rates["bare"]!), 0);
  result[`signed${callers}`] = round(median(rates["signed"]!), 0);
  result[`ratio${callers}`] = round(median(rates["signed"]!.map((r, i) => r / rates["bare"]![i]!)), 2);
}
bare.close();
await app.stop();
report({ bench: "wire", ...result, rounds: ROUNDS });
