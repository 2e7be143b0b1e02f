import { parentPort, workerData } from "node:worker_threads";
import { connect, type SqliteConnection } from "./sqlite-connection.ts";
import { failureOf, type SqliteFailure } from "./sqlite-errors.ts";

/** A batch on its way to the writer. */
export interface WriteRequest {
  readonly id: number;
  readonly statements: readonly { sql: string; parameters: readonly unknown[]; expect?: number | undefined }[];
}

/** What became of a batch. */
export type WriteResult =
  | { readonly id: number; readonly changes: number[] }
  | { readonly id: number; readonly guard: number }
  | { readonly id: number; readonly failure: SqliteFailure };

/** What the writer is told, and what it answers. */
export type WriterMessage = { readonly requests: readonly WriteRequest[] } | { readonly close: true };
export type WriterAnswer = { readonly results: WriteResult[] } | { readonly closed: true };

interface WriterOptions {
  readonly file: string;
  readonly maxGroup: number;
  readonly maxPages?: number;
}

const GUARD = Symbol("guard");

function run(connection: SqliteConnection, request: WriteRequest): number[] | { [GUARD]: number } {
  const changes: number[] = [];
  for (const [i, { sql, parameters, expect }] of request.statements.entries()) {
    const result = connection.prepare(sql).run(...(parameters as never[]));
    const affected = Number(result.changes);
    if (expect !== undefined && affected !== expect) return { [GUARD]: i };
    changes.push(affected);
  }
  return changes;
}

function runGuarded(connection: SqliteConnection, request: WriteRequest): WriteResult {
  const { db } = connection;
  db.exec("savepoint batch");
  try {
    const outcome = run(connection, request);
    if (Array.isArray(outcome)) {
      db.exec("release batch");
      return { id: request.id, changes: outcome };
    }
    db.exec("rollback to batch; release batch");
    return { id: request.id, guard: outcome[GUARD] };
  } catch (error) {
    // A full disk may end the whole transaction: then nothing of the group is stored, and the group fails as one.
    if (!db.isTransaction) throw error;
    db.exec("rollback to batch; release batch");
    return { id: request.id, failure: failureOf(error) };
  }
}

/** Runs all requests in one transaction, so that they share one fsync; a failed one takes back only its own changes. */
function commitGroup(connection: SqliteConnection, requests: readonly WriteRequest[]): WriteResult[] {
  const { db } = connection;
  try {
    db.exec("begin immediate");
    const results = requests.map((request) => runGuarded(connection, request));
    db.exec("commit");
    return results;
  } catch (error) {
    if (db.isTransaction) db.exec("rollback");
    const failure = failureOf(error);
    return requests.map(({ id }) => ({ id, failure }));
  }
}

function serve(): void {
  const port = parentPort;
  if (!port) return;
  const { file, maxGroup, maxPages } = workerData as WriterOptions;
  const connection = connect(file);
  if (maxPages !== undefined) connection.db.exec(`pragma max_page_count = ${Math.trunc(maxPages)}`);
  let waiting: WriteRequest[] = [];
  let armed = false;
  const flush = (): void => {
    armed = false;
    while (waiting.length > 0) {
      const group = waiting.slice(0, maxGroup);
      waiting = waiting.slice(group.length);
      const results = commitGroup(connection, group);
      port.postMessage({ results } satisfies WriterAnswer);
    }
  };
  port.on("message", (message: WriterMessage) => {
    if ("close" in message) {
      flush();
      connection.db.close();
      port.postMessage({ closed: true } satisfies WriterAnswer);
      port.close();
      return;
    }
    waiting.push(...message.requests);
    // Everything that has arrived by the next turn joins this commit.
    if (!armed) {
      armed = true;
      setImmediate(flush);
    }
  });
}

serve();
