import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runContract } from "../../ports/telemetry.contract.ts";
import { telemetryMigrations } from "./migrations/telemetry.ts";
import { openSqlTelemetry } from "./sql-telemetry.ts";
import { openSqlite } from "./sqlite-database.ts";

runContract({
  open: async (clock) => {
    const folder = mkdtempSync(join(tmpdir(), "starling-telemetry-"));
    const open = async () =>
      openSqlTelemetry({
        db: await openSqlite({ file: join(folder, "t.db"), migrations: telemetryMigrations }),
        clock,
      });
    let telemetry = await open();
    return {
      telemetry,
      reopen: async () => {
        await telemetry.close();
        telemetry = await open();
        return telemetry;
      },
      dispose: async () => {
        await telemetry.close();
        rmSync(folder, { recursive: true, force: true });
      },
    };
  },
});
