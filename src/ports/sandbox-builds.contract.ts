import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo, type Server } from "node:net";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import yauzl from "yauzl";
import type { OnAwsConnection, SandboxHost } from "./sandbox.ts";

/** What the contract needs of an implementation. */
export interface SandboxUnderTest {
  readonly host: SandboxHost;
  /** A folder of the main process whose content sandboxes may be given. */
  readonly folder: string;
  /** Replaces what AWS connections are given to. */
  setAws(handler: OnAwsConnection): void;
}

/** A service of the host that sandboxes must not reach. */
export async function hostService(): Promise<{ server: Server; port: number }> {
  const server = createServer((socket) => socket.destroy()).listen(0, "0.0.0.0");
  await new Promise((resolve) => server.once("listening", resolve));
  return { server, port: (server.address() as AddressInfo).port };
}

/** Names, sizes and modes of what is in a zip. */
function entriesOf(file: string): Promise<string[]> {
  return new Promise((resolve, reject) =>
    yauzl.open(file, (error, zip) => {
      if (error) return reject(error);
      const names: string[] = [];
      zip.on("entry", ({ fileName, uncompressedSize, externalFileAttributes }) =>
        names.push(`${fileName} ${uncompressedSize} ${((externalFileAttributes >>> 16) & 0o777).toString(8)}`),
      );
      zip.once("end", () => resolve(names)).once("error", reject);
    }),
  );
}

/** What a build container keeps. */
export function testBuilds({ host, folder, setAws }: SandboxUnderTest): void {
  const start = async (id: string, more: { memoryMB?: number; diskMB?: number; internet?: boolean } = {}) => {
    const source = join(folder, "source");
    mkdirSync(join(source, "sub"), { recursive: true });
    writeFileSync(join(source, "sub/file"), "content\n");
    let output = "";
    const build = await host.startBuild({
      id,
      env: { AWS_ACCESS_KEY_ID: "a", AWS_SECRET_ACCESS_KEY: "b", AWS_DEFAULT_REGION: "us-east-1" },
      copyIn: [{ source, target: "/codebuild/output/src" }],
      mounts: [],
      memoryMB: 1024,
      diskMB: 512,
      cpus: 2,
      pids: 256,
      internet: false,
      ...more,
      onOutput: (chunk) => (output += chunk),
    });
    const run = async (command: string, options = {}) => {
      output = "";
      const result = await build.run(command, options);
      return { ...result, output };
    };
    return { build, run };
  };

  test("commands share one shell; codes are theirs and output is complete", { timeout: 60_000 }, async () => {
    const { build, run } = await start("build-shell");
    assert.equal((await run("id -u; cat sub/file; X=1; export Y=2; f() { echo f; }; cd /tmp")).output, "0\ncontent\n");
    assert.equal((await run("echo $X$Y$(f)$PWD")).output, "12f/tmp\n");
    assert.equal((await run("exit 3")).code, 3);
    assert.equal((await run("echo $Y$PWD")).output, "2/tmp\n");
    const big = await run("head -c 2000000 /dev/zero | tr '\\0' x; exit 7");
    assert.deepEqual([big.code, big.output.length], [7, 2_000_000]);
    assert.equal((await run("printf '0\\0'; (printf '0\\0' >&4) 2>/dev/null; false")).code, 1);
    assert.equal(
      (await run("echo a > /dev/stderr; touch /usr/bin/env && chown daemon /usr/bin/perl && echo yes")).output,
      "a\nyes\n",
    );
    assert.match((await run("node --version; npm --version")).output, /^v2\d\.\d+\.\d+\n\d+\./);
    assert.equal(
      (await run("! mount -t tmpfs x /mnt 2>/dev/null && ! unshare -U true 2>/dev/null && ls -A /root /home /opt"))
        .output,
      "/home:\n\n/opt:\n\n/root:\n",
    );
    assert.equal(
      (await run("find /usr -xdev -path /usr/local -prune -o -type f ! -perm -004 -print 2>/dev/null | head -3"))
        .output,
      "",
    );
    await build.stop();
    assert.equal((await run("echo")).code, 137);
  });

  test("files come out, links out of the root do not", { timeout: 30_000 }, async () => {
    const { build, run } = await start("build-files");
    await run(
      "mkdir a; echo artifact > a/f; chmod 755 a/f; ln -s /etc/shadow a/out; ln -s /codebuild/output/src/a/f a/in; ln -s /proc/1/root/etc/hostname a/magic; mkfifo a/fifo; ln -s ../../../../../../../../etc/hostname a/up",
    );
    const files = await build.listFiles("/codebuild/output/src");
    assert.deepEqual(
      files.map((f) => f.path),
      ["a/f", "a/in", "a/magic", "a/out", "a/up", "sub/file"],
    );
    assert.deepEqual(files[0], { path: "a/f", size: 9, mode: 0o755 });
    const read = (name: string): Promise<string> =>
      build.readFile(`/codebuild/output/src/a/${name}`).then(String, (error: Error) => `refused: ${error.message}`);
    assert.equal(await read("f"), "artifact\n");
    assert.equal(await read("in"), "artifact\n");
    assert.equal(await read("out"), ""); // the build's own, which is empty
    assert.equal(await read("up"), "build\n");
    assert.match(await read("magic"), /refused/);
    assert.match(await read("fifo"), /refused: .*not a plain file/);
    await assert.rejects(build.readFile("/codebuild/output/src/a/f", { maxBytes: 3 }), /too big/);
    await assert.rejects(build.listFiles("/usr", { maxEntries: 10 }), /more than 10/);
    const target = join(folder, "artifact.zip");
    await build.zip(
      "/codebuild/output/src",
      [
        { path: "a/f", name: "x/f" },
        { path: "sub/file", name: "file" },
      ],
      target,
    );
    assert.deepEqual(await entriesOf(target), ["x/f 9 755", "file 8 644"]);
    await build.stop();
  });

  test("the aws CLI works without flags, each time the same", { timeout: 60_000 }, async () => {
    const xml =
      '<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult><Account>000000000000</Account></GetCallerIdentityResult></GetCallerIdentityResponse>';
    setAws(
      (socket) =>
        void socket.once("data", () =>
          socket.end(`HTTP/1.1 200 OK\r\ncontent-length: ${xml.length}\r\nconnection: close\r\n\r\n${xml}`),
        ),
    );
    const { build, run } = await start("build-aws");
    const command = "aws sts get-caller-identity --query Account --output text";
    for (const aws of ["aws", "aws", "/usr/bin/aws"])
      assert.equal((await run(command.replace("aws", aws))).output, "000000000000\n");
    const plain = await run("/usr/bin/aws s3 nonsense");
    assert.deepEqual(await run("aws s3 nonsense"), plain);
    assert.equal(
      (await run("pip install --upgrade awscli 2>&1 | head -1")).output.slice(0, 29),
      "Requirement already satisfied",
    );
    await build.stop();
  });

  test("disk, memory, processes and time are limited", { timeout: 60_000 }, async () => {
    const { build, run } = await start("build-limits", { memoryMB: 128, diskMB: 64 });
    const full = await run("head -c 200000000 /dev/zero > /usr/big");
    assert.notEqual(full.code, 0);
    assert.match(full.output, /No space left/);
    assert.equal((await run("rm /usr/big; python3 -c 'x = bytearray(400 << 20)'")).code, 137);
    assert.equal((await run("echo still here")).output, "still here\n");
    const late = await run("sleep 1000", { timeoutMs: 200 });
    assert.deepEqual([late.code, late.timedOut], [137, true]);
    await build.exited;
    await build.stop();
  });

  test(
    "the registries of the host can be reached with internet, its other services cannot",
    { timeout: 60_000 },
    async () => {
      const { server, port } = await hostService();
      const own =
        Object.values(networkInterfaces())
          .flatMap((a) => a ?? [])
          .find((a) => a.family === "IPv4" && !a.internal)?.address ?? "10.0.2.2";
      const { build, run } = await start("build-net", { internet: true });
      const tcp = (host: string, p: number): string => `timeout 2 bash -c "exec 5<>/dev/tcp/${host}/${p}" 2>/dev/null`;
      for (const [address, p] of [
        [own, port],
        ["10.0.2.2", port],
        ["10.0.2.3", 53],
        ["169.254.169.254", 80],
        ["192.168.1.1", 80],
      ] as const) {
        assert.notEqual((await run(tcp(address, p))).code, 0, `${address}:${p} is open`);
      }
      server.close();
      await build.stop();
    },
  );
}
