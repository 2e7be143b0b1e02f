import type { Statement } from "../ports/database.ts";
import type { EnqueueOptions } from "../ports/queue.ts";
import { derivedIds, type Ids } from "../kernel/ids.ts";
import { dispatch, prepare } from "./dispatch.ts";
import type { Platform } from "./platform.ts";
import type { Principal } from "./principal.ts";
import { Records } from "./records.ts";
import type { Registry } from "./registry.ts";
import type { OperationInput, OperationName, OperationOutput } from "./sdk-types.ts";
import type { PreparedCall } from "./service.ts";
import type { ServiceModules } from "./service-modules.ts";

/** Facts of the HTTP request behind a call, for conditions and URLs. */
export interface HttpFacts {
  /** The Host header as it came, with the port. */
  readonly host: string;
  readonly secure: boolean;
  readonly sourceIp: string;
  readonly userAgent: string;
  /** The Origin header, where a browser calls. */
  readonly origin?: string;
  /** The X-Amzn-Trace-Id header: SDKs inside functions send it with every call. */
  readonly traceId?: string;
}

/** A partly filled input, as a caller writes it: blobs may be text or bytes. */
type CallInput<Module, Name extends string> = { [K in keyof OperationInput<Module, Name>]?: unknown } & Partial<
  Record<keyof OperationInput<Module, Name>, unknown>
>;

/** Everything that an operation, a worker or a resource type works with. */
export interface Context<State = unknown> {
  readonly platform: Platform;
  readonly registry: Registry;
  readonly service: string;
  readonly account: string;
  readonly region: string;
  readonly principal: Principal;
  readonly requestId: string;
  readonly signal: AbortSignal;
  readonly http: HttpFacts | undefined;
  /** The trace that this work belongs to, through queues and outboxes too. */
  readonly traceId: string | undefined;
  /** What the service's `start` made. */
  readonly state: State;
  /** The service's own records in this account and region. */
  readonly records: Records;
  /** The service's own records that belong to no region (IAM, bucket names). */
  readonly globalRecords: Records;
  /**
   * Set where this call belongs to a CloudFormation step, which may run twice: the same for every try, and nothing that
   * a request can set. What was made for it is found again, and not made a second time.
   */
  readonly once: string | undefined;
  /** Ids of what this call makes: derived from `once` where that is set, else random. Not for secrets. */
  readonly ids: Pick<Ids, "text">;
  /** Milliseconds since the epoch. */
  now(): number;
  /** Calls a public operation in process: validated, authorized as this principal, audited. Throws AwsError. */
  call<Name extends keyof ServiceModules, Op extends OperationName<ServiceModules[Name]>>(
    service: Name,
    operation: Op,
    input: CallInput<ServiceModules[Name], Op>,
    options?: { readonly once?: string },
  ): Promise<OperationOutput<ServiceModules[Name], Op>>;
  /** The same for a service without an SDK package (`codestar`). */
  call(
    service: "codestar" | "cloud9" | "applicationinsights",
    operation: string,
    input: object,
    options?: { readonly once?: string },
  ): Promise<any>;
  /**
   * A public operation, ready to be called again and again with the same input but for what `rest` adds: validated and
   * authorized now. Good until something is written (`records.made` keeps it so long), and to be kept no longer.
   * Undefined where each call has to be made by itself; throws what `call` would.
   */
  prepare<Name extends keyof ServiceModules, Op extends OperationName<ServiceModules[Name]>>(
    service: Name,
    operation: Op,
    input: CallInput<ServiceModules[Name], Op>,
  ): Promise<PreparedCall<CallInput<ServiceModules[Name], Op>, OperationOutput<ServiceModules[Name], Op>> | undefined>;
  /** The same context with another principal. */
  as(principal: Principal): Context<State>;
  /** The same context in another region. */
  inRegion(region: string): Context<State>;
  /** As this service's own principal (`lambda.amazonaws.com`), on behalf of the resource `sourceArn`. */
  asService(sourceArn?: string): Context<State>;
  /** As a session of `roleArn` that this service assumes; throws where the role's trust policy does not let it. */
  asRole(roleArn: string, sessionName: string): Promise<Context<State>>;
  /** Statements that put `body` into a topic of this service's workers, with this account and region; to be written with the change that causes it. */
  enqueue(topic: string, body: unknown, options?: EnqueueOptions): Statement[];
  /**
   * The outbox: statements that make the platform call `operation` later, as `principal`, at least once and after a
   * restart too. To be written in the batch of the change that causes the call.
   */
  later(
    service: string,
    operation: string,
    input: object,
    options?: EnqueueOptions & { principal?: Principal },
  ): Statement[];
}

/** What differs from context to context. */
export interface ContextFacts {
  readonly service: string;
  readonly account: string;
  readonly region: string;
  readonly principal: Principal;
  readonly requestId?: string;
  /** Or what makes it once it is asked for, as few calls ever do. */
  readonly signal?: AbortSignal | (() => AbortSignal);
  readonly http?: HttpFacts | undefined;
  readonly traceId?: string | undefined;
  readonly once?: string | undefined;
}

export const OUTBOX = "outbox";

/** AWS's service principal of a service of ours. */
export function principalOfService(service: string): string {
  return `${OTHER_PRINCIPALS[service] ?? service}.amazonaws.com`;
}

/** CloudWatch has another name there, and REST and HTTP APIs have one between them. */
const OTHER_PRINCIPALS: Readonly<Record<string, string>> = { monitoring: "cloudwatch", apigatewayv2: "apigateway" };

export function createContext(platform: Platform, registry: Registry, facts: ContextFacts): Context<any> {
  return new CallContext(platform, registry, facts);
}

class CallContext implements Context<any> {
  readonly platform: Platform;
  readonly registry: Registry;
  readonly service: string;
  readonly account: string;
  readonly region: string;
  readonly principal: Principal;
  readonly requestId: string;
  readonly http: HttpFacts | undefined;
  readonly #facts: ContextFacts;
  #records: Records | undefined;
  #globalRecords: Records | undefined;
  #ids: Pick<Ids, "text"> | undefined;

  constructor(platform: Platform, registry: Registry, facts: ContextFacts) {
    this.platform = platform;
    this.registry = registry;
    this.#facts = facts;
    this.service = facts.service;
    this.account = facts.account;
    this.region = facts.region;
    this.principal = facts.principal;
    this.requestId = facts.requestId ?? platform.ids.uuid();
    this.http = facts.http;
  }

  get signal(): AbortSignal {
    const { signal = this.platform.signal } = this.#facts;
    return typeof signal === "function" ? signal() : signal;
  }

  get state(): any {
    return this.registry.state(this.service);
  }

  get records(): Records {
    const { service, account, region } = this;
    return (this.#records ??= new Records(this.platform.database, this.platform.clock, { service, account, region }));
  }

  get globalRecords(): Records {
    const { service, account } = this;
    return (this.#globalRecords ??= new Records(this.platform.database, this.platform.clock, {
      service,
      account,
      region: "",
    }));
  }

  get traceId(): string | undefined {
    return this.http?.traceId ?? this.#facts.traceId;
  }

  get once(): string | undefined {
    return this.#facts.once;
  }

  get ids(): Pick<Ids, "text"> {
    return (this.#ids ??= this.once === undefined ? this.platform.ids : derivedIds(this.once));
  }

  now(): number {
    return this.platform.clock.now();
  }

  call(service: string, operation: string, input: object, { once }: { once?: string } = {}): Promise<any> {
    return dispatch(this.#with({ service, requestId: this.platform.ids.uuid(), once }), operation, input);
  }

  prepare(service: string, operation: string, input: object): Promise<any> {
    return prepare(this.#with({ service }), operation, input);
  }

  as(principal: Principal): Context<any> {
    return this.#with({ principal });
  }

  inRegion(region: string): Context<any> {
    return this.#with({ region });
  }

  asService(sourceArn?: string): Context<any> {
    const service = principalOfService(this.service);
    return this.as({ kind: "service", service, account: this.account, ...(sourceArn ? { sourceArn } : {}) });
  }

  async asRole(roleArn: string, sessionName: string): Promise<Context<any>> {
    const service = principalOfService(this.service);
    const credentials = await this.platform.identity.assumeRoleFor(service, roleArn, { sessionName });
    return this.as(credentials.principal);
  }

  enqueue(topic: string, body: unknown, options?: EnqueueOptions): Statement[] {
    const { account, region, traceId } = this; // no member where there is no trace
    return this.platform.queue.enqueue(topic, JSON.stringify({ account, region, body, traceId }), options);
  }

  later(
    service: string,
    operation: string,
    input: object,
    options: EnqueueOptions & { principal?: Principal } = {},
  ): Statement[] {
    const { principal = this.principal, ...rest } = options;
    return this.enqueue(OUTBOX, { service, operation, input, principal }, rest);
  }

  #with(changes: Partial<ContextFacts>): CallContext {
    const { requestId } = this;
    return new CallContext(this.platform, this.registry, { ...this.#facts, requestId, ...changes });
  }
}
