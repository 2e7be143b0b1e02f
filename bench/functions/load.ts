// A load generator of its own process: node load.ts '<json>' prints one line of JSON. Keep-alive HTTP/1.1; every answer must have the status that is expected.
import { connect } from "node:net";
import { signedHeaders } from "./sign.ts";

export interface LoadOrder {
  readonly port: number;
  readonly host?: string;
  readonly method?: string;
  readonly path: string;
  readonly body?: string;
  /** Signs each request for Lambda; a signature serves for one second, as clients may do. */
  readonly sign?: { accessKeyId: string; secretAccessKey: string };
  readonly headers?: Readonly<Record<string, string>>;
  /** That every answer must have; default 200. */
  readonly status?: number;
  readonly connections: number;
  readonly seconds: number;
}

export interface LoadResult {
  readonly rps: number;
  readonly p50: number;
  readonly p99: number;
  readonly bad: number;
  readonly firstBad: string;
  /** CPU of this process for one request, in microseconds. */
  readonly cpuUs: number;
}

const order = JSON.parse(process.argv[2] ?? "{}") as LoadOrder;
const { method = "GET", body = "", path, port } = order;
const host = order.host ?? `127.0.0.1:${port}`;
const statusOk = Buffer.from(`HTTP/1.1 ${order.status ?? 200}`);

const headerLines = (headers: Readonly<Record<string, string>>): string =>
  Object.entries(headers)
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join("");

let signedAt = -1;
let request = Buffer.alloc(0);
function requestNow(): Buffer {
  const second = order.sign ? Math.floor(Date.now() / 1000) : 0;
  if (second !== signedAt) {
    signedAt = second;
    const length = body ? `Content-Length: ${Buffer.byteLength(body)}\r\n` : "";
    const more = headerLines(order.headers ?? {});
    const signed = order.sign ? headerLines(signedHeaders({ port, path, body, sign: order.sign })) : "";
    request = Buffer.from(
      `${method} ${path} HTTP/1.1\r\nHost: ${host}\r\nUser-Agent: load\r\n${length}${more}${signed}\r\n${body}`,
    );
  }
  return request;
}

const times: number[] = [];
let bad = 0;
let firstBad = "";
const end = performance.now() + order.seconds * 1000;

/** Length of the first answer in the text; undefined while it is not whole. */
function answerLength(buffer: Buffer): number | undefined {
  const head = buffer.indexOf("\r\n\r\n");
  if (head < 0) return undefined;
  const length = /\r\ncontent-length: *(\d+)/i.exec(buffer.toString("latin1", 0, head + 2));
  if (!length && order.status === 204) return head + 4;
  if (length) return buffer.length >= head + 4 + Number(length[1]) ? head + 4 + Number(length[1]) : undefined;
  return buffer.subarray(-5).equals(Buffer.from("0\r\n\r\n")) ? buffer.length : undefined;
}

function client(): Promise<void> {
  return new Promise((done) => {
    const socket = connect(port, "127.0.0.1", () => send());
    socket.setNoDelay(true);
    let started = 0;
    let received: Buffer | undefined;
    const send = (): void => {
      started = performance.now();
      if (started > end) return void socket.destroy();
      socket.write(requestNow());
    };
    socket.on("data", (chunk: Buffer) => {
      received = received ? Buffer.concat([received, chunk]) : chunk;
      if (answerLength(received) === undefined) return;
      if (received.subarray(0, statusOk.length).equals(statusOk)) times.push(performance.now() - started);
      else {
        bad++;
        firstBad ||= received.toString("latin1", 0, 400);
      }
      received = undefined;
      send();
    });
    socket.on("error", (error) => {
      bad++;
      firstBad ||= String(error);
    });
    socket.on("close", () => done());
  });
}

const cpu = process.cpuUsage();
await Promise.all(Array.from({ length: order.connections }, client));
const used = process.cpuUsage(cpu);
times.sort((a, b) => a - b);
const at = (share: number): number => times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? Number.NaN;
const result: LoadResult = {
  rps: times.length / order.seconds,
  p50: at(0.5),
  p99: at(0.99),
  bad,
  firstBad,
  cpuUs: (used.user + used.system) / Math.max(1, times.length),
};
process.stdout.write(`${JSON.stringify(result)}\n`);
