import type { IncomingMessage, ServerResponse } from "node:http";
import type { Context } from "./context.ts";
import type { Platform } from "./platform.ts";
import type { Refused } from "./refused-members.ts";
import type { RouteAnswer, RouteRequest } from "./route-answer.ts";
import type { OperationInput, OperationName, OperationOutput } from "./sdk-types.ts";

/** One thing that a call asks for: may this principal do `action` to `resource`? */
export interface Permission {
  /** For example `lambda:CreateFunction`. */
  readonly action: string;
  /** ARN of what is acted on, or `*` where AWS's action has no resource. */
  readonly resource: string;
  /** Condition keys of this call beyond the global ones, for example `iam:PassedToService`. */
  readonly conditions?: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** The resource's own policy (JSON), where it has one. */
  readonly resourcePolicy?: string | undefined;
  /** The resource's policy must name the caller, even where both are of one account (a role's trust policy). */
  readonly resourcePolicyMustAllow?: boolean;
  /** Account that owns the resource, where it is not the caller's. */
  readonly owner?: string;
  /** Something other than a policy lets everybody do this (an S3 ACL). A policy may still deny it. */
  readonly granted?: boolean;
}

/** What differs from call to call where all else is prepared. */
export interface PreparedFacts {
  readonly requestId: string;
  readonly traceId?: string | undefined;
}

/** A call that is validated, allowed and looked up already; `rest` is what it was prepared without. */
export type PreparedCall<Input = any, Output = any> = (facts: PreparedFacts, rest: Input) => Promise<Output>;

/**
 * One operation of an AWS API. What it does is `run`; what it asks for is `permissions`, decided before `run` is called
 * and therefore refused without a trace of work.
 */
export interface Operation<Input, Output, State> {
  /**
   * What the caller must be allowed; all of them. `"authenticated"`: any caller with credentials may (GetCallerIdentity).
   * `"anyone"`: needs no credentials. Role ARNs that are handed over are listed as `iam:PassRole` (see `passRole`).
   */
  readonly permissions:
    | "authenticated"
    | "anyone"
    | ((input: Input, ctx: Context<State>) => readonly Permission[] | Promise<readonly Permission[]>);
  /** AWS services (`codecommit.amazonaws.com`) that may call this without a policy, as inside AWS. */
  readonly callers?: readonly string[];
  /** Does the work. Throws AwsError for what the caller did wrong. */
  readonly run: (ctx: Context<State>, input: Input) => Promise<Output>;
  /**
   * For callers that call the same thing again and again (`ctx.prepare`): looks up what `run` would look up each time.
   * Undefined where that may differ from call to call.
   */
  readonly prepare?: (ctx: Context<State>, input: Input) => Promise<PreparedCall<Input, Output> | undefined>;
}

export type Operations<Module, State> = {
  readonly [Name in OperationName<Module>]?: Operation<
    OperationInput<Module, Name>,
    OperationOutput<Module, Name>,
    State
  >;
};

/** Of each operation the members of its input that a service refuses. */
export type RefusedMembers<Module> = { readonly [Name in OperationName<Module>]?: Refused };

/** A group of operations of one noun, to be spread into a service's `operations`. */
export function operations<Module, State>() {
  return <const Group extends Operations<Module, State>>(group: Group): Group => group;
}

/** What an HTTP request is for, before anything of it has been read but the head. */
export interface RouteTarget {
  readonly method: string;
  /** Host in lower case, without the port. */
  readonly host: string;
  /** The host of every URL that the platform hands out. */
  readonly publicHost?: string;
  /** Raw path, still encoded, without the query. */
  readonly path: string;
  /** What a custom domain name put before the path; set where the host is one. */
  readonly basePath?: string | undefined;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage["headers"];
}

/** HTTP that is not an AWS API: an API's endpoint, a function URL, git, a website. Asked before API routing. */
export type Route<State, Match = unknown> = RouteMatcher<Match> &
  (StreamingRoute<State, Match> | AnsweringRoute<State, Match>);

interface RouteMatcher<Match> {
  readonly name: string;
  /** What the route makes of the target; `undefined` where it is not for this route. Pure and quick: the same for the same target. */
  match(target: RouteTarget): Match | undefined;
}

/** One that reads or writes as it goes. */
interface StreamingRoute<State, Match> {
  handle(ctx: Context<State>, match: Match, request: IncomingMessage, response: ServerResponse): Promise<void>;
  answer?: never;
}

/** One that has its answer whole; what clients send in one piece reaches it without Node's server between. */
interface AnsweringRoute<State, Match> {
  answer(ctx: Context<State>, match: Match, request: RouteRequest): Promise<RouteAnswer>;
  handle?: never;
}

/** Where requests for a host of the user's own lead: to another host and path, or to nothing. */
export type HostAlias =
  | { readonly refused: true }
  | { readonly region: string; readonly host: string; readonly path: string; readonly basePath: string };

/** A worker on a queue topic; a message may come twice. */
export interface QueueWorker<State> {
  readonly topic: string;
  /** Messages worked on at once. */
  readonly concurrency: number;
  /** Prolonged while `run` is at work, so this is how soon the message of a killed process comes again. */
  readonly leaseMs: number;
  /** Tries before the message is buried with its last error; default 10. */
  readonly maxAttempts?: number;
  /** Pause before attempt `n + 1`; default 200 ms doubled up to a minute. */
  readonly backoffMs?: (attempt: number) => number;
  /** `ctx` has the account and region of the message, and the service itself as principal. */
  run(ctx: Context<State>, body: unknown, attempt: number): Promise<void>;
}

/** What a worker throws for a message that is to come again after a while that it says, instead of its `backoffMs`. */
export class TryLater extends Error {
  readonly delayMs: number;

  constructor(delayMs: number, cause: unknown) {
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = 0; // thrown again and again, and read by nobody
    super("a message is to come again", { cause });
    Error.stackTraceLimit = stackTraceLimit;
    this.delayMs = delayMs;
  }
}

/** Something done again and again: a schedule, a sweep. */
export interface Periodic<State> {
  readonly name: string;
  readonly everyMs: number;
  run(ctx: Context<State>): Promise<void>;
}

/** What a CloudFormation resource type gets besides the context of a call (whose principal is the stack's role or caller). */
export interface ResourceContext extends Context<unknown> {
  readonly stackId: string;
  readonly stackName: string;
  readonly logicalId: string;
  /** The same for every try of this step: makes `create` idempotent. */
  readonly token: string;
  /** This step was started before and its end was never recorded: what exists under its name is its own work. */
  readonly retried: boolean;
  /** Tags of the stack, which its resources get too. */
  readonly stackTags: Readonly<Record<string, string>>;
  /**
   * Calls `make` with the resource's own tags and those of the stack. Where the stack's role may not set tags, `make` is
   * called again with the own tags only: a narrow role does not fail the deployment.
   */
  withStackTags<T>(own: readonly Tag[] | undefined, make: (tags: Tag[]) => Promise<T>): Promise<T>;
  /**
   * `<stack>-<logical id>-<12 characters>`, the same for every try; lower case and bounded as asked. `before` stands in the
   * place of the stack's name and its dash.
   */
  physicalName(options?: { maxLength?: number; lowerCase?: boolean; before?: string }): string;
}

/** A tag as templates write it. */
export interface Tag {
  readonly Key: string;
  readonly Value: string;
}

export type Properties = Record<string, any>;

/** One CloudFormation resource type, implemented by calls of public operations. */
export interface ResourceType {
  /** `AWS::Lambda::Function`. */
  readonly type: string;
  /** Makes the resource and answers its physical id. Called again after a crash with the same token: finds what it made. */
  create(ctx: ResourceContext, properties: Properties): Promise<string>;
  /** Where it is there, the engine polls it (bounded) until it answers true; it throws where the resource failed. */
  ready?(ctx: ResourceContext, id: string, properties: Properties): Promise<boolean>;
  /** Changes it in place; may answer another physical id. Missing: every change replaces. Not called for a property whose schema says "replace". */
  update?(ctx: ResourceContext, id: string, next: Properties, previous: Properties): Promise<string | void>;
  /** Removes it; what is gone already is fine. */
  remove(ctx: ResourceContext, id: string, properties: Properties): Promise<void>;
  /** All values that `Fn::GetAtt` may ask for. */
  attributes?(ctx: ResourceContext, id: string, properties: Properties): Promise<Record<string, unknown>>;
  /** What `Ref` answers; default the physical id. */
  ref?(id: string, properties: Properties): string;
  /** Top-level properties whose change replaces the resource although AWS's schema does not say so. */
  readonly replaceOn?: readonly string[];
  /**
   * Properties that nothing here acts on (`Code.SourceKMSKeyArn`), each with the values that ask for nothing: a template that
   * asks for more is refused by the property's name, before anything is made.
   */
  readonly refuses?: Refused;
}

export interface ServiceDefinition<Module, State> {
  /** AWS's endpoint prefix, the name of the folder and of the model: `lambda`. */
  readonly name: string;
  readonly operations: Operations<Module, State>;
  /** Of each operation the members of its input that nothing here acts on: a call that asks for them is answered 501. */
  readonly refuses?: RefusedMembers<Module>;
  readonly resources?: readonly ResourceType[];
  readonly routes?: readonly Route<State, any>[];
  /** Asked for hosts that are not the platform's own; answers quickly where the host is none of its names. */
  resolveHost?(ctx: Context<State>, host: string, path: string): Promise<HostAlias | undefined>;
  /** Headers (in lower case) of every answer to a client, errors too, which the model has no members for. */
  answerHeaders?(ctx: Context<State>, method: string, input: any): Promise<Record<string, string> | undefined>;
  readonly workers?: readonly QueueWorker<State>[];
  readonly periodic?: readonly Periodic<State>[];
  /** Makes what the service holds while the platform runs (an invoker, a cache): `ctx.state`. */
  start?(platform: Platform, caller: ServiceCaller): Promise<State> | State;
  /** Called after the platform's signal has aborted and all workers have stopped. */
  stop?(state: State): Promise<void>;
}

/** Makes a context for work that no request started. */
export interface ServiceCaller {
  /** A context of this service in an account and region, as the service itself. */
  context(account: string, region: string): Context<any>;
}

/** A service with the types of its SDK package forgotten. */
export interface Service {
  readonly name: string;
  readonly operations: Readonly<Record<string, Operation<any, any, any> | undefined>>;
  readonly refuses: Readonly<Record<string, Refused | undefined>>;
  readonly resources: readonly ResourceType[];
  readonly routes: readonly Route<any, any>[];
  readonly resolveHost?: (ctx: Context<any>, host: string, path: string) => Promise<HostAlias | undefined>;
  readonly answerHeaders?: ServiceDefinition<unknown, any>["answerHeaders"];
  readonly workers: readonly QueueWorker<any>[];
  readonly periodic: readonly Periodic<any>[];
  start(platform: Platform, caller: ServiceCaller): Promise<unknown>;
  stop(state: unknown): Promise<void>;
}

/**
 * A service: a table of contents of what its folder holds.
 *
 * @example
 * export const lambda = defineService<typeof Lambda, State>({ name: "lambda", operations: { ...functions, ...aliases } });
 */
export function defineService<Module, State = undefined>(definition: ServiceDefinition<Module, State>): Service {
  return {
    name: definition.name,
    operations: definition.operations as Service["operations"],
    refuses: (definition.refuses ?? {}) as Service["refuses"],
    resources: definition.resources ?? [],
    routes: definition.routes ?? [],
    ...(definition.resolveHost ? { resolveHost: definition.resolveHost as Service["resolveHost"] } : {}),
    ...(definition.answerHeaders ? { answerHeaders: definition.answerHeaders as Service["answerHeaders"] } : {}),
    workers: definition.workers ?? [],
    periodic: definition.periodic ?? [],
    start: async (platform, caller) => definition.start?.(platform, caller),
    stop: async (state) => definition.stop?.(state as State),
  };
}

/** The permission to hand `roleArn` to an AWS service (`lambda.amazonaws.com`); spread it into `permissions`. */
export function passRole(roleArn: string | undefined, service: string, associated?: string): Permission[] {
  if (!roleArn) return [];
  const conditions = {
    "iam:PassedToService": service,
    ...(associated ? { "iam:AssociatedResourceArn": associated } : {}),
  };
  return [{ action: "iam:PassRole", resource: roleArn, conditions }];
}
