import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

/** How many records a platform's data has of each kind, in all services, and how many buckets. */
export function keptRecords(data: string): Map<string, number> {
  const db = new DatabaseSync(join(data, "state.sqlite"), { readOnly: true });
  try {
    const rows = db.prepare("select service || '/' || kind as kind, count(*) as n from record group by 1").all();
    const buckets = db.prepare("select 's3/bucket' as kind, count(*) as n from s3_bucket").all();
    return new Map([...rows, ...buckets].map((row) => [String(row["kind"]), Number(row["n"])]));
  } finally {
    db.close();
  }
}
