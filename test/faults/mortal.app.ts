import { writeSync } from "node:fs";
import { noSandbox } from "../../src/backends/sandbox/no-sandbox.ts";
import { openSandboxHost } from "../../src/backends/sandbox/oci-sandbox.ts";
import { readConfig } from "../../src/app/config.ts";
import { startEmbedded } from "../../src/app/embedded.ts";
import type { Database, Statement } from "../../src/ports/database.ts";
import type { Death } from "./mortal-platform.ts";

// The app of the kill tests: the platform as src/app/main.ts starts it, which dies at one write of its state.
// SIGUSR2 makes it count; every write is told on standard output, and the one of STARLING_FAULT is its last.
const death = JSON.parse(process.env["STARLING_FAULT"] ?? "{}") as Partial<Death>;
const data = process.env["STARLING_DATA"] ?? "";
const hasLauncher = process.connected === true;
const say = (what: object): void => void writeSync(1, `${JSON.stringify(what)}\n`);
let writes: number | undefined;

/** What a batch is about: its tables, with kinds of records and topics of messages. */
function nameOf(batch: readonly { sql: string; parameters: readonly unknown[] }[]): string {
  const names = batch.map(({ sql, parameters }) => {
    const [, verb = "", table = ""] = /^\s*(insert|update|delete)[^a-z]+(?:into|from)?[^a-z]*(\w+)/i.exec(sql) ?? [];
    const words = parameters.filter((p) => typeof p === "string" && /^[a-z][a-z0-9-]{2,40}$/.test(p));
    return `${verb} ${table} ${words.slice(0, 2).join("/")}`.trim();
  });
  return [...new Set(names)].join(" + ");
}

function die(): never {
  if (death.victim === "app") process.kill(process.pid, "SIGKILL");
  // The launcher is root's: who started both kills both. Nothing more is done here until then.
  say({ kill: true });
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  throw new Error("not reached");
}

function mortal(database: Database): Database {
  return {
    dialect: database.dialect,
    all: (query) => database.all(query),
    first: (query) => database.first(query),
    backup: (path) => database.backup(path),
    close: () => database.close(),
    async write(batch) {
      const n = writes === undefined ? 0 : ++writes;
      if (n > 0) say({ write: n, name: nameOf(batch as readonly Statement[]) });
      const isLast = n > 0 && n === death.write;
      if (isLast && death.when === "before") die();
      const changes = await database.write(batch);
      if (isLast) die();
      return changes;
    },
  };
}

process.on("SIGUSR2", () => {
  writes = 0;
  say({ counting: true });
});
const running = await startEmbedded({
  config: readConfig({ args: [], env: process.env, folder: process.env["STARLING_CODE"] ?? "" }),
  data,
  run: process.env["STARLING_RUN"] ?? "",
  code: process.env["STARLING_CODE"] ?? "",
  sandboxes: async (onAwsConnection) =>
    hasLauncher ? openSandboxHost({ dataDir: data, onAwsConnection }) : noSandbox("there is no launcher"),
  aroundState: mortal,
});
process.on("SIGTERM", () => void running.stop().then(() => process.exit(0)));
say({ app: process.pid, port: running.port });
