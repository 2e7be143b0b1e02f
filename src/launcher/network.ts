import { spawn, type ChildProcess } from "node:child_process";
import { closeSync } from "node:fs";
import { createSocket, type Socket as UdpSocket } from "node:dgram";
import { createServer, BlockList, Socket, type Server, type SocketConstructorOpts } from "node:net";
import { networkInterfaces } from "node:os";
import type { Duplex } from "node:stream";
import { boundSocket, connectingSocket, inNetns, newNetns } from "./ffi.ts";
import { TOOL_PATH } from "./oci-runtime.ts";

/** Where AWS, DNS and the Runtime API are inside every sandbox. */
export const INSIDE = {
  dns: "127.0.0.53",
  aws: "127.0.0.43",
  loopback: "127.0.0.1",
  runtimeApiPort: 9001,
  plainPort: 4566,
} as const;

export type ListenerRole = "dns-udp" | "dns-tcp" | "tls" | "plain" | "runtime-api";

/** An address that stays reachable although it is private: a registry, index or proxy that the host is configured with. */
export interface AddressException {
  readonly address: string;
  readonly port: number;
}

/** A sandbox's network namespace with our listeners; it lives as long as its descriptor and its processes. */
export interface SandboxNetwork {
  /** The namespace as a path that the OCI runtime can open. */
  readonly path: string;
  /** Settles when the app has all listeners. They take connections before. */
  readonly handedOver: Promise<void>;
  /** A connection to a port of the loopback in it, not read from yet. */
  connect(port: number): Socket;
  close(): void;
}

const PRIVATE = [
  "0.0.0.0/8",
  "10.0.0.0/8",
  "100.64.0.0/10",
  "169.254.0.0/16",
  "172.16.0.0/12",
  "192.0.0.0/24",
  "192.0.2.0/24",
  "192.168.0.0/16",
  "198.18.0.0/15",
  "198.51.100.0/24",
  "203.0.113.0/24",
  "224.0.0.0/3",
];

/** Makes the namespace, opens the listeners in it and begins to hand each to `send`; with `internet` also a filtered way out. */
export async function createNetwork(options: {
  /** The port that the platform itself listens on: its own URLs must work inside too. */
  platformPort: number;
  runtimeApi: boolean;
  internet: boolean;
  exceptions: readonly AddressException[];
  send: (role: ListenerRole, handle: Server | UdpSocket) => Promise<void>;
}): Promise<SandboxNetwork> {
  const ns = newNetns();
  const path = `/proc/${process.pid}/fd/${ns}`; // no bind mount: nothing is left when we are killed
  let slirp: ChildProcess | undefined;
  const close = (): void => {
    (slirp?.stdio[4] as Duplex | undefined)?.destroy(); // its --exit-fd
    slirp?.kill("SIGKILL");
    closeSync(ns);
  };
  try {
    const handedOver = handOverAll(openListeners(ns, options), options.send);
    handedOver.catch(() => {}); // whoever awaits it is told
    if (options.internet) {
      await run("nsenter", [`--net=${path}`, "nft", "-f", "-"], firewall(options.exceptions)); // the rules first, then the way out
      slirp = await startSlirp(path);
    }
    return { path, close, handedOver, connect: (port) => connectInside(ns, port) };
  } catch (error) {
    close();
    throw error;
  }
}

function openListeners(
  ns: number,
  { runtimeApi, platformPort }: { runtimeApi: boolean; platformPort: number },
): { role: ListenerRole; fd: number }[] {
  const plainPorts = new Set([INSIDE.plainPort, platformPort]);
  plainPorts.delete(INSIDE.runtimeApiPort); // a function's runtime needs it more
  return inNetns(ns, () => [
    { role: "dns-udp" as const, fd: boundSocket("datagram", INSIDE.dns, 53) },
    { role: "dns-tcp" as const, fd: boundSocket("stream", INSIDE.dns, 53) },
    { role: "tls" as const, fd: boundSocket("stream", INSIDE.aws, 443) },
    ...[...plainPorts].map((port) => ({
      role: "plain" as const,
      fd: boundSocket("stream", INSIDE.loopback, port),
    })),
    ...(runtimeApi
      ? [{ role: "runtime-api" as const, fd: boundSocket("stream", INSIDE.loopback, INSIDE.runtimeApiPort) }]
      : []),
  ]);
}

function connectInside(ns: number, port: number): Socket {
  const fd = inNetns(ns, () => connectingSocket(INSIDE.loopback, port));
  // The types lack `pauseOnCreate`, which keeps what arrives for whom the socket is handed to.
  const socket = new Socket({ fd, readable: true, writable: true, pauseOnCreate: true } as SocketConstructorOpts);
  socket.on("error", () => {}); // who gets it is told
  return socket;
}

async function handOverAll(
  listeners: readonly { role: ListenerRole; fd: number }[],
  send: (role: ListenerRole, handle: Server | UdpSocket) => Promise<void>,
): Promise<void> {
  await Promise.all(listeners.map(({ role, fd }) => handOver(role, fd, send)));
}

async function handOver(
  role: ListenerRole,
  fd: number,
  send: (role: ListenerRole, handle: Server | UdpSocket) => Promise<void>,
): Promise<void> {
  if (role === "dns-udp") {
    const socket = createSocket("udp4");
    await new Promise<void>((resolve, reject) => {
      socket.once("error", reject);
      socket.bind({ fd }, resolve);
    });
    await send(role, socket);
    return void socket.close();
  }
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen({ fd }, resolve);
  });
  await send(role, server);
  server.close();
}

function firewall(exceptions: readonly AddressException[]): string {
  const list = new BlockList();
  for (const range of PRIVATE) list.addSubnet(range.split("/")[0] ?? "", Number(range.split("/")[1]));
  const own = Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .flatMap((a) => (a.family === "IPv4" && !a.internal && !list.check(a.address) ? [a.address] : []));
  const allow = exceptions.map((e) => `    ip daddr ${e.address} tcp dport ${e.port} accept\n`).join("");
  // TCP is refused by reset: after an ICMP answer in the output chain connect() would wait for a second.
  return `table inet starling {
  chain no {
    meta l4proto tcp reject with tcp reset
    reject with icmpx type admin-prohibited
  }
  chain out {
    type filter hook output priority 0; policy drop;
    oifname "lo" accept
${allow}    ip daddr { ${[...PRIVATE, ...new Set(own)].join(", ")} } goto no
    meta nfproto ipv4 accept
  }
}
`;
}

const COMMAND_MS = 10_000;

function run(command: string, args: string[], input: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      stdio: ["pipe", "ignore", "pipe"],
      env: { PATH: TOOL_PATH },
      timeout: COMMAND_MS,
      killSignal: "SIGKILL",
    });
    let errors = "";
    child.stderr.on("data", (chunk) => {
      if (errors.length < 4096) errors += chunk;
    });
    child.stdin.on("error", () => {});
    child.stdin.end(input);
    child.once("error", reject);
    child.once("close", (code) => (code === 0 ? resolve() : reject(new Error(`${command} failed: ${errors.trim()}`))));
  });
}

async function startSlirp(netns: string): Promise<ChildProcess> {
  const args = [
    "--configure",
    "--mtu=65520",
    "--disable-host-loopback",
    "--disable-dns",
    "--enable-sandbox",
    "--enable-seccomp",
  ];
  // Its own sandbox unmounts everything, which must not reach our shared mounts.
  const child = spawn(
    "unshare",
    [
      "--mount",
      "--propagation",
      "slave",
      "--",
      "slirp4netns",
      ...args,
      "--ready-fd=3",
      "--exit-fd=4",
      "--netns-type=path",
      netns,
      "tap0",
    ],
    {
      stdio: ["pipe", "pipe", "pipe", "pipe", "pipe"],
      env: { PATH: TOOL_PATH },
      detached: true,
    },
  );
  let errors = "";
  child.stderr?.on("data", (chunk) => {
    if (errors.length < 4096) errors += chunk;
  });
  child.stdout?.resume();
  for (const stream of child.stdio) stream?.on("error", () => {});
  await new Promise<void>((resolve, reject) => {
    const fail = (why: string): void =>
      reject(new Error(`internet access for a sandbox: slirp4netns ${why} ${errors.trim()}`));
    const timer = setTimeout(() => {
      child.kill("SIGKILL");
      fail("did not start in time");
    }, COMMAND_MS);
    child.stdio[3]?.once("data", () => {
      clearTimeout(timer);
      resolve();
    });
    child.once("error", (error) => fail(error.message));
    child.once("close", () => {
      clearTimeout(timer);
      fail("ended:");
    });
  });
  return child;
}
