import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { launcherCommand } from "../../src/launcher/command.ts";
import { endChild, startChild } from "../support/child.ts";

const root = resolve(import.meta.dirname, "../..");
const APP = "test/faults/mortal.app.ts";
const START_MS = 30_000;
const LIFE_MS = 5 * 60_000;

/** When the platform is to die: at its n-th write after it was told to count. */
export interface Death {
  readonly write: number;
  readonly when: "before" | "after";
  /** Only the app by its own hand (the launcher cleans up), or launcher and app at once, as in a power cut. */
  readonly victim: "app" | "all";
}

/** A platform that counts its writes, and dies where it is told to. */
export interface MortalPlatform {
  /** Makes it count from here on. */
  count(): Promise<void>;
  /** Names of the writes since, the first first. */
  readonly writes: readonly string[];
  readonly dead: Promise<void>;
  readonly isDead: boolean;
  /** Pid of the launcher. */
  readonly pid: number;
  output(): string;
  stop(): Promise<void>;
}

/** Starts the platform on the data and port that another one had; with a death it will not outlive that write. */
export async function startMortal(
  at: { readonly data: string; readonly port: number },
  death?: Death,
): Promise<MortalPlatform> {
  const { command, args } = launcherCommand({ codeDir: root, dataDir: at.data, entry: APP });
  return follow(
    startChild(command, args, { env: environment(at, death), stdio: ["ignore", "pipe", "pipe"], limitMs: LIFE_MS }),
  );
}

/** The same without a launcher, and so without sandboxes: quick, and needs no rights. */
export async function startMortalApp(
  at: { readonly data: string; readonly port: number },
  death?: Omit<Death, "victim">,
): Promise<MortalPlatform> {
  const env = {
    ...environment(at, death && { ...death, victim: "app" }),
    STARLING_DATA: at.data,
    STARLING_RUN: join(at.data, "run"),
    STARLING_CODE: root,
  };
  const args = ["--disable-warning=ExperimentalWarning", join(root, APP)];
  return follow(startChild(process.execPath, args, { env, stdio: ["ignore", "pipe", "pipe"], limitMs: LIFE_MS }));
}

const environment = (at: { readonly port: number }, death: Death | undefined): NodeJS.ProcessEnv => ({
  ...process.env,
  NODE_COMPILE_CACHE: join(root, "node_modules/.cache/starling"),
  STARLING_PORT: String(at.port),
  STARLING_SAMPLE: "off",
  STARLING_FAULT: JSON.stringify(death ?? {}),
});

async function follow(child: ChildProcess): Promise<MortalPlatform> {
  let output = "";
  let app = 0;
  const writes: string[] = [];
  const started = Promise.withResolvers<void>();
  const counting = Promise.withResolvers<void>();
  child.stderr!.on("data", (chunk) => (output += chunk));
  createInterface({ input: child.stdout! }).on("line", (line) => {
    const told = line.startsWith("{") ? (JSON.parse(line) as Record<string, any>) : {};
    if (told["app"]) started.resolve(void (app = told["app"]));
    else if (told["counting"]) counting.resolve();
    else if (told["write"]) writes.push(told["name"]);
    else if (told["kill"]) for (const pid of [child.pid!, app]) process.kill(pid, "SIGKILL");
    else output += `${line}\n`;
  });
  const ended = once(child, "exit").then(() => undefined);
  const late = setTimeout(() => child.kill("SIGKILL"), START_MS);
  await Promise.race([started.promise, ended]);
  clearTimeout(late);
  if (!app) throw new Error(`the platform did not start:\n${output}`);
  return {
    writes,
    dead: ended,
    pid: child.pid!,
    get isDead() {
      return child.exitCode !== null || child.signalCode !== null;
    },
    output: () => output,
    async count() {
      process.kill(app, "SIGUSR2");
      await Promise.race([counting.promise, ended]);
    },
    stop: () => endChild(child, "SIGTERM"),
  };
}
