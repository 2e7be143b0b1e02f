import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { Platform } from "../aws/platform.ts";
import type { Registry } from "../aws/registry.ts";
import type { Database } from "../ports/database.ts";
import type { LambdaState } from "../services/lambda/state.ts";
import { IAM_CHANGED } from "../services/iam/store.ts";
import type { Config } from "./config.ts";
import { restoreAdministrator } from "./first-start.ts";

/** Folders of the data directory that hold nothing but what users made. */
const FOLDERS = ["git", "functions"];

/**
 * Removes all state but the first administrator with its keys, so that a test suite begins with nothing. What is under
 * way is not waited for: it fails on the records that it no longer finds.
 */
export async function resetState(
  platform: Platform,
  registry: Registry,
  parts: { config: Config; databases: readonly Database[] },
): Promise<void> {
  const { invoker, code } = registry.state("lambda") as LambdaState;
  await platform.telemetry.settle();
  for (const database of parts.databases) await clearTables(database);
  await invoker.retire(() => true);
  for (const name of FOLDERS) await rm(join(platform.settings.data, name), { recursive: true, force: true });
  await code.sweep();
  await restoreAdministrator(platform, registry, parts.config);
  platform.bus.publish(IAM_CHANGED, {});
}

/** Empties every table but the schema's own. */
async function clearTables(database: Database): Promise<void> {
  const tables = await database.all<{ name: string }>({
    sql: "select name from sqlite_master where type = 'table' and name not like 'sqlite_%' and name not like 'schema%'",
    parameters: [],
  });
  await database.write(tables.map(({ name }) => ({ sql: `delete from "${name}"`, parameters: [] })));
}
