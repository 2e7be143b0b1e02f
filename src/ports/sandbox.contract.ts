import assert from "node:assert/strict";
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { text } from "node:stream/consumers";
import { after, describe, test } from "node:test";
import { hostService, testBuilds, type SandboxUnderTest } from "./sandbox-builds.contract.ts";
import { testTools } from "./sandbox-tools.contract.ts";
import type { FunctionSandbox, FunctionSandboxSpec, SandboxHost } from "./sandbox.ts";

const DEFAULTS = {
  env: { PATH: "/usr/bin:/bin" },
  mounts: [],
  memoryMB: 256,
  tmpMB: 64,
  cpus: 1,
  pids: 64,
  internet: false,
} as const;

async function until(what: string, isSo: () => boolean | Promise<boolean>): Promise<void> {
  for (const deadline = Date.now() + 10_000; Date.now() < deadline;) {
    if (await isSo()) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  assert.fail(`in vain waited until ${what}`);
}

/** Runs a command to its end. */
async function runFunction(host: SandboxHost, id: string, command: string, more: Partial<FunctionSandboxSpec> = {}) {
  const sandbox = await host.startFunction({ ...DEFAULTS, id, args: ["/bin/sh", "-c", command], ...more });
  const [stdout, stderr, exit] = await Promise.all([text(sandbox.stdout), text(sandbox.stderr), sandbox.exited]);
  const peak = await sandbox.peakMemory();
  await sandbox.stop();
  return { stdout, stderr, exit, peak };
}

/** Prints a line for each attempt of a function to get at what is not its own: "open" means that it did. */
const PROBE = String.raw`
import ctypes, os, socket
libc = ctypes.CDLL(None, use_errno=True)
def attempt(name, work):
    try:
        print(name, "open" if work() is not False else "closed")
    except BaseException as e:
        print(name, "closed", type(e).__name__)
def call(*a):
    r = libc.syscall(*a)
    if r < 0: raise OSError(ctypes.get_errno(), "refused")
def write(path):
    return lambda: open(path, "w").write("x")
for p in ["/x", "/usr/x", "/etc/passwd", "/var/task/x", "/opt/x", "/proc/sys/kernel/hostname", "/proc/sysrq-trigger", "/sys/x"]: attempt("write " + p, write(p))
attempt("kcore", lambda: len(open("/proc/kcore", "rb").read(16)) > 0)
attempt("mount", lambda: call(165, b"x", b"/tmp", b"tmpfs", 0, 0))
attempt("unshare user", lambda: call(272, 0x10000000))
attempt("setns", lambda: call(308, os.open("/proc/self/ns/net", os.O_RDONLY), 0))
attempt("ptrace", lambda: call(101, 0, 0, 0, 0))
attempt("bpf", lambda: call(321, 0, 0, 0))
attempt("io_uring", lambda: call(425, 1, 0))
attempt("keyctl", lambda: call(250, 0, -3, 1))
attempt("chroot", lambda: os.chroot("/tmp"))
attempt("setuid", lambda: os.setuid(0))
attempt("raw socket", lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, 1))
attempt("packet socket", lambda: socket.socket(17, socket.SOCK_RAW))
attempt("vsock", lambda: socket.socket(40, socket.SOCK_STREAM))
attempt("other processes", lambda: len([p for p in os.listdir("/proc") if p.isdigit()]) > 1)
attempt("files of the host", lambda: bool(os.listdir("/root") or os.listdir("/home")))
attempt("su", lambda: os.system("su -c true 2>/dev/null") == 0)
import sys
attempt("host loopback", lambda: socket.create_connection(("127.0.0.1", int(sys.argv[1])), 2))
attempt("metadata", lambda: socket.create_connection(("169.254.169.254", 80), 2))
attempt("host by gateway", lambda: socket.create_connection(("10.0.2.2", int(sys.argv[1])), 2))
attempt("slirp dns", lambda: socket.create_connection(("10.0.2.3", 53), 2))
attempt("own tmp", lambda: open("/tmp/x", "w").write("x"))
`;
const MAY = new Set(["own tmp"]);

function testIsolation({ host, folder }: SandboxUnderTest): void {
  for (const internet of [false, true]) {
    test(`a function gets at nothing but its own (internet: ${internet})`, async () => {
      const { server, port } = await hostService();
      try {
        mkdirSync(join(folder, "probe"), { recursive: true });
        writeFileSync(join(folder, "probe/probe.py"), PROBE);
        const { stdout, stderr } = await runFunction(
          host,
          `probe-${internet}`,
          `exec python3 -I /var/task/probe.py ${port}`,
          { internet, mounts: [{ source: join(folder, "probe"), target: "/var/task" }] },
        );
        const lines = stdout.trim().split("\n");
        assert.ok(lines.length >= 25, stdout + stderr);
        for (const line of lines) {
          const [name = "", state] = line.split(/ (open|closed)/);
          assert.equal(state, MAY.has(name) ? "open" : "closed", line);
        }
      } finally {
        server.close();
      }
    });
  }

  test("runs as an ordinary user without capabilities, in a filter, and may not gain any", async () => {
    const { stdout } = await runFunction(
      host,
      "status",
      "id -u; grep -E '^(CapEff|CapBnd|NoNewPrivs|Seccomp):' /proc/self/status",
    );
    assert.deepEqual(
      stdout.trim().split(/\s+/),
      ["993", "CapBnd:", "0000000000000000"]
        .toSpliced(1, 0, "CapEff:", "0000000000000000")
        .concat("NoNewPrivs:", "1", "Seccomp:", "2"),
    );
  });

  test("mounts come only from the folders of the platform, and not through links", async () => {
    const start = (source: string, target = "/var/task") =>
      host.startFunction({ ...DEFAULTS, id: "bad-mount", args: ["/bin/true"], mounts: [{ source, target }] });
    await assert.rejects(start("/etc"), /not below/);
    await assert.rejects(start(`${folder}/../..`), /plain absolute path/);
    await assert.rejects(start(folder, "/etc/ssl"), /nothing may be mounted/);
    const { symlinkSync, existsSync } = await import("node:fs");
    if (!existsSync(join(folder, "link"))) symlinkSync("/etc", join(folder, "link"));
    await assert.rejects(start(join(folder, "link")), /ELOOP/);
  });
}

function testLimits({ host, folder }: SandboxUnderTest): void {
  test("more memory than allowed ends it, and that is told", async () => {
    const { exit, peak } = await runFunction(host, "memory", "exec python3 -c 'x = bytearray(400 << 20)'", {
      memoryMB: 64,
    });
    assert.deepEqual({ ...exit }, { code: null, signal: "SIGKILL", outOfMemory: true });
    assert.ok(peak > 32 << 20 && peak <= 64 << 20, `peak ${peak}`);
  });

  test("an exit code and a death by signal are no lack of memory", async () => {
    assert.deepEqual(
      { ...(await runFunction(host, "code", "exit 7")).exit },
      { code: 7, signal: null, outOfMemory: false },
    );
    const killed = (await runFunction(host, "killed", "sh -c 'kill -9 $$'; exit 137")).exit;
    assert.equal(killed.outOfMemory, false);
  });

  test("processes and /tmp are limited", async () => {
    const fork = "i=0; while [ $i -lt 200 ]; do sleep 1 & i=$((i+1)); done 2>/dev/null; echo never";
    const { stdout, stderr } = await runFunction(host, "fork", fork, { pids: 20 });
    assert.doesNotMatch(stdout, /never/, stderr);
    const { exit, stderr: full } = await runFunction(host, "tmp", "head -c 20000000 /dev/zero > /tmp/big", {
      tmpMB: 8,
    });
    assert.notEqual(exit.code, 0);
    assert.match(full, /No space left/);
  });

  test("what cannot be started says why", async () => {
    const sandbox = await host.startFunction({ ...DEFAULTS, id: "missing", args: ["/var/task/nothing-here"] });
    const exit = await sandbox.exited;
    assert.equal(exit.code, 127);
    assert.match(await text(sandbox.stderr), /nothing-here/);
  });

  test("a running one can be given more", async () => {
    const grow = String.raw`print('up', flush=True)
import os, time
for _ in range(500):
  if os.path.exists('/opt/go'): break
  time.sleep(0.01)
print(len(bytearray(100 << 20)))`;
    mkdirSync(join(folder, "go/go"), { recursive: true });
    const sandbox = await host.startFunction({
      ...DEFAULTS,
      id: "resize",
      args: ["python3", "-I", "-c", grow],
      memoryMB: 32,
    });
    assert.equal(await line(sandbox), "up");
    await sandbox.resize({ memoryMB: 256, cpus: 2 });
    await sandbox.mount({ source: join(folder, "go"), target: "/opt" });
    assert.equal(await text(sandbox.stdout), String(100 << 20) + "\n");
    await sandbox.stop();
  });
}

async function line(sandbox: FunctionSandbox): Promise<string> {
  return await new Promise((resolve) =>
    sandbox.stdout.once("data", (chunk) => {
      sandbox.stdout.pause(); // what follows is for whoever reads next
      resolve(String(chunk).trim());
    }),
  );
}

function testLife({ host, folder }: SandboxUnderTest): void {
  test("code can be mounted into a running one, once and read-only", async () => {
    const code = join(folder, "late");
    mkdirSync(code, { recursive: true });
    writeFileSync(join(code, "hello"), "hello\n");
    chmodSync(code, 0o777);
    const wait =
      "echo ready; until [ -e /var/task/hello ]; do sleep 0.01; done; cat /var/task/hello; touch /var/task/x || ls /opt | wc -l";
    const sandbox = await host.startFunction({ ...DEFAULTS, id: "late", args: ["/bin/sh", "-c", wait] });
    assert.equal(await line(sandbox), "ready");
    await sandbox.mount({ source: code, target: "/var/task" });
    const [stdout, stderr] = await Promise.all([text(sandbox.stdout), text(sandbox.stderr)]);
    assert.equal(stdout, "hello\n0\n");
    assert.match(stderr, /Read-only/);
    await sandbox.stop();
    const again = await host.startFunction({
      ...DEFAULTS,
      id: "late",
      args: ["sleep", "100"],
      mounts: [{ source: code, target: "/var/task" }],
    });
    await assert.rejects(again.mount({ source: code, target: "/var/task" }), /nothing can be mounted/);
    await again.stop();
  });

  test("standard output and error are pipes that can be opened again", async () => {
    const { stdout, stderr } = await runFunction(
      host,
      "pipes",
      "echo a > /dev/stderr; echo b > /dev/stdout; head -c 300000 /dev/zero | tr '\\0' x",
    );
    assert.equal(stderr, "a\n");
    assert.equal(stdout.length, 300002);
  });

  test("frozen it does nothing, thawed it goes on", async () => {
    const sandbox = await host.startFunction({
      ...DEFAULTS,
      id: "frozen",
      args: ["/bin/sh", "-c", "while :; do echo x; sleep 0.005; done"],
    });
    let seen = 0;
    sandbox.stdout.on("data", (chunk: Buffer) => (seen += chunk.length));
    await until("it writes", () => seen > 10);
    await sandbox.freeze();
    let before = -1;
    await until("it is still", async () => {
      before = seen;
      await new Promise((resolve) => setTimeout(resolve, 50));
      return seen === before;
    });
    await sandbox.thaw();
    await until("it writes again", () => seen > before + 10);
    await sandbox.freeze();
    await sandbox.stop(); // a frozen one can be stopped as well
  });

  test("SIGTERM reaches it, stop ends all of its processes and leaves nothing", async () => {
    const script = "trap 'echo term' TERM; (trap '' TERM; setsid sleep 86399) & echo up; while :; do wait; done";
    const sandbox = await host.startFunction({ ...DEFAULTS, id: "ends", args: ["/bin/sh", "-c", script] });
    assert.equal(await line(sandbox), "up");
    const next = line(sandbox);
    sandbox.stdout.resume();
    await sandbox.signal("SIGTERM");
    assert.equal(await next, "term");
    await sandbox.stop();
    await sandbox.stop();
    assert.equal((await sandbox.exited).signal, "SIGKILL");
    assert.doesNotMatch(readFileSync("/proc/self/mountinfo", "utf8"), /sandboxes\/ends/);
    await assert.rejects(sandbox.freeze(), /no sandbox/);
  });
}

const ANSWER = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok";

function testListeners({ host, folder, setAws }: SandboxUnderTest): void {
  test("the Runtime API and sockets of the main process can be called, by this sandbox", async () => {
    const sockets = join(folder, "sockets");
    mkdirSync(sockets, { recursive: true });
    const server = createServer((socket) => socket.end("frames\n")).listen(join(sockets, "s"));
    await new Promise((resolve) => server.once("listening", resolve));
    chmodSync(join(sockets, "s"), 0o777);
    const python =
      "import socket; s = socket.socket(socket.AF_UNIX); s.connect('/run/starling/s'); print(s.recv(99).decode(), end='')";
    const { stdout, stderr } = await runFunction(
      host,
      "runtime",
      `curl -s http://127.0.0.1:9001/2018-06-01/runtime/invocation/next; echo; python3 -I -c "${python}"`,
      {
        socketFolder: sockets,
        onRuntimeApiConnection: (socket) => void socket.once("data", () => socket.end(ANSWER)),
      },
    );
    server.close();
    assert.equal(stdout, "ok\nframes\n", stderr);
  });

  test("what listens inside can be called from outside, and of nobody the socket tells", async () => {
    const python = `import socket
server = socket.create_server(("sandbox.localdomain", 8080))
print("up", flush=True)
peer = server.accept()[0]
peer.sendall(peer.recv(99).upper())
peer.close()
import time
time.sleep(60)`;
    const sandbox = await host.startFunction({ ...DEFAULTS, id: "called", args: ["python3", "-I", "-c", python] });
    assert.equal(await line(sandbox), "up");
    const socket = await sandbox.connect(8080);
    socket.end("hello");
    assert.equal(await text(socket), "HELLO");
    await assert.rejects(async () => text(await sandbox.connect(8081)), /ECONNREFUSED/);
    await assert.rejects(sandbox.connect(0), /port must be/);
    await sandbox.stop();
    await assert.rejects(sandbox.connect(8080), /no sandbox/);
  });

  test("AWS is at its usual address, by DNS and with a certificate that clients verify", async () => {
    const seen: string[] = [];
    setAws(
      (socket: Duplex, origin) =>
        void socket.once("data", (data: Buffer) => {
          seen.push(`${origin.sandboxId} ${origin.tls} ${/host: (\S+)/i.exec(String(data))?.[1]}`);
          socket.end(ANSWER);
        }),
    );
    const python =
      "import urllib.request; print(urllib.request.urlopen('https://bucket.s3.eu-west-1.amazonaws.com/x').read().decode())";
    const node =
      "fetch('https://abc.execute-api.us-east-1.amazonaws.com/').then(async (r) => console.log(await r.text()))";
    const command = `curl -s https://sts.amazonaws.com/; echo; python3 -c "${python}"; node -e "${node}"; curl -s http://127.0.0.1:4566/; echo`;
    const { stdout, stderr } = await runFunction(host, "aws", command);
    assert.equal(stdout, "ok\nok\nok\nok\n", stderr);
    const names = [
      "true sts.amazonaws.com",
      "true bucket.s3.eu-west-1.amazonaws.com",
      "true abc.execute-api.us-east-1.amazonaws.com",
      "false 127.0.0.1:4566",
    ];
    assert.deepEqual(
      seen,
      names.map((n) => `aws ${n}`),
    );
  });

  test("other names have no address and no certificate without internet", async () => {
    const { stdout } = await runFunction(
      host,
      "names",
      "getent hosts example.com || echo none; curl -s --resolve example.com:443:127.0.0.43 https://example.com/ || echo refused",
    );
    assert.equal(stdout, "none\nrefused\n");
  });

  test("DNS over TCP answers as well", async () => {
    const query =
      "b'\\x12\\x34\\x01\\x00\\x00\\x01' + bytes(6) + b'\\x02s3\\x09amazonaws\\x03com\\x00\\x00\\x01\\x00\\x01'";
    const python = `import socket; q = ${query}; s = socket.create_connection(('127.0.0.53', 53)); s.sendall(len(q).to_bytes(2, 'big') + q); print(s.recv(999)[-4:] == bytes([127, 0, 0, 43]))`;
    const { stdout, stderr } = await runFunction(host, "dns-tcp", `python3 -I -c "${python}"`);
    assert.equal(stdout, "True\n", stderr);
  });
}

export type { SandboxUnderTest };

/** The tests that every implementation of the port passes. */
export function sandboxContract(open: () => Promise<SandboxUnderTest>, close: () => Promise<void>): void {
  // Limited, so that what hangs is named.
  describe("sandboxes", { timeout: 100_000 }, async () => {
    const subject = await open();
    after(close);
    testIsolation(subject);
    testLimits(subject);
    testLife(subject);
    testListeners(subject);
    testTools(subject);
    testBuilds(subject);
  });
}
