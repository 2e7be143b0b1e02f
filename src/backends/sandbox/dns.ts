import { createSocket, type Socket as UdpSocket } from "node:dgram";
import { readFileSync } from "node:fs";
import { connect, type Server, type Socket } from "node:net";
import { isAwsName } from "../../kernel/aws-zones.ts";

/** Where AWS's names point to inside a sandbox. */
const AWS_ADDRESS = [127, 0, 0, 43];
/** Tells the internet's address of whoever asks, over plain HTTP: no service of the account's, but what samples of functions call. */
const PUBLIC_AWS_NAME = "checkip.amazonaws.com";
/** Names below `localhost` (RFC 6761): the platform's pages and buckets by host. */
const LOOPBACK = [127, 0, 0, 1];
const UPSTREAM_MS = 5000;
const MAX_UPSTREAM = 256;
const IDLE_MS = 10_000;
const TYPE_A = 1;
/** Not "refused": resolvers would ask again and again. */
const NO_SUCH_NAME = 3;

/** The host's resolver, which answers for everything that is not AWS; read for each question, since it changes on laptops. */
export function hostResolver(): string | undefined {
  try {
    return /^nameserver\s+([\d.]+)\s*$/m.exec(readFileSync("/etc/resolv.conf", "utf8"))?.[1];
  } catch {
    return undefined;
  }
}

/** What to do with a question: our answer, or `undefined` where the host's resolver is to be asked. Throws where it is not a question. */
export function answerLocally(query: Buffer, internet: boolean): Buffer | undefined {
  if (query.length < 17 || query.length > 4096 || (query.readUInt8(2) & 0x80) !== 0 || query.readUInt16BE(4) !== 1)
    throw new Error("not a DNS question");
  const labels: string[] = [];
  let at = 12;
  for (let length = query.readUInt8(at); length > 0; length = query.readUInt8(at)) {
    if (length > 63 || at + length + 5 >= query.length || labels.length > 127) throw new Error("not a DNS name");
    labels.push(query.toString("latin1", at + 1, at + 1 + length).toLowerCase());
    at += length + 1;
  }
  const end = at + 5;
  if (end > query.length) throw new Error("a DNS question that ends too early");
  const asksForAddress = query.readUInt16BE(at + 1) === TYPE_A;
  const name = labels.join(".");
  const isOurs = isAwsName(name) && name !== PUBLIC_AWS_NAME;
  const address = isOurs ? AWS_ADDRESS : labels.at(-1) === "localhost" ? LOOPBACK : undefined;
  if (address) return answer(query.subarray(0, end), asksForAddress ? address : undefined, 0);
  return internet ? undefined : answer(query.subarray(0, end), undefined, NO_SUCH_NAME);
}

function answer(question: Buffer, address: readonly number[] | undefined, code: number): Buffer {
  const record = address ? Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, ...address]) : Buffer.alloc(0);
  const response = Buffer.concat([question, record]);
  response.writeUInt16BE(0x8180 | code, 2);
  response.writeUInt16BE(1, 4);
  response.writeUInt16BE(address ? 1 : 0, 6);
  response.writeUInt32BE(0, 8);
  return response;
}

/** Answers questions over UDP on a socket inside a sandbox. */
export function serveDnsUdp(socket: UdpSocket, internet: boolean): void {
  let pending = 0;
  socket.on("error", () => {});
  socket.on("message", (query, peer) => {
    const reply = (data: Buffer): void => socket.send(data, peer.port, peer.address, () => {});
    try {
      const local = answerLocally(query, internet);
      if (local) return reply(local);
    } catch {
      return;
    }
    const server = hostResolver();
    if (!server || pending >= MAX_UPSTREAM) return;
    pending++;
    askUpstream(query, server, reply, () => pending--);
  });
}

/** One socket, and so one random port, for each question. */
function askUpstream(query: Buffer, server: string, reply: (data: Buffer) => void, done: () => void): void {
  const upstream = createSocket("udp4");
  const timer = setTimeout(() => upstream.close(), UPSTREAM_MS);
  upstream.once("close", () => {
    clearTimeout(timer);
    done();
  });
  upstream.on("error", () => upstream.close());
  upstream.on("message", (data) => {
    if (data.length < 2 || data.readUInt16BE(0) !== query.readUInt16BE(0)) return;
    upstream.close();
    reply(data);
  });
  upstream.connect(53, server, () => upstream.send(query));
}

/** The same over TCP: each message has two bytes of length before it. */
export function serveDnsTcp(server: Server, internet: boolean): void {
  server.maxConnections = 64;
  server.on("connection", (socket: Socket) => {
    let buffer = Buffer.alloc(0);
    socket.setTimeout(IDLE_MS, () => socket.destroy());
    socket.on("error", () => {});
    socket.on("data", (chunk) => {
      buffer = Buffer.concat([buffer, chunk]);
      while (buffer.length >= 2 && buffer.length >= 2 + buffer.readUInt16BE(0)) {
        const query = buffer.subarray(2, 2 + buffer.readUInt16BE(0));
        buffer = buffer.subarray(2 + query.length);
        if (!answerTcp(socket, query, internet)) return void socket.destroy();
      }
      if (buffer.length > 8192) socket.destroy();
    });
  });
}

function answerTcp(socket: Socket, query: Buffer, internet: boolean): boolean {
  try {
    const local = answerLocally(query, internet);
    if (local) return socket.write(Buffer.concat([lengthOf(local), local])) || true;
  } catch {
    return false;
  }
  const resolver = hostResolver();
  if (!resolver) return false;
  const upstream = connect(53, resolver);
  upstream.setTimeout(UPSTREAM_MS, () => upstream.destroy());
  upstream.on("error", () => socket.destroy());
  upstream.write(Buffer.concat([lengthOf(query), query]));
  let reply = Buffer.alloc(0);
  upstream.on("data", (chunk) => {
    reply = Buffer.concat([reply, chunk]);
    if (reply.length < 2 || reply.length < 2 + reply.readUInt16BE(0)) return;
    socket.write(reply);
    upstream.destroy();
  });
  return true;
}

function lengthOf(message: Buffer): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(message.length);
  return length;
}
