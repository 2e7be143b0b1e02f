import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { cp, rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { backup, restore, type BackupManifest } from "../backends/files/backup.ts";
import { stateMigrations } from "../backends/sql/migrations/index.ts";
import { telemetryMigrations } from "../backends/sql/migrations/telemetry.ts";
import { openSqlite } from "../backends/sql/sqlite-database.ts";

const DATABASES = { state: "state.sqlite", telemetry: "telemetry.sqlite" } as const;
/** The folders of a data directory that cannot be made again. Unpacked code of functions, caches and sandboxes can. */
const FOLDERS = ["blobs", "git", "keys"] as const;
/** Small files that belong to it; `keys/` is among the folders. */
const FILES = ["admin-credentials.json", "sample-project.json"] as const;

/** The process that holds a data directory, or undefined. */
export function holderOf(data: string): number | undefined {
  const lock = join(data, "launcher", "lock");
  if (!existsSync(lock)) return undefined;
  const pid = Number(readFileSync(lock, "utf8").trim());
  if (!Number.isInteger(pid) || pid <= 0 || !existsSync(`/proc/${pid}/cmdline`)) return undefined;
  return readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("launcher") ? pid : undefined;
}

function refuseHeld(data: string, what: string): void {
  const pid = holderOf(data);
  if (pid !== undefined) throw new Error(`the platform (process ${pid}) runs on ${data}: stop it before you ${what}`);
}

/** Copies all state of a data directory into the new folder `target`. */
export async function backupData(data: string, target: string, now: number): Promise<BackupManifest> {
  refuseHeld(data, "make a backup");
  if (!existsSync(join(data, DATABASES.state)))
    throw new Error(`${data} is not a data directory: it has no ${DATABASES.state}`);
  const state = await openSqlite({ file: join(data, DATABASES.state), migrations: stateMigrations });
  const telemetry = await openSqlite({ file: join(data, DATABASES.telemetry), migrations: telemetryMigrations });
  const staging = join(data, "backup-files");
  try {
    await rm(staging, { recursive: true, force: true });
    mkdirSync(staging, { mode: 0o700 });
    for (const file of FILES) if (existsSync(join(data, file))) await cp(join(data, file), join(staging, file));
    const folders = FOLDERS.filter((folder) => existsSync(join(data, folder))).map((folder) => [
      folder,
      join(data, folder),
    ]);
    return await backup(
      { databases: { state, telemetry }, folders: { ...Object.fromEntries(folders), files: staging } },
      resolve(target),
      now,
    );
  } finally {
    await Promise.all([state.close(), telemetry.close(), rm(staging, { recursive: true, force: true })]);
  }
}

/** Puts a backup into an empty data directory. */
export async function restoreData(from: string, data: string): Promise<BackupManifest> {
  refuseHeld(data, "restore into it");
  mkdirSync(data, { recursive: true, mode: 0o700 });
  for (const file of [...Object.values(DATABASES), ...FOLDERS, ...FILES]) {
    if (existsSync(join(data, file)))
      throw new Error(
        `${data} is in use: ${file} is there already. Restore into an empty data directory (--data FOLDER)`,
      );
  }
  const staging = join(data, "restored-files");
  await rm(staging, { recursive: true, force: true });
  const places = (names: readonly string[]) => Object.fromEntries(names.map((name) => [name, join(data, name)]));
  const databases = Object.fromEntries(Object.entries(DATABASES).map(([name, file]) => [name, join(data, file)]));
  try {
    const manifest = await restore(resolve(from), { databases, folders: { ...places(FOLDERS), files: staging } });
    for (const file of FILES) if (existsSync(join(staging, file))) await cp(join(staging, file), join(data, file));
    return manifest;
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}
