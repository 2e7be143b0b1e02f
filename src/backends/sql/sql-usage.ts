import type { Clock } from "../../kernel/clock.ts";
import type { Database, Statement } from "../../ports/database.ts";
import type { UsageMeter, UsageRecord, UsageSample } from "../../ports/telemetry.ts";

const HOUR = 3_600_000;
/** How long usage is kept: as long as Cost Explorer shows it, 14 months. */
const RETENTION_MS = 430 * 24 * HOUR;

interface Open {
  readonly account: string;
  readonly hour: number;
  readonly sample: Omit<UsageSample, "amount">;
  amount: number;
  /** It is being stored, and takes no more. */
  isTaken: boolean;
}

/** Usage, added up in memory until the next flush and by hour in one row for each different sample. */
export class SqlUsage {
  readonly #db: Database;
  readonly #clock: Clock;
  #open = new Map<string, Open>();
  #nextSweep = 0;

  constructor(db: Database, clock: Clock) {
    this.#db = db;
    this.#clock = clock;
  }

  /** Adds to one kind of usage, which is looked up once between two flushes. */
  meter(account: string, of: Omit<UsageSample, "amount">, arm: () => void): UsageMeter {
    let open: Open | undefined;
    return {
      add: (amount) => {
        const now = this.#clock.now();
        if (open === undefined || open.isTaken || now >= open.hour + HOUR || now < open.hour)
          open = this.#find(account, Math.floor(now / HOUR) * HOUR, of);
        open.amount += amount;
        arm();
      },
    };
  }

  put(account: string, samples: readonly UsageSample[]): void {
    const hour = Math.floor(this.#clock.now() / HOUR) * HOUR;
    for (const sample of samples) this.#add(account, hour, sample, sample.amount);
  }

  /** Statements that store what came since the last time; `putBack` is for where they could not be written. */
  take(): { statements: Statement[]; putBack: () => void } {
    const taken = [...this.#open.values()];
    this.#open = new Map();
    for (const open of taken) open.isTaken = true;
    const statements = taken.map(store);
    const now = this.#clock.now();
    if (taken.length > 0 && now >= this.#nextSweep) {
      this.#nextSweep = now + 24 * HOUR;
      statements.push({ sql: "delete from usage_record where hour < ?", parameters: [now - RETENTION_MS] });
    }
    const putBack = (): void => {
      for (const { account, hour, sample, amount } of taken) this.#add(account, hour, sample, amount);
    };
    return { statements, putBack };
  }

  read(account: string, query: { start: number; end: number }): Promise<UsageRecord[]> {
    return this.#db.all<UsageRecord>({
      sql: `select hour, region, service, usage_type as usageType, operation, resource, version, project, amount
        from usage_record where account = ? and hour >= ? and hour < ? order by hour`,
      parameters: [account, query.start, query.end],
    });
  }

  #add(account: string, hour: number, sample: Omit<UsageSample, "amount">, amount: number): void {
    this.#find(account, hour, sample).amount += amount;
  }

  #find(account: string, hour: number, sample: Omit<UsageSample, "amount">): Open {
    const { region, usageType, operation, resource, version, project } = sample;
    const key = `${account} ${hour} ${region} ${usageType} ${operation} ${resource} ${version} ${project}`;
    let open = this.#open.get(key);
    if (!open) this.#open.set(key, (open = { account, hour, sample, amount: 0, isTaken: false }));
    return open;
  }
}

function store({ account, hour, sample, amount }: Open): Statement {
  const { region, service, usageType, operation, resource, version, project } = sample;
  return {
    sql: `insert into usage_record (account, hour, region, service, usage_type, operation, resource, version, project, amount)
      values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
      on conflict (account, hour, region, service, usage_type, operation, resource, version, project)
      do update set amount = amount + excluded.amount`,
    parameters: [account, hour, region, service, usageType, operation, resource, version, project, amount],
  };
}
