import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import { connect, type AddressInfo } from "node:net";
import { after, before, describe, test } from "node:test";
import { readWholeHead, type WholeHead } from "./whole-request.ts";

/** What a parser made of a request. */
type Seen = Omit<WholeHead, "bodyBytes"> & { readonly body: string };

const seen = ({ method, url, httpVersion, headers, rawHeaders }: Omit<Seen, "body">, body: string): object => {
  return { method, url, httpVersion, headers: { ...headers }, rawHeaders: [...rawHeaders], body };
};

const PLAIN = "POST /hello?a=b%20c HTTP/1.1\r\nHost: a.localhost:4566\r\nX-A: b c \r\nContent-Length: 2";

test("a plain head is read with its names, values and length", () => {
  const head = readWholeHead(PLAIN);
  assert.equal(head?.bodyBytes, 2);
  assert.deepEqual(head?.rawHeaders, ["Host", "a.localhost:4566", "X-A", "b c", "Content-Length", "2"]);
  assert.deepEqual(head?.headers, { host: "a.localhost:4566", "x-a": "b c", "content-length": "2" });
});

test("what is not beyond doubt is left", () => {
  const line = "GET / HTTP/1.1";
  const host = "\r\nHost: a";
  for (const head of [
    "",
    line,
    "get / HTTP/1.1\r\nHost: a",
    `HEAD / HTTP/1.1${host}`,
    `OPTIONS / HTTP/1.1${host}`,
    `GET / HTTP/1.0${host}`,
    `GET  / HTTP/1.1${host}`,
    `GET /a b HTTP/1.1${host}`,
    `GET /\x80 HTTP/1.1${host}`,
    `GET /#a HTTP/1.1${host}`,
    `GET http://a/ HTTP/1.1${host}`,
    `${line}${host}${host}`,
    `${line}${host}\r\n X-A: folded`,
    `${line}${host}\r\nX-A : b`,
    `${line}${host}\r\nX A: b`,
    `${line}${host}\r\n: b`,
    `${line}${host}\r\nnone`,
    `${line}${host}\nX-A: b`,
    `${line}${host}\r\nX-A: b\0`,
    `${line}${host}\r\nX-A: b\rc`,
    `${line}${host}\r\nX-A: \xe9`,
    `${line}${host}\r\nContent-Length: 1\r\nContent-Length: 1`,
    ...["-1", "+1", "1, 1", "0x1", "1e1", "", "99999", "1 1", "123456"].map(
      (length) => `${line}${host}\r\nContent-Length: ${length}`,
    ),
    ...["close", "upgrade", "keep-alive, upgrade", ""].map((value) => `${line}${host}\r\nConnection: ${value}`),
    ...["Transfer-Encoding: chunked", "Expect: 100-continue", "Upgrade: h2c", "TE: trailers", "Trailer: x"].map(
      (field) => `${line}${host}\r\n${field}`,
    ),
    ...["Set-Cookie: a", "constructor: a", "__proto__: a"].map((field) => `${line}${host}\r\n${field}`),
    `${line}${host}${"\r\nX-A: b".repeat(2)}`,
    `${line}${host}${Array.from({ length: 200 }, (_, i) => `\r\nX-${i}: b`).join("")}`,
  ])
    assert.equal(readWholeHead(head), undefined, JSON.stringify(head.slice(0, 80)));
});

describe("what is read here, Node's parser reads in the same way", () => {
  let port: number;
  const server = createServer((request, response) => void answer(request).then((text) => response.end(text)));
  async function answer(request: IncomingMessage): Promise<string> {
    let body = "";
    for await (const chunk of request) body += (chunk as Buffer).toString("latin1");
    return JSON.stringify(seen(request, body));
  }
  before(async () => {
    await once(server.listen(0, "127.0.0.1"), "listening");
    port = (server.address() as AddressInfo).port;
  });
  after(() => server.close());

  async function byNode(bytes: Buffer): Promise<unknown> {
    const socket = connect(port, "127.0.0.1");
    let text = "";
    socket.on("error", () => undefined);
    socket.end(bytes);
    for await (const chunk of socket) text += (chunk as Buffer).toString("latin1");
    const [head = "", body = ""] = text.split("\r\n\r\n", 2);
    return head.startsWith("HTTP/1.1 200 ") ? (JSON.parse(body) as unknown) : head;
  }

  /** A generator of its own: the same requests each time. */
  function random(seed: number): (below: number) => number {
    let state = seed;
    return (below) => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return Math.floor((state / 2 ** 32) * below);
    };
  }

  const PIECES = [
    ...'\r\n\t :;,#?/%"\\\0\x7f\x80\xff',
    "\r\n",
    "\r\n ",
    "\n",
    "\r\n\r\n",
    "  ",
    ": ",
    "GET ",
    "http://a/",
    " HTTP/1.1",
    "HTTP/1.0",
    "\r\nHost: b",
    "\r\nContent-Length: 3",
    "\r\nTransfer-Encoding: chunked",
    "\r\nConnection: close",
    "\r\nConnection: Keep-Alive",
    "\r\nCookie: a=1",
    "\r\nCookie: b=2",
    "\r\nUser-Agent: x",
    "\r\nAuthorization: x y=z, w",
    "\r\nX-Empty:",
    "\r\nX-Tab:\ta\t",
    "\r\n__proto__: x",
    '\r\nIf-None-Match: "a"',
  ];

  const SEEDS = [
    "GET / HTTP/1.1\r\nHost: a",
    PLAIN,
    "PUT /a/b?c=d&e HTTP/1.1\r\nhost:a\r\nAccept: */*\r\nConnection: keep-alive\r\ncontent-length:4",
    "DELETE /%2f?x=%00 HTTP/1.1\r\nHost: [::1]:80\r\nX-1: !#$%&'*+.^_`|~-\r\nReferer: http://x/",
  ];

  test("of requests that were changed at random", async () => {
    const below = random(20_261_124);
    let compared = 0;
    for (let round = 0; round < 3_000; round++) {
      let text = SEEDS[below(SEEDS.length)]!;
      for (let changes = below(3); changes >= 0; changes--) {
        const at = below(text.length + 1);
        const piece = PIECES[below(PIECES.length)]!;
        text = text.slice(0, at) + piece + text.slice(at + below(2) * below(4));
      }
      const end = text.indexOf("\r\n\r\n");
      const head = readWholeHead(end < 0 ? text : text.slice(0, end));
      if (!head) continue;
      const rest = end < 0 ? "" : text.slice(end + 4);
      const body = `${rest}${"x".repeat(head.bodyBytes)}`.slice(0, head.bodyBytes);
      const bytes = Buffer.from(`${end < 0 ? text : text.slice(0, end)}\r\n\r\n${body}`, "latin1");
      assert.deepEqual(seen(head, body), await byNode(bytes), JSON.stringify(text));
      compared++;
    }
    assert.ok(compared > 300, `only ${compared} were read`);
  });
});
