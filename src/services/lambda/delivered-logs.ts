import type { Context } from "../../aws/context.ts";
import type { ServiceCaller } from "../../aws/service.ts";
import type { FunctionVersion } from "../../compute/lambda/function-version.ts";
import { codeOf } from "../../kernel/aws-error.ts";
import type { LogEvent } from "../../ports/telemetry.ts";

const BATCH = 1_000;
const MAX_KNOWN = 10_000;
const SESSION_MS = 60_000;

/** Puts what functions write into CloudWatch Logs, as their role: without the role's permission there are no logs, as on Lambda. */
export class DeliveredLogs {
  readonly #caller: ServiceCaller;
  /** Streams that were made already, with the order in which their batches are written. */
  readonly #streams = new Map<string, Promise<void>>();

  /** Sessions of roles: whether one may be had is asked again after a while, what it may do with every call. */
  readonly #sessions = new Map<string, { readonly context: Context<any>; readonly until: number }>();

  constructor(caller: ServiceCaller) {
    this.#caller = caller;
  }

  async deliver(version: FunctionVersion, stream: string, events: LogEvent[]): Promise<void> {
    const key = `${version.logGroup}:${stream}`;
    const before = this.#streams.get(key);
    if (this.#streams.size > MAX_KNOWN) this.#streams.clear();
    const context = await this.#asRole(version);
    const work = (before ?? this.#create(context, version.logGroup, stream)).then(() =>
      this.#put(context, version, stream, events),
    );
    this.#streams.set(key, work);
    work.catch(() => this.#streams.delete(key));
    await work;
  }

  async #asRole(version: FunctionVersion): Promise<Context<any>> {
    const key = `${version.roleArn} ${version.region} ${version.name}`;
    const context = this.#caller.context(version.account, version.region);
    const known = this.#sessions.get(key);
    if (known && known.until > context.now()) return known.context;
    const made = await context.asRole(version.roleArn, version.name);
    if (this.#sessions.size > MAX_KNOWN) this.#sessions.clear();
    this.#sessions.set(key, { context: made, until: context.now() + SESSION_MS });
    return made;
  }

  async #create(ctx: Context<any>, logGroupName: string, logStreamName: string): Promise<void> {
    try {
      await ctx.call("logs", "CreateLogStream", { logGroupName, logStreamName });
    } catch (error) {
      if (codeOf(error) === "ResourceAlreadyExistsException") return;
      if (codeOf(error) !== "ResourceNotFoundException") throw error;
      await ctx.call("logs", "CreateLogGroup", { logGroupName }).catch((second: unknown) => {
        if (codeOf(second) !== "ResourceAlreadyExistsException") throw second;
      });
      await ctx.call("logs", "CreateLogStream", { logGroupName, logStreamName });
    }
  }

  async #put(ctx: Context<any>, version: FunctionVersion, logStreamName: string, events: LogEvent[]): Promise<void> {
    const { logGroup: logGroupName, roleArn, name } = version;
    for (let i = 0; i < events.length; i += BATCH) {
      const logEvents = events.length <= BATCH ? events : events.slice(i, i + BATCH);
      const input = { logGroupName, logStreamName, logEvents };
      const prepared = await ctx.records.made(`put logs\n${roleArn}\n${name}\n${logGroupName}\n${logStreamName}`, () =>
        ctx.prepare("logs", "PutLogEvents", input),
      );
      if (prepared) await prepared({ requestId: ctx.requestId }, { logEvents });
      else await ctx.call("logs", "PutLogEvents", input);
    }
  }
}
