import type { Clock } from "../kernel/clock.ts";
import type { Ids } from "../kernel/ids.ts";
import type { Log } from "../kernel/log.ts";
import type { Blobs } from "../ports/blobs.ts";
import type { Bus } from "../ports/bus.ts";
import type { Database } from "../ports/database.ts";
import type { Journal } from "../ports/journal.ts";
import type { Queue } from "../ports/queue.ts";
import type { SandboxHost } from "../ports/sandbox.ts";
import type { Telemetry } from "../ports/telemetry.ts";
import type { Identity } from "./identity.ts";
import type { Vault } from "./vault.ts";

/** What services may know of the configuration. */
export interface Settings {
  /** Twelve digits. */
  readonly account: string;
  /** The region of everything that the platform makes by itself. */
  readonly region: string;
  /** `http://localhost:4566`: the origin of every URL that is handed out. */
  readonly publicUrl: string;
  /** The host of `publicUrl`, without the port. */
  readonly publicHost: string;
  readonly port: number;
  /** Function environments that are kept started, without code, for each runtime in use. */
  readonly poolSize: number;
  /** Largest pack that one push may send, in MiB. */
  readonly maxPushMb: number;
  /** Which functions reach the internet: those that ask for it by a variable of theirs, or all, or none. */
  readonly internet: "never" | "asked" | "always";
  /** Absolute path of the data directory. */
  readonly data: string;
  /** Absolute path of a folder for sockets, gone after a stop. */
  readonly run: string;
  /** Absolute path of the project's own code (`runtimes/`, `templates/`). */
  readonly code: string;
}

/** Everything that services stand on; made by a composition root. */
export interface Platform {
  readonly settings: Settings;
  readonly database: Database;
  readonly queue: Queue;
  readonly journal: Journal;
  readonly blobs: Blobs;
  readonly telemetry: Telemetry;
  readonly bus: Bus;
  /** Throws a clear error where this host cannot isolate (tests without root). */
  readonly sandboxes: SandboxHost;
  readonly identity: Identity;
  readonly vault: Vault;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  /** Aborts when the platform stops. */
  readonly signal: AbortSignal;
}
