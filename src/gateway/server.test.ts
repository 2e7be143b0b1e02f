import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { after, before, describe, test } from "node:test";
import { openFrontDoor, type FrontDoor } from "./server.ts";

/** Quick enough for a test, each different from the others. */
const PATIENCE = { headersMs: 300, idleMs: 2_000, keepAliveMs: 200, bodyMs: 300 };
const LATE_MS = 10_000;

describe("slow clients", () => {
  let door: FrontDoor;
  before(async () => {
    door = await openFrontDoor({
      host: "127.0.0.1",
      port: 0,
      patience: PATIENCE,
      serve(request, response) {
        let bytes = 0;
        request.on("error", () => undefined);
        const readable = async (): Promise<void> => {
          for await (const chunk of request) bytes += (chunk as Buffer).length;
          response.end(String(bytes));
        };
        readable().catch(() => undefined);
      },
    });
  });
  after(() => door.close(0));

  /** Sends the head, then `drop` again and again, until the server ends it; answers what came and after how long. */
  async function talk(head: string, drop = "", everyMs = 50): Promise<{ text: string; ms: number }> {
    const socket: Socket = connect(door.port, "127.0.0.1");
    const started = performance.now();
    let text = "";
    socket.setEncoding("utf8").on("data", (chunk) => (text += String(chunk)));
    socket.on("error", () => undefined);
    await once(socket, "connect");
    socket.write(head);
    const dripping = setInterval(() => drop && socket.write(drop), everyMs);
    const late = setTimeout(() => socket.destroy(), LATE_MS);
    await once(socket, "close");
    clearInterval(dripping);
    clearTimeout(late);
    return { text, ms: performance.now() - started };
  }

  test("a head that comes in drops is cut", async () => {
    const { text, ms } = await talk("GET / HTTP/1.1\r\nHost: x\r\n", "X-A: b\r\n");
    assert.match(text, /^HTTP\/1.1 408 /);
    assert.ok(ms < LATE_MS / 2, `${ms} ms`);
  });

  test("a body that comes in drops is cut, and one that stands still", async () => {
    const head = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n";
    for (const drop of ["x", ""]) {
      const { text, ms } = await talk(head, drop);
      assert.equal(text, "");
      assert.ok(ms < LATE_MS / 2, `${ms} ms`);
    }
  });

  test("a large body that takes its time is served", async () => {
    const size = 20_000;
    const { text } = await talk(
      `POST / HTTP/1.1\r\nHost: x\r\nContent-Length: ${size}\r\nConnection: close\r\n\r\n`,
      "x".repeat(500),
      20,
    );
    assert.match(text, new RegExp(`\r\n\r\n${size}$`));
  });

  test("a connection that asks for nothing more is closed", async () => {
    const { text, ms } = await talk("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    assert.match(text, /^HTTP\/1.1 200 /);
    assert.ok(ms < LATE_MS / 2, `${ms} ms`);
  });

  test("meanwhile others are served", async () => {
    const slow = Array.from({ length: 200 }, () => talk("GET / HTTP/1.1\r\nHost: x\r\n", "X-A: b\r\n", 20));
    const answer = await fetch(`http://127.0.0.1:${door.port}/`, { method: "POST", body: "four" });
    assert.equal(await answer.text(), "4");
    await Promise.all(slow);
  });
});
