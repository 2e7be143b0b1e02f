import type { Socket as UdpSocket } from "node:dgram";
import type { Server } from "node:net";

/** Which listener of a sandbox a handle is. */
export type ListenerRole = "dns-udp" | "dns-tcp" | "tls" | "plain" | "runtime-api";

/** What the launcher tells about a sandbox that ended. */
export interface ExitReport {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly outOfMemory: boolean;
  readonly peakMemory: number;
  readonly error?: string;
}

/** What the launcher sends without being asked. */
export interface SandboxEvents {
  onListener(role: ListenerRole, handle: Server | UdpSocket): void;
  onExit(report: ExitReport): void;
}

type Channel = Pick<NodeJS.Process, "send" | "on" | "connected">;

/** Requests to the launcher over this process's IPC channel, and its events by sandbox. */
export class LauncherClient {
  readonly #channel: Channel;
  readonly #pending = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>();
  readonly #sandboxes = new Map<string, SandboxEvents>();
  #next = 0;

  constructor(channel: Channel, onLost: () => void) {
    this.#channel = channel;
    if (!channel.send || !channel.connected)
      throw new Error("sandboxes need the launcher: this process was not started by it");
    channel.on("message", (message: unknown, handle: unknown) =>
      this.#receive(message as Record<string, unknown>, handle),
    );
    channel.on("disconnect", () => {
      for (const { reject } of this.#pending.values()) reject(new Error("the launcher has gone"));
      this.#pending.clear();
      onLost();
    });
  }

  /** Asks the launcher; rejects with its reason. */
  request(what: string, fields: object = {}): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (!this.#channel.connected) return reject(new Error("the launcher has gone"));
      const n = ++this.#next;
      this.#pending.set(n, { resolve, reject });
      this.#channel.send?.({ ...fields, do: what, n });
    });
  }

  /** From now on events of the sandbox go to `events`, until it has ended. */
  register(id: string, events: SandboxEvents): void {
    if (this.#sandboxes.has(id)) throw new Error(`there is a sandbox ${id} already`);
    this.#sandboxes.set(id, events);
  }

  unregister(id: string): void {
    this.#sandboxes.delete(id);
  }

  #receive(message: Record<string, unknown>, handle: unknown): void {
    if (typeof message.n === "number") {
      const waiting = this.#pending.get(message.n);
      this.#pending.delete(message.n);
      if (typeof message.error === "string") waiting?.reject(new Error(message.error));
      else waiting?.resolve(handle ?? message.value);
      return;
    }
    const id = String(message.id);
    const sandbox = this.#sandboxes.get(id);
    if (message.event === "listener") {
      if (sandbox) sandbox.onListener(message.role as ListenerRole, handle as Server);
      else (handle as Server).close();
    } else if (message.event === "exit") {
      this.#sandboxes.delete(id);
      sandbox?.onExit(message as unknown as ExitReport);
    }
  }
}
