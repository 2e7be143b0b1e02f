import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { after, before, describe, test } from "node:test";
import type { CreateFunctionCommandInput } from "@aws-sdk/client-lambda";
import { S3 } from "@aws-sdk/client-s3";
import { ZipFile } from "yazl";
import { buffer } from "node:stream/consumers";
import { functionKit, type FunctionKit } from "../support/function-kit.ts";
import { cannotRun, startPlatform, type TestPlatform } from "../support/platform.ts";

/** What a neighbour may take to answer while somebody behaves badly: noise of the machine, not more. */
const NEIGHBOUR_MS = 10_000;

/** Python's way to a system call: answers the errno of each by name, 0 where it was done. */
const SYSCALLS = `
import ctypes, errno, os, platform
libc = ctypes.CDLL(None, use_errno=True)
NUMBERS = {"x86_64": dict(ptrace=101, mount=165, umount=166, keyctl=250, add_key=248, io_uring_setup=425, unshare=272, setns=308,
    bpf=321, mknod=133, kexec_load=246, init_module=175, reboot=169, pivot_root=155, perf_event_open=298, userfaultfd=323,
    open_by_handle_at=304, process_vm_readv=310, swapon=167, settimeofday=164, chroot=161),
  "aarch64": dict(ptrace=117, mount=40, umount=39, keyctl=219, add_key=217, io_uring_setup=425, unshare=97, setns=268,
    bpf=280, mknodat=33, kexec_load=104, init_module=105, reboot=142, pivot_root=41, perf_event_open=241, userfaultfd=282,
    open_by_handle_at=265, process_vm_readv=270, swapon=224, settimeofday=170, chroot=51)}[platform.machine()]
def call(name, *args):
    ctypes.set_errno(0)
    done = libc.syscall(NUMBERS[name], *args)
    return 0 if done >= 0 else ctypes.get_errno()
`;

describe("hostile functions", { skip: cannotRun }, () => {
  let platform: TestPlatform;
  let kit: FunctionKit;
  let neighbour: string;
  before(async () => {
    platform = await startPlatform();
    kit = await functionKit(platform.client);
    neighbour = await kit.create({ "index.js": "exports.handler = async (e) => e.n" });
    await new S3(platform.client).createBucket({ Bucket: "not-yours" });
  });
  after(() => platform?.stop());

  const create = (files: Parameters<FunctionKit["create"]>[0], more: Partial<CreateFunctionCommandInput> = {}) =>
    kit.create(files, { Timeout: 5, ...more });

  async function call(name: string, event: unknown = {}): Promise<{ error: string | undefined; value: any }> {
    const { FunctionError: error, value } = await kit.call(name, event);
    return { error, value };
  }

  /** Calls it, and its neighbour while it runs and afterwards: that one answers all the time. */
  async function attack(name: string, event: unknown = {}): ReturnType<typeof call> {
    const ask = async (): Promise<void> => {
      const started = performance.now();
      assert.deepEqual(await call(neighbour, { n: 7 }), { error: undefined, value: 7 });
      const took = performance.now() - started;
      assert.ok(took < NEIGHBOUR_MS, `the neighbour of ${name} took ${Math.round(took)} ms`);
    };
    const [result] = await Promise.all([call(name, event), ask(), ask()]);
    await ask();
    return result;
  }

  const node = (body: string, more: Partial<CreateFunctionCommandInput> = {}): Promise<string> =>
    create({ "index.js": `exports.handler = async (event) => { ${body} };` }, more);
  const python = (body: string, more: Partial<CreateFunctionCommandInput> = {}): Promise<string> => {
    const lines = body.trim().replace(/^/gm, "    ");
    const text = `${SYSCALLS}\ndef handler(event, context):\n${lines}\n`;
    return create({ "index.py": text }, { Runtime: "python3.11", ...more });
  };
  /** A custom runtime: what its bootstrap does with the Runtime API is its own affair. */
  const custom = (script: string, more: Partial<CreateFunctionCommandInput> = {}): Promise<string> => {
    const text = `#!/usr/bin/python3 -I\n${script}\n`;
    return create({ bootstrap: { text, mode: 0o100755 } }, { Runtime: "provided.al2023", ...more });
  };

  test("a fork bomb, threads without end", async () => {
    const bomb = await python(
      `
pids = []
try:
    while True:
        pid = os.fork()
        if pid == 0:
            import time
            time.sleep(60)
            os._exit(0)
        pids.append(pid)
except OSError as error:
    return [len(pids) < 2000, errno.errorcode[error.errno]]
`,
      { MemorySize: 2048, Timeout: 60 },
    );
    assert.deepEqual(await attack(bomb), { error: undefined, value: [true, "EAGAIN"] });
    const storm = await node(
      "const { Worker } = require('node:worker_threads'); for (;;) new Worker('for(;;);', { eval: true });",
    );
    assert.ok((await attack(storm)).error);
  });

  test("a memory bomb ends its own environment", async () => {
    const heap = await node("const all = []; for (;;) all.push(Buffer.alloc(1 << 20, 1));", { MemorySize: 128 });
    assert.ok((await attack(heap)).error);
    const pages = await python("x = bytearray(1 << 33)\nfor i in range(0, len(x), 4096): x[i] = 1\nreturn 'fits'");
    assert.ok((await attack(pages)).error);
  });

  test("/tmp and /dev/shm end at their size", async () => {
    const fill = await python(
      `
def fill(folder):
    written = 0
    try:
        with open(folder + "/x", "wb", buffering=0) as f:
            while written < 4 << 30:
                written += f.write(b"x" * (1 << 20))
    except OSError as error:
        os.remove(folder + "/x")
        return [errno.errorcode[error.errno], written <= 600 << 20]
return [fill("/tmp"), fill("/dev/shm")]
`,
      { MemorySize: 1536, Timeout: 30 },
    );
    const { value } = await attack(fill);
    assert.deepEqual(value, [
      ["ENOSPC", true],
      ["ENOSPC", true],
    ]);
  });

  test("file descriptors and inotify watches are limited for it alone", async () => {
    const greedy = await python(`
held = []
try:
    while len(held) < 1 << 20: held.append(os.open("/dev/null", os.O_RDONLY))
except OSError as error:
    name = errno.errorcode[error.errno]
count = len(held)
for fd in held: os.close(fd)
instances = []
while len(instances) < 100000:
    fd = libc.inotify_init()
    if fd < 0: break
    instances.append(fd)
got = len(instances)
for fd in instances: os.close(fd)
return [name, count < 70000, got < 70000]
`);
    assert.deepEqual((await attack(greedy)).value, ["EMFILE", true, true]);
  });

  test("system calls that reach for the kernel or for others are refused", async () => {
    const calls = await python(`
path = ctypes.create_string_buffer(b"/tmp")
done = []
tries = dict(ptrace=(16, 1, 0, 0), mount=(path, path, b"tmpfs", 0, None), umount=(path, 0), keyctl=(0, -3, 1),
  add_key=(b"user", b"k", b"v", 1, -3), io_uring_setup=(8, ctypes.create_string_buffer(256)), unshare=(0x10000000,), setns=(0, 0),
  bpf=(0, None, 0), kexec_load=(0, 0, None, 0), init_module=(path, 4, path), reboot=(0xfee1dead, 672274793, 0, None), pivot_root=(path, path),
  perf_event_open=(ctypes.create_string_buffer(128), 0, -1, -1, 0), userfaultfd=(0,), open_by_handle_at=(0, path, 0),
  swapon=(path, 0), settimeofday=(ctypes.create_string_buffer(16), None), chroot=(path,))
for name, arguments in tries.items():
    if name in NUMBERS and call(name, *arguments) == 0: done.append(name)
device = os.path.join("/tmp", "device")
try:
    os.mknod(device, 0o600 | 0o020000, os.makedev(1, 1)); done.append("mknod")
except PermissionError: pass
return done
`);
    assert.deepEqual(await attack(calls), { error: undefined, value: [] });
  });

  test("raw and packet sockets, and other families", async () => {
    const sockets = await python(`
import socket
done = []
for family, kind, protocol in [(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP), (socket.AF_PACKET, socket.SOCK_RAW, 3),
    (socket.AF_VSOCK, socket.SOCK_STREAM, 0), (socket.AF_ALG, socket.SOCK_SEQPACKET, 0)]:
    try:
        socket.socket(family, kind, protocol); done.append(int(family))
    except OSError: pass
return done
`);
    assert.deepEqual(await attack(sockets), { error: undefined, value: [] });
  });

  test("nothing of the host, of the network around it, or of other sandboxes is in reach", async () => {
    const reach = await python(
      `
import socket
reached = []
for host, port in event:
    try:
        socket.create_connection((host, port), timeout=2).close(); reached.append([host, port])
    except OSError: pass
return reached
`,
      { Timeout: 60 },
    );
    // A service of the host; what a function reaches at the platform's own port is the platform, as that function.
    const service = createServer((socket) => socket.end()).listen(0, "127.0.0.1");
    await once(service, "listening");
    const { port } = service.address() as AddressInfo;
    const targets = [
      ["127.0.0.1", port],
      ["127.0.0.1", 22],
      ["169.254.169.254", 80],
      ["169.254.170.2", 80],
      ["10.0.2.2", port],
      ["10.0.0.1", 80],
      ["192.168.0.1", 80],
      ["172.17.0.1", 80],
      ["fd00:ec2::254", 80],
    ];
    assert.deepEqual((await attack(reach, targets)).value, []);
    service.close();
  });

  test("/proc shows its own processes only, and nothing of the kernel's can be written", async () => {
    const proc = await python(`
pids = [int(name) for name in os.listdir("/proc") if name.isdigit()]
others = [pid for pid in pids if b"launcher" in open(f"/proc/{pid}/cmdline", "rb").read()]
written = []
for path in ["/proc/sys/kernel/core_pattern", "/proc/sysrq-trigger", "/sys/kernel/uevent_helper", "/etc/passwd", "/usr/x",
    "/var/task/x", "/var/runtime/x"]:
    try:
        with open(path, "r+b" if os.path.exists(path) and not path.endswith("/x") else "wb") as f:
            f.write(b"0")
        written.append(path)
    except OSError: pass
return [len(pids) < 20, others, written, os.path.exists("/proc/kcore") and os.access("/proc/kcore", os.R_OK), os.listdir("/root") if os.access("/root", os.R_OK) else []]
`);
    assert.deepEqual(await attack(proc), { error: undefined, value: [true, [], [], false, []] });
  });

  test("setuid files and links in the zip give it nothing", async () => {
    const file = new ZipFile();
    file.addBuffer(
      Buffer.from(
        `import os\ndef handler(event, context):\n    mode = os.stat("/var/task/tool").st_mode\n    return [bool(mode & 0o6000), os.path.exists("/var/task/inside"), open("/var/task/inside").read()[:6]]\n`,
      ),
      "index.py",
      { mode: 0o100644 },
    );
    file.addBuffer(Buffer.from("#!/bin/sh\nid\n"), "tool", { mode: 0o106755 });
    file.addBuffer(Buffer.from("index.py"), "inside", { mode: 0o120777 });
    file.end();
    const setuid = await create(await buffer(file.outputStream), { Runtime: "python3.11" });
    assert.deepEqual(await attack(setuid), { error: undefined, value: [false, true, "import"] });
    for (const target of ["/etc/passwd", "../../etc/passwd", "/proc/1/root"]) {
      const bad = new ZipFile();
      bad.addBuffer(Buffer.from(target), "out", { mode: 0o120777 });
      bad.end();
      await assert.rejects(create(await buffer(bad.outputStream)), {
        name: "InvalidParameterValueException",
      });
    }
    const device = new ZipFile();
    device.addBuffer(Buffer.from(""), "device", { mode: 0o020666 });
    device.addBuffer(
      Buffer.from("exports.handler = async () => require('fs').lstatSync('/var/task/device').isCharacterDevice()"),
      "index.js",
    );
    device.end();
    const withDevice = await create(await buffer(device.outputStream));
    assert.deepEqual(await attack(withDevice), { error: undefined, value: false });
  });

  test("a role's credentials do for that role only, and not for another's", async () => {
    const steal = await python(
      `
import boto3
found = []
for call in [lambda: boto3.client("s3").list_buckets(), lambda: boto3.client("iam").create_user(UserName="me"),
    lambda: boto3.client("sts").assume_role(RoleArn=event["role"], RoleSessionName="stolen"), lambda: boto3.client("s3").list_objects_v2(Bucket="not-yours")]:
    try:
        call(); found.append("done")
    except Exception as error: found.append(error.response["Error"]["Code"])
return found
`,
      { Timeout: 60, MemorySize: 512 },
    );
    const { value } = await attack(steal, { role: kit.role });
    assert.deepEqual(value, ["AccessDenied", "AccessDenied", "AccessDenied", "AccessDenied"]);
  });

  const RUNTIME_API = `
import http.client, json, os, socket
def api(method, path, body=None, headers={}):
    connection = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
    connection.request(method, "/2018-06-01/runtime/" + path, body, headers)
    answer = connection.getresponse()
    return answer.status, answer.read(), dict((k.lower(), v) for k, v in answer.getheaders())
`;

  test("answers to other calls, twice, malformed or too long are refused by the Runtime API", async () => {
    const liar = await custom(`${RUNTIME_API}
while True:
    status, event, headers = api("GET", "invocation/next")
    id = headers["lambda-runtime-aws-request-id"]
    seen = [api("POST", "invocation/00000000-0000-0000-0000-000000000000/response", b'"forged"')[0],
      api("POST", "invocation/../../x/response", b"1")[0], api("PUT", "invocation/" + id + "/response", b"1")[0],
      api("GET", "nowhere")[0]]
    raw = socket.create_connection(("127.0.0.1", 9001))
    raw.sendall(b"POST /2018-06-01/runtime/invocation/" + id.encode() + b"/response HTTP/1.1\\r\\nContent-Length: -5\\r\\nTransfer-Encoding: nonsense\\r\\n\\r\\n")
    seen.append(raw.recv(100)[:12].decode())
    api("POST", "invocation/" + id + "/response", json.dumps(seen).encode())
    twice = api("POST", "invocation/" + id + "/response", b'"twice"')[0]
`);
    assert.deepEqual((await attack(liar)).value, [400, 404, 405, 405, "HTTP/1.1 400"]);
    assert.deepEqual((await attack(liar)).value, [400, 404, 405, 405, "HTTP/1.1 400"]);
    const long = await custom(`${RUNTIME_API}
while True:
    status, event, headers = api("GET", "invocation/next")
    api("POST", "invocation/" + headers["lambda-runtime-aws-request-id"] + "/response", b"x" * (7 << 20))
`);
    const { error, value } = await attack(long);
    assert.deepEqual([error, value.errorType], ["Unhandled", "Function.ResponseSizeTooLarge"]);
  });

  test("an answer that never ends runs into the timeout", async () => {
    const endless = await custom(
      `${RUNTIME_API}
status, event, headers = api("GET", "invocation/next")
raw = socket.create_connection(("127.0.0.1", 9001))
raw.sendall(b"POST /2018-06-01/runtime/invocation/" + headers["lambda-runtime-aws-request-id"].encode() + b"/response HTTP/1.1\\r\\nHost: x\\r\\nTransfer-Encoding: chunked\\r\\n\\r\\n")
while True: raw.sendall(b"1\\r\\nx\\r\\n"); __import__("time").sleep(0.05)
`,
      { Timeout: 2 },
    );
    const { error, value } = await attack(endless);
    assert.deepEqual([error, value.errorType], ["Unhandled", "Sandbox.Timedout"]);
  });

  test("bytes into the channel of a managed runtime harm its own environment only", async () => {
    const messages = [
      "Buffer.alloc(64, 0xff)",
      "Buffer.from('000000ff', 'hex')",
      "Buffer.concat([Buffer.from('00000002', 'hex'), Buffer.from('{}')])",
      "Buffer.concat([Buffer.from('02000000', 'hex'), Buffer.from('{}')])",
    ];
    for (const bytes of messages) {
      const garbage = await node(
        `const fs = require('node:fs');
         for (const name of fs.readdirSync('/proc/self/fd')) {
           const fd = Number(name);
           let target = ''; try { target = fs.readlinkSync('/proc/self/fd/' + name); } catch {}
           if (fd > 2 && target.startsWith('socket:')) try { fs.writeSync(fd, ${bytes}); } catch {}
         }
         return event.n;`,
        { Timeout: 2 },
      );
      await attack(garbage, { n: 1 }); // whatever it makes of itself
    }
  });

  test("a flood of log lines does not keep others from theirs", async () => {
    const flood = await node(
      "const line = 'x'.repeat(1000); for (let i = 0; i < 50000; i++) process.stdout.write(line + '\\n'); return 'ok';",
      { Timeout: 30 },
    );
    assert.ok((await attack(flood)).value);
  });

  test("the platform has not grown, lost or kept anything by all that", async () => {
    const pss = (): number => {
      const app = readFileSync(`/proc/${platform.pid}/task/${platform.pid}/children`, "utf8").trim().split(" ")[0];
      const rollup = readFileSync(`/proc/${app}/smaps_rollup`, "utf8");
      return Number(/^Pss:\s+(\d+) kB/m.exec(rollup)![1]) / 1024;
    };
    assert.ok(pss() < 600, `the app holds ${Math.round(pss())} MB`);
    assert.deepEqual(await call(neighbour, { n: 8 }), { error: undefined, value: 8 });
  });
});
