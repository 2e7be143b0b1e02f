import type { Clock } from "../../kernel/clock.ts";
import type { Ids } from "../../kernel/ids.ts";
import type { Database } from "../../ports/database.ts";
import type { Journal } from "../../ports/journal.ts";

interface StepRow {
  readonly token: string;
  readonly result: string | null;
  readonly ended_at: number | null;
}

/** A step journal in the table `journal_step` of the state. */
export function openSqlJournal(options: { db: Database; clock: Clock; ids: Ids }): Journal {
  const { db, clock, ids } = options;
  return {
    async step(run, name, work) {
      const begun = await begin(run, name);
      if (begun.ended_at !== null) return begun.result === null ? undefined : JSON.parse(begun.result);
      const result = await work({ token: begun.token, retried: begun.retried });
      const json = result === undefined ? null : JSON.stringify(result);
      await db.write([
        {
          sql: "update journal_step set result = ?, ended_at = ? where run = ? and name = ?",
          parameters: [json, clock.now(), run, name],
        },
      ]);
      // What the caller gets is what it would get after a restart.
      return json === null ? undefined : JSON.parse(json);
    },

    async forget(run) {
      await db.write([{ sql: "delete from journal_step where run = ?", parameters: [run] }]);
    },
  };

  async function begin(run: string, name: string): Promise<StepRow & { retried: boolean }> {
    const [inserted] = await db.write([
      {
        sql: "insert into journal_step (run, name, token, started_at) values (?, ?, ?, ?) on conflict (run, name) do nothing",
        parameters: [run, name, ids.uuid(), clock.now()],
      },
    ]);
    const row = await db.first<StepRow>({
      sql: "select token, result, ended_at from journal_step where run = ? and name = ?",
      parameters: [run, name],
    });
    if (!row) throw new Error(`step ${name} of run ${run} was forgotten while it began`);
    return { ...row, retried: inserted === 0 };
  }
}
