import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { after, before, describe, test } from "node:test";
import { openFrontDoor, type FrontDoor } from "./server.ts";

const PATIENCE = { headersMs: 300, idleMs: 1_200, keepAliveMs: 300, bodyMs: 300, workMs: 20_000 };
const LATE_MS = 10_000;
const PIPELINED = 20;

/** A client that reads answers one after the other. */
class Client {
  readonly #socket: Socket;
  #text = "";
  #wake: () => void = () => undefined;
  closed = false;

  constructor(port: number) {
    this.#socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true }).setEncoding("latin1");
    this.#socket.on("data", (chunk: string) => {
      this.#text += chunk;
      this.#wake();
    });
    this.#socket.on("error", () => undefined);
    this.#socket.on("end", () => this.#socket.end());
    this.#socket.on("close", () => {
      this.closed = true;
      this.#wake();
    });
  }

  async #until(isThere: () => boolean): Promise<void> {
    const late = setTimeout(() => this.#socket.destroy(), LATE_MS);
    while (!isThere() && !this.closed) await new Promise<void>((resolve) => (this.#wake = resolve));
    clearTimeout(late);
  }

  send(text: string): this {
    this.#socket.write(text, "latin1");
    return this;
  }

  end(): this {
    this.#socket.end();
    return this;
  }

  destroy(): void {
    this.#socket.destroy();
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  async answer(): Promise<{ head: string; body: string }> {
    const length = (): number => Number(/\r\ncontent-length: (\d+)/i.exec(this.#text)?.[1] ?? 0);
    const end = (): number => this.#text.indexOf("\r\n\r\n");
    await this.#until(() => end() >= 0 && this.#text.length >= end() + 4 + length());
    const [head, size] = [this.#text.slice(0, Math.max(0, end())), end() + 4 + length()];
    const body = this.#text.slice(end() + 4, size);
    this.#text = this.#text.slice(size);
    return { head, body };
  }

  async holds(text: string): Promise<void> {
    await this.#until(() => this.#text.includes(text));
    assert.ok(this.#text.includes(text), this.#text);
  }

  gone(): Promise<void> {
    return this.#until(() => this.closed);
  }
}

describe("connections of whole requests", () => {
  let door: FrontDoor;
  /** Signals of the calls to /wait. */
  const waiting: AbortSignal[] = [];
  const gates = new Map<string, () => void>();
  before(async () => {
    door = await openFrontDoor({
      host: "127.0.0.1",
      port: 0,
      patience: PATIENCE,
      serve: (request, response) => {
        let body = "";
        request.on("data", (chunk: Buffer) => (body += chunk.toString("latin1")));
        request.on("error", () => undefined);
        request.on("end", () => {
          const done = (): unknown => response.end(`node ${request.method} ${request.url} ${body}`);
          if (request.url === "/gate/stream") response.write("begun ");
          if (request.url?.startsWith("/gate/")) gates.set(request.url, done);
          else done();
        });
      },
      prepare: ({ method, url = "" }, { closed }) => {
        if (!url.startsWith("/whole/")) return undefined;
        return async (body) => {
          if (url === "/whole/fails") throw new Error("must not reach anybody");
          if (url === "/whole/wait") waiting.push(closed());
          if (/gate|wait/.test(url))
            await new Promise<void>((resolve) => gates.set(`${url}${body.toString()}`, resolve));
          const headers = url === "/whole/split" ? ["x-a", "b\r\nx-injected: c"] : ["x-a", "b"];
          if (url === "/whole/nothing") return { status: 204, headers, body: "" };
          if (url === "/whole/large") return { status: 200, headers, body: Buffer.alloc(5_000_000, "x") };
          const text = url === "/whole/letters" ? "\u00e9\u20ac" : `whole ${method} ${url} ${body.toString("latin1")}`;
          return { status: 200, headers, body: text };
        };
      },
    });
  });
  after(() => door.close(0));

  const request = (method: string, path: string, body = "", more = ""): string =>
    `${method} ${path} HTTP/1.1\r\nHost: x\r\n${more}${body ? `Content-Length: ${body.length}\r\n` : ""}\r\n${body}`;

  /** Waits until a call has come as far as its gate. */
  async function reached(gate: string): Promise<void> {
    for (const deadline = Date.now() + LATE_MS; !gates.has(gate);) {
      assert.ok(Date.now() < deadline, `nobody came to ${gate}`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  async function open(gate: string): Promise<void> {
    await reached(gate);
    gates.get(gate)!();
    gates.delete(gate);
  }

  test("many requests one after the other, with and without bodies, in whatever pieces they come", async () => {
    const client = new Client(door.port);
    for (let i = 0; i < 5; i++) {
      client.send(request("GET", "/whole/a"));
      const { head, body } = await client.answer();
      assert.match(
        head,
        /^HTTP\/1\.1 200 OK\r\nx-a: b\r\nContent-Length: 19\r\nDate: .* GMT\r\nConnection: keep-alive\r\n/,
      );
      assert.equal(body, "whole GET /whole/a ");
      const text = request("POST", "/whole/b", "hello");
      client.send(text.slice(0, text.length - 3));
      await new Promise((resolve) => setImmediate(resolve));
      client.send(text.slice(text.length - 3));
      assert.equal((await client.answer()).body, "whole POST /whole/b hello");
    }
    client.destroy();
  });

  test("answers have the length of their bytes, or no body", async () => {
    const client = new Client(door.port);
    const { head, body } = await client.send(request("GET", "/whole/letters")).answer();
    assert.match(head, /Content-Length: 5\r\n/);
    assert.equal(Buffer.from(body, "latin1").toString(), "\u00e9\u20ac");
    const nothing = await client.send(request("GET", "/whole/nothing")).answer();
    assert.match(nothing.head, /^HTTP\/1\.1 204 No Content\r\n/);
    assert.doesNotMatch(nothing.head, /content-length/i);
    assert.equal((await client.send(request("GET", "/whole/large")).answer()).body.length, 5_000_000);
    client.destroy();
  });

  test("a header that would end its line is not sent", async () => {
    const client = new Client(door.port);
    const { head } = await client.send(request("GET", "/whole/split")).answer();
    assert.match(head, /^HTTP\/1\.1 500 /);
    assert.doesNotMatch(head, /x-injected/);
    client.destroy();
  });

  test("other requests go on with Node's parser, nothing of them lost, and so does what follows", async () => {
    const client = new Client(door.port);
    await client.send(request("GET", "/whole/a")).answer();
    assert.equal((await client.send(request("POST", "/other", "abc")).answer()).body, "node POST /other abc");
    assert.equal((await client.send(request("GET", "/whole/a")).answer()).body, "node GET /whole/a ");
    client.destroy();
    for (const more of ["Expect: 100-continue\r\n", "Connection: close\r\n", "X-A: 1\r\nX-A: 2\r\n"]) {
      const other = new Client(door.port);
      assert.equal((await other.send(request("PUT", "/whole/b", "abc", more)).answer()).head.slice(0, 9), "HTTP/1.1 ");
      other.destroy();
    }
    const chunked = "POST /whole/b HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
    const last = new Client(door.port);
    assert.equal((await last.send(chunked).answer()).body, "node POST /whole/b abc");
    last.destroy();
  });

  test("requests that come before the answer to the one before are answered in turn", async () => {
    const client = new Client(door.port);
    client.send(request("POST", "/whole/gate", "1"));
    await reached("/whole/gate1");
    for (let i = 0; i < PIPELINED; i++) client.send(request("POST", i % 2 ? "/whole/b" : "/other", String(i)));
    await open("/whole/gate1");
    assert.equal((await client.answer()).body, "whole POST /whole/gate 1");
    for (let i = 0; i < PIPELINED; i++) assert.match((await client.answer()).body, new RegExp(`${i}$`));
    client.destroy();
  });

  test("a client that is through with sending gets its answer", async () => {
    const client = new Client(door.port).send(request("POST", "/whole/gate", "2")).end();
    await open("/whole/gate2");
    assert.equal((await client.answer()).body, "whole POST /whole/gate 2");
    await client.gone();
  });

  test("a call learns that its client has gone", async () => {
    const client = new Client(door.port).send(request("GET", "/whole/wait"));
    await reached("/whole/wait");
    const aborted = once(waiting[0]!, "abort", { signal: AbortSignal.timeout(LATE_MS) });
    client.destroy();
    await aborted;
    await open("/whole/wait");
  });

  test("our own work takes as long as it takes, by either server", async () => {
    const paths = ["/whole/gate", "/gate/3", "/gate/stream"];
    const clients = paths.map((path) => new Client(door.port).send(request("POST", path, "3")));
    await new Promise((resolve) => setTimeout(resolve, PATIENCE.idleMs * 2));
    await open("/whole/gate3");
    await open("/gate/3");
    await open("/gate/stream");
    const bodies = await Promise.all(clients.slice(0, 2).map(async (client) => (await client.answer()).body));
    assert.deepEqual(bodies, ["whole POST /whole/gate 3", "node POST /gate/3 3"]);
    await clients[2]!.holds("begun \r\n18\r\nnode POST /gate/stream 3");
    for (const client of clients) client.destroy();
  });

  test("clients that say nothing, stop in mid-body or do not read are cut", async () => {
    const silent = new Client(door.port);
    const begun = new Client(door.port).send("POST /whole/b HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc");
    const idle = new Client(door.port).send(request("GET", "/whole/a"));
    const deaf = new Client(door.port).send(request("GET", "/whole/large"));
    deaf.pause();
    await idle.answer();
    await Promise.all([silent.gone(), begun.gone(), idle.gone()]);
    await new Promise((resolve) => setTimeout(resolve, PATIENCE.idleMs * 6));
    deaf.resume();
    assert.ok((await deaf.answer()).body.length < 5_000_000);
  });

  test("a client that reads slowly, but on and on, gets all", async () => {
    const slow = connect(door.port, "127.0.0.1");
    let bytes = 0;
    slow.write(request("GET", "/whole/large"));
    for await (const chunk of slow.on("error", () => undefined)) {
      bytes += (chunk as Buffer).length;
      if (bytes > 5_000_000) break;
      await new Promise((resolve) => setTimeout(resolve, 30));
    }
    assert.ok(bytes > 5_000_000, `${bytes}`);
    slow.destroy();
  });

  test("a call that fails ends its connection and nothing else", async () => {
    const client = new Client(door.port).send(request("GET", "/whole/fails"));
    await client.gone();
    assert.equal((await new Client(door.port).send(request("GET", "/whole/a")).answer()).body, "whole GET /whole/a ");
  });

  test("a door that closes ends what is idle, and lets calls end first", async () => {
    const other = await openFrontDoor({
      host: "127.0.0.1",
      port: 0,
      serve: (_, response) => void response.end(),
      prepare: () => async () => {
        await new Promise<void>((resolve) => gates.set("closing", resolve));
        return { status: 200, headers: [], body: "done" };
      },
    });
    const idle = new Client(other.port);
    const busy = new Client(other.port).send(request("GET", "/"));
    await reached("closing");
    const closing = other.close(LATE_MS);
    await idle.gone();
    await open("closing");
    const { head, body } = await busy.answer();
    assert.match(head, /Connection: close/);
    assert.equal(body, "done");
    await closing;
  });
});
