import { mkdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { createModelRegistry } from "../aws/model.ts";
import type { Platform, Settings } from "../aws/platform.ts";
import { createRegistry, type Registry } from "../aws/registry.ts";
import { createVault } from "../aws/vault.ts";
import { startServices } from "../aws/workers.ts";
import { openFileBlobs } from "../backends/files/file-blobs.ts";
import { openLocalBus } from "../backends/local/local-bus.ts";
import { stateMigrations } from "../backends/sql/migrations/index.ts";
import { openSqlJournal } from "../backends/sql/sql-journal.ts";
import { openSqlQueue, releaseAllLeases } from "../backends/sql/sql-queue.ts";
import { openSqlTelemetry } from "../backends/sql/sql-telemetry.ts";
import { openSqlite } from "../backends/sql/sqlite-database.ts";
import { telemetryMigrations } from "../backends/sql/migrations/telemetry.ts";
import { createGateway } from "../gateway/gateway.ts";
import { openFrontDoor, type Serve } from "../gateway/server.ts";
import { systemClock, type Clock } from "../kernel/clock.ts";
import { systemIds } from "../kernel/ids.ts";
import { jsonLog } from "../kernel/log.ts";
import type { Database } from "../ports/database.ts";
import type { OnAwsConnection, SandboxHost } from "../ports/sandbox.ts";
import { RecordIdentity } from "../services/iam/identity.ts";
import { services } from "../services/index.ts";
import type { Config } from "./config.ts";
import { ensureAdministrator, type AdminCredentials } from "./first-start.ts";
import { resetState } from "./reset.ts";
import { masterKey } from "./master-key.ts";

export interface EmbeddedOptions {
  readonly config: Config;
  /** Data directory as this process sees it. */
  readonly data: string;
  /** Folder for sockets. */
  readonly run: string;
  /** The project's code as this process sees it. */
  readonly code: string;
  /** Opens the sandboxes; connections that they make to AWS, or to the platform's port, go to `onAws`. */
  readonly sandboxes: (onAws: OnAwsConnection, port: number) => Promise<SandboxHost>;
  readonly clock?: Clock;
  /** What stands between the platform and the database of its state; tests of crashes count its writes. */
  readonly aroundState?: (database: Database) => Database;
}

/** A running platform. */
export interface Running {
  readonly platform: Platform;
  readonly registry: Registry;
  readonly port: number;
  readonly administrator: AdminCredentials;
  /** Stops in order: front door, workers, services, storage. Bounded. */
  stop(): Promise<void>;
}

const GRACE_MS = 3_000;

/** All roles in one process: SQLite and files under one data directory. */
export async function startEmbedded(options: EmbeddedOptions): Promise<Running> {
  const { config, data } = options;
  const clock = options.clock ?? systemClock;
  const ids = systemIds;
  const log = jsonLog(config.logLevel);
  const stopping = new AbortController();
  // In a folder that somebody has removed under its mount, Node's recursive mkdir would try without end.
  if (statSync(data).nlink === 0) throw new Error("the data directory has been removed");
  mkdirSync(join(data, "blobs"), { recursive: true, mode: 0o700 });
  // The port comes first: whoever holds it may be a killed platform's last moment on the same data.
  let gateway: ReturnType<typeof createGateway> | undefined;
  const serve: Serve = (request, response, expectsContinue) => {
    if (gateway) gateway.serve(request, response, expectsContinue);
    else response.writeHead(503, { "retry-after": "1" }).end();
  };
  const door = await openFrontDoor({
    host: config.host,
    port: config.port,
    serve,
    prepare: (head, client) => gateway?.prepare(head, client),
  });
  let accept: ((...connection: Parameters<OnAwsConnection>) => void) | undefined;
  const openingSandboxes = options.sandboxes((socket, origin) => {
    if (accept) accept(socket, origin);
    else socket.destroy();
  }, door.port);
  openingSandboxes.catch(() => undefined); // awaited below
  const state = await openSqlite({ file: join(data, "state.sqlite"), migrations: stateMigrations });
  const database = options.aroundState?.(state) ?? state;
  await releaseAllLeases(database, clock); // one process holds the data directory, so no lease is alive
  const telemetryDatabase = await openSqlite({ file: join(data, "telemetry.sqlite"), migrations: telemetryMigrations });
  const telemetry = await openSqlTelemetry({ db: telemetryDatabase, clock, log });
  const bus = openLocalBus({ log });
  const vault = createVault(masterKey(data));
  const registry = createRegistry(services, createModelRegistry());
  const publicUrl = config.publicUrl || `http://localhost:${door.port}`;
  const settings: Settings = {
    account: config.account,
    region: config.region,
    port: door.port,
    poolSize: config.poolSize,
    internet: config.internet,
    maxPushMb: config.maxPushMb,
    publicUrl,
    publicHost: new URL(publicUrl).hostname,
    data,
    run: options.run,
    code: options.code,
  };
  const sandboxes = await openingSandboxes;
  const platform: Platform = {
    settings,
    database,
    queue: openSqlQueue({ db: database, clock, ids }),
    journal: openSqlJournal({ db: database, clock, ids }),
    blobs: openFileBlobs({ folder: join(data, "blobs") }),
    telemetry,
    bus,
    sandboxes,
    identity: new RecordIdentity({ database, clock, ids, vault, bus, settings }),
    vault,
    clock,
    ids,
    log,
    signal: stopping.signal,
  };
  const front = createGateway(platform, registry, {
    reset:
      config.reset === "on"
        ? () => resetState(platform, registry, { config, databases: [database, telemetryDatabase] })
        : undefined,
  });
  gateway = front;
  accept = (socket, origin) => {
    front.markSandbox(socket, origin);
    door.accept(socket);
  };
  const running = await startServices(platform, registry);
  const administrator = await ensureAdministrator(platform, registry, config);
  front.ready();
  let stopped: Promise<void> | undefined;
  const stop = async (): Promise<void> => {
    front.stopping();
    await door.close(GRACE_MS);
    stopping.abort(new Error("the platform is stopping"));
    await running.stop();
    await sandboxes.close();
    await telemetry.close();
    await telemetryDatabase.close();
    await database.close();
  };
  return { platform, registry, port: door.port, administrator, stop: () => (stopped ??= stop()) };
}
