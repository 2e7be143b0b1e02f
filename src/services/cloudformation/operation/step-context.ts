import { createHash } from "node:crypto";
import type { Context } from "../../../aws/context.ts";
import type { ResourceContext, Tag } from "../../../aws/service.ts";
import type { JsonValue } from "../../../engines/yaml/index.ts";
import { isDenied } from "./failure.ts";
import type { Turn } from "./turns.ts";

/** What a step is about. */
export interface StepFacts {
  readonly stackId: string;
  readonly stackName: string;
  readonly logicalId: string;
  readonly token: string;
  readonly retried: boolean;
  readonly stackTags: Readonly<Record<string, string>>;
  /** Those of the stack and those that say whose the resource is. */
  readonly inheritedTags: readonly Tag[];
  readonly typeName: string | undefined;
  readonly turn: Turn;
  readonly creationPolicy: JsonValue | undefined;
  readonly cancelled: () => Promise<unknown>;
}

/** A resource's context that also notes what the step did, so that a half-made resource can be removed. */
export interface StepContext extends ResourceContext {
  /** Whether a call that changes something has succeeded. */
  readonly changed: boolean;
  /** The last name that `physicalName` gave, or the id that `made` told. */
  readonly named: string | undefined;
  /** The type as the template has it (`Custom::Thing`). */
  readonly typeName: string | undefined;
  /** What the template says that the resource's creation waits for. */
  readonly creationPolicy: JsonValue | undefined;
  /** Tells the id of what exists already, so that it is removed although `create` fails later. */
  made(id: string): void;
  /** Whether somebody asked for the stack's operation to stop: what only waits, waits no longer. */
  cancelled(): Promise<boolean>;
  /** Waits for something outside, in which time other stacks may be worked on. */
  waits<T>(wait: () => Promise<T>): Promise<T>;
}

const READS = /^(Get|List|Describe|Head|Search|Batch(Get|Describe))/;
const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

/** The context that a resource type works with: the stack's principal, and the facts of one step. */
export function stepContext(ctx: Context<any>, facts: StepFacts): StepContext {
  return new StepContextOf(ctx, facts);
}

class StepContextOf implements StepContext {
  readonly #ctx: Context<any>;
  readonly #facts: StepFacts;
  changed = false;
  named: string | undefined;

  constructor(ctx: Context<any>, facts: StepFacts) {
    this.#ctx = ctx;
    this.#facts = facts;
  }

  get platform() {
    return this.#ctx.platform;
  }
  get registry() {
    return this.#ctx.registry;
  }
  get service() {
    return this.#ctx.service;
  }
  get account() {
    return this.#ctx.account;
  }
  get region() {
    return this.#ctx.region;
  }
  get principal() {
    return this.#ctx.principal;
  }
  get requestId() {
    return this.#ctx.requestId;
  }
  get signal() {
    return this.#ctx.signal;
  }
  get http() {
    return this.#ctx.http;
  }
  get traceId() {
    return this.#ctx.traceId;
  }
  get state() {
    return this.#ctx.state;
  }
  get once() {
    return this.#ctx.once;
  }
  get ids() {
    return this.#ctx.ids;
  }
  get records() {
    return this.#ctx.records;
  }
  get globalRecords() {
    return this.#ctx.globalRecords;
  }
  get stackId() {
    return this.#facts.stackId;
  }
  get stackName() {
    return this.#facts.stackName;
  }
  get logicalId() {
    return this.#facts.logicalId;
  }
  get token() {
    return this.#facts.token;
  }
  get retried() {
    return this.#facts.retried;
  }
  get stackTags() {
    return this.#facts.stackTags;
  }

  get typeName() {
    return this.#facts.typeName;
  }

  get creationPolicy() {
    return this.#facts.creationPolicy;
  }

  made(id: string): void {
    this.changed = true;
    this.named = id;
  }

  async cancelled(): Promise<boolean> {
    return (await this.#facts.cancelled()) !== undefined;
  }

  waits<T>(wait: () => Promise<T>): Promise<T> {
    return this.#facts.turn.without(wait);
  }

  now(): number {
    return this.#ctx.now();
  }

  async call(service: any, operation: any, input: any): Promise<any> {
    // A step makes one thing: what its second try asks for is what the first one has made.
    const output = await this.#ctx.call(service, operation, input, { once: `${this.token}/${operation}` });
    if (!READS.test(operation)) this.changed = true;
    return output;
  }

  /** A step's calls are made one by one: each must be known by what its first try has made. */
  async prepare(): Promise<undefined> {
    return undefined;
  }

  as(principal: Context["principal"]): Context<any> {
    return this.#ctx.as(principal);
  }

  inRegion(region: string): Context<any> {
    return this.#ctx.inRegion(region);
  }

  asService(sourceArn?: string): Context<any> {
    return this.#ctx.asService(sourceArn);
  }

  asRole(roleArn: string, sessionName: string): Promise<Context<any>> {
    return this.#ctx.asRole(roleArn, sessionName);
  }

  enqueue: Context["enqueue"] = (...of) => this.#ctx.enqueue(...of);
  later: Context["later"] = (...of) => this.#ctx.later(...of);

  async withStackTags<T>(own: readonly Tag[] | undefined, make: (tags: Tag[]) => Promise<T>): Promise<T> {
    const mine = (own ?? []).map(({ Key, Value }) => ({ Key: String(Key), Value: String(Value) }));
    const inherited = this.#facts.inheritedTags.filter(({ Key }) => !mine.some((tag) => tag.Key === Key));
    if (inherited.length === 0) return make(mine);
    try {
      return await make([...mine, ...inherited]);
    } catch (error) {
      if (!isDenied(error)) throw error;
      return make(mine);
    }
  }

  physicalName(options: Parameters<ResourceContext["physicalName"]>[0] = {}): string {
    const max = options.maxLength ?? 255;
    const hash = createHash("sha256").update(`${this.token}/${this.logicalId}`).digest();
    const tail = [...hash.subarray(0, 12)].map((byte) => LETTERS[byte % LETTERS.length]).join("");
    if (options.before !== undefined) {
      const room = Math.max(0, max - tail.length - 1 - options.before.length);
      return (this.named = `${options.before}${this.logicalId.slice(0, room)}-${tail}`);
    }
    const room = Math.max(0, max - tail.length - 2);
    // Where the name is too long, both parts give way, the stack's name first to half of the room.
    const logical = this.logicalId.slice(0, Math.max(room - this.stackName.length, Math.floor(room / 2)));
    const stack = this.stackName.slice(0, room - logical.length);
    const name = `${stack}-${logical}-${tail}`.slice(0, max);
    return (this.named = options.lowerCase ? name.toLowerCase() : name);
  }
}
