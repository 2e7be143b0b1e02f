import type { ChildProcess } from "node:child_process";
import type { Socket } from "node:net";
import { listBuildFiles, sendBuildFiles, type BuildFile } from "./build-files.ts";
import { startBuild, type RunningBuild } from "./build.ts";
import type { LauncherHost, RunningFunction } from "./host.ts";
import { startFunction, startTool } from "./host.ts";
import {
  readBuildRequest,
  readFilesRequest,
  readFunctionRequest,
  readLimits,
  readListRequest,
  readHello,
  readMessage,
  readMount,
  readPort,
  readToolRequest,
  sandboxId,
  type Hello,
  type Message,
} from "./requests.ts";
import { openPipeOf, type Sandbox } from "./sandbox.ts";

const MAX_SANDBOXES = 4096;

/** Serves the app's requests over Node's IPC; each answer carries the request's number. */
export class LauncherServer {
  readonly #app: ChildProcess;
  readonly #makeHost: (hello: Hello) => Promise<LauncherHost>;
  readonly #sandboxes = new Map<string, Sandbox>();
  readonly #functions = new Map<string, RunningFunction>();
  readonly #builds = new Map<string, RunningBuild>();
  readonly #starting = new Set<string>();
  #host: Promise<LauncherHost> | undefined;
  #closing = false;

  constructor(app: ChildProcess, makeHost: (hello: Hello) => Promise<LauncherHost>) {
    this.#app = app;
    this.#makeHost = makeHost;
    app.on("message", (value) => void this.#serve(value));
  }

  async #serve(value: unknown): Promise<void> {
    const message = readMessageOr(value);
    if (!message) return;
    try {
      if (message.do === "connect") await this.#send({ n: message.n }, this.#connect(message));
      else this.#send({ n: message.n, value: await this.#answer(message) });
    } catch (error) {
      this.#send({ n: message.n, error: error instanceof Error ? error.message : String(error) });
    }
  }

  #send(message: object, handle?: unknown): Promise<void> {
    return new Promise((resolve, reject) => {
      if (!this.#app.connected) return reject(new Error("the app has gone"));
      this.#app.send(message, handle as never, (error) => (error ? reject(error) : resolve()));
    });
  }

  async #answer(message: Message): Promise<unknown> {
    if (this.#closing) throw new Error("the launcher is stopping");
    switch (message.do) {
      case "hello":
        this.#host ??= this.#makeHost(readHello(message));
        return { driver: (await this.#host).runtime.name };
      case "function":
        return await this.#startFunction(message);
      case "tool":
        return await this.#start(message, (host) => startTool(host, readToolRequest(message)));
      case "build":
        return await this.#start(message, async (host) => {
          const running = await startBuild(host, readBuildRequest(message));
          this.#builds.set(running.sandbox.id, running);
          return running.sandbox;
        });
      default:
        return await this.#act(message);
    }
  }

  async #startFunction(message: Message): Promise<{ peakFile: string }> {
    let peakFile = "";
    await this.#start(message, async (host) => {
      const running = await startFunction(host, readFunctionRequest(message));
      this.#functions.set(running.sandbox.id, running);
      peakFile = running.sandbox.cgroup.peakFile;
      return running.sandbox;
    });
    return { peakFile };
  }

  async #start(message: Message, start: (host: LauncherHost) => Promise<Sandbox>): Promise<void> {
    const id = sandboxId(message.id);
    if (!this.#host) throw new Error("hello must come first");
    if (this.#sandboxes.has(id) || this.#starting.has(id)) throw new Error(`there is a sandbox ${id} already`);
    if (this.#sandboxes.size + this.#starting.size >= MAX_SANDBOXES)
      throw new Error(`more than ${MAX_SANDBOXES} sandboxes`);
    this.#starting.add(id);
    try {
      const sandbox = await start(await this.#host);
      this.#sandboxes.set(id, sandbox);
      void sandbox.cleaned().then(
        () => this.#forget(id),
        (error) => process.stderr.write(`launcher: sandbox ${id} was not taken away wholly: ${error}\n`),
      );
      if (this.#closing) await sandbox.stop();
    } finally {
      this.#starting.delete(id);
    }
  }

  #forget(id: string): void {
    this.#sandboxes.delete(id);
    this.#functions.delete(id);
    this.#builds.delete(id);
  }

  async #act(message: Message): Promise<unknown> {
    const id = sandboxId(message.id);
    const sandbox = this.#sandboxes.get(id);
    if (message.do === "stop") return await sandbox?.stop();
    if (!sandbox || sandbox.isOver) throw new Error(`there is no sandbox ${id}`);
    switch (message.do) {
      case "list":
        return await this.#list(id, message);
      case "files":
        return await this.#sendFiles(id, message);
      case "resize":
        return sandbox.cgroup.resize(readLimits(message));
      case "mount":
        return this.#functions.get(id)?.mount(readMount(message));
      case "freeze":
      case "thaw":
        return sandbox.cgroup.setFrozen(message.do === "freeze");
      case "signal":
        return sandbox.signal(message.signal === "SIGKILL" ? "SIGKILL" : "SIGTERM");
      case "peak":
        return sandbox.cgroup.peakMemory();
      default:
        throw new Error("bad request to the launcher: unknown request");
    }
  }

  /** A connection to a process inside a function's sandbox, to be handed to the app. */
  #connect(message: Message): Socket {
    const id = sandboxId(message.id);
    const running = this.#functions.get(id);
    if (!running || running.sandbox.isOver) throw new Error(`there is no sandbox ${id}`);
    return running.connect(readPort(message.port));
  }

  #rootOf(id: string): string {
    const build = this.#builds.get(id);
    if (!build) throw new Error(`${id} is not a build`);
    return build.root;
  }

  async #list(id: string, message: Message): Promise<BuildFile[]> {
    const { folder, maxEntries } = readListRequest(message);
    return await listBuildFiles(this.#rootOf(id), folder, maxEntries);
  }

  async #sendFiles(id: string, message: Message): Promise<void> {
    const { paths, maxBytes, pipe } = readFilesRequest(message);
    await sendBuildFiles(this.#rootOf(id), paths, maxBytes, openPipeOf(this.#app.pid ?? 0, pipe, "write"));
  }

  /** Hands a listener to the app. */
  sendListener(id: string, role: string, handle: unknown): Promise<void> {
    return this.#send({ event: "listener", id, role }, handle);
  }

  sendExit(id: string, report: object): void {
    this.#send({ event: "exit", id, ...report }).catch(() => {}); // an app that has gone needs no news
  }

  /** Ends all sandboxes and waits until nothing of them is left. */
  async close(): Promise<void> {
    this.#closing = true;
    await Promise.allSettled([...this.#sandboxes.values()].map((sandbox) => sandbox.stop()));
  }
}

function readMessageOr(value: unknown): Message | undefined {
  try {
    return readMessage(value);
  } catch {
    return undefined;
  }
}
