import { AwsError } from "../../kernel/aws-error.ts";
import { arn } from "../../kernel/arn.ts";
import type { Context } from "../../aws/context.ts";
import type { Permission } from "../../aws/service.ts";

/** What a version of a function is made of; `$LATEST` until it is published. */
export interface FunctionRecord {
  readonly name: string;
  readonly version: string;
  readonly description: string;
  readonly runtime: string;
  readonly handler: string;
  readonly role: string;
  readonly memoryMB: number;
  readonly timeoutSeconds: number;
  readonly tmpMB: number;
  /** Sealed JSON: variables often hold secrets. */
  readonly sealedEnvironment?: string;
  readonly architectures: readonly string[];
  readonly layers: readonly string[];
  /** SHA-256 of the layers' zips, in their order. */
  readonly layerDigests?: readonly string[];
  readonly layerSizes?: readonly number[];
  readonly loggingConfig: {
    readonly LogFormat: string;
    readonly LogGroup: string;
    readonly ApplicationLogLevel?: string;
    readonly SystemLogLevel?: string;
  };
  readonly tracing: string;
  /** Gets the asynchronous events that were given up. */
  readonly deadLetterArn?: string;
  /** SHA-256 of the zip, hexadecimal. */
  readonly codeDigest: string;
  readonly codeSize: number;
  /** Names the code and the settings: environments are kept by it. */
  readonly revisionId: string;
  /** What the API calls the revision, where it has changed since: when a version was published or a policy was changed. */
  readonly shownRevision?: string;
  /** What `$LATEST` said of itself when this version was published with words of its own. */
  readonly latestDescription?: string;
  /** Milliseconds since the epoch. */
  readonly modified: number;
}

/** The revision that the API shows and compares. */
export const revisionOf = (record: FunctionRecord): string => record.shownRevision ?? record.revisionId;

/** A caller has changed something since the revision that this one knows. */
export const staleRevision = (call = "GetFunction/GetAlias"): AwsError =>
  new AwsError(
    "PreconditionFailedException",
    `The Revision Id provided does not match the latest Revision Id. Call the ${call} API to retrieve the latest Revision Id`,
    412,
    { Type: "User" },
  );

/** What belongs to the function, not to a version. */
export interface FunctionHead {
  readonly name: string;
  readonly created: number;
  readonly lastVersion: number;
  readonly reservedConcurrency?: number;
  /** ARN of what says whose signatures code must have. */
  readonly codeSigning?: string;
  /** Whether it may call itself without end. */
  readonly recursiveLoop?: "Allow" | "Terminate";
  readonly tags?: Readonly<Record<string, string>>;
}

export interface AliasRecord {
  readonly name: string;
  readonly functionName: string;
  readonly version: string;
  readonly description: string;
  /** Share of calls that go to other versions. */
  readonly weights?: Readonly<Record<string, number>>;
  readonly revisionId: string;
}

/** The resource policy of a function, a version or an alias. */
export interface PolicyRecord {
  readonly revisionId: string;
  readonly statements: readonly { readonly Sid: string; readonly [key: string]: unknown }[];
}

export const LATEST = "$LATEST";

export const functionArn = (ctx: { region: string; account: string }, name: string, qualifier?: string): string =>
  arn("lambda", ctx.region, ctx.account, `function:${name}${qualifier && qualifier !== LATEST ? `:${qualifier}` : ""}`);

/** The ARN by which a function was called, with whatever qualifier the caller named: its context has it. */
export const invokedArnOf = (ctx: { region: string; account: string }, name: string, qualifier?: string): string =>
  arn("lambda", ctx.region, ctx.account, `function:${name}${qualifier ? `:${qualifier}` : ""}`);

export const resourceNotFound = (message: string): AwsError =>
  new AwsError("ResourceNotFoundException", message, 404, { Type: "User" });
export const conflict = (message: string): AwsError =>
  new AwsError("ResourceConflictException", message, 409, { Type: "User" });
export const invalidParameter = (message: string): AwsError =>
  new AwsError("InvalidParameterValueException", message, 400, { Type: "User" });
export const functionNotFound = (
  ctx: { region: string; account: string },
  name: string,
  qualifier?: string,
): AwsError => resourceNotFound(`Function not found: ${functionArn(ctx, name)}${qualifier ? `:${qualifier}` : ""}`);

const NAME =
  /^(?:arn:aws[a-zA-Z-]*:lambda:)?(?:(?:eusc-)?[a-z]{2}(?:-gov|-iso[a-z]?)?-[a-z]+-\d:)?(?:\d{12}:)?(?:function:)?([\w.-]+)(?::(\$LATEST|[\w-]+))?$/;

/** The name and the qualifier of what a call names: a name, a partial ARN or an ARN, with a qualifier or beside it. */
export function parseName(
  text: string | undefined,
  qualifier?: string | undefined,
): { name: string; qualifier?: string } {
  const match = NAME.exec(text ?? "");
  if (!match) {
    throw new AwsError(
      "ValidationException",
      `1 validation error detected: Value '${text}' at 'functionName' failed to satisfy constraint: Member must satisfy regular expression pattern: (arn:(aws[a-zA-Z-]*)?:lambda:)?((eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\\d{1}:)?(\\d{12}:)?(function:)?([a-zA-Z0-9-_\\.]+)(:(\\$LATEST(\\.PUBLISHED)?|[a-zA-Z0-9-_]+))?`,
      400,
    );
  }
  const [, name = "", inName] = match;
  if (inName && qualifier && inName !== qualifier)
    throw invalidParameter("The derived qualifier from the function name does not match the specified qualifier.");
  const both = qualifier ?? inName;
  return both === undefined ? { name } : { name, qualifier: both };
}

/** The permission for an action on the function that the input names, with the function's own policy. */
export function onFunction(action: string, options: { policy?: boolean } = {}) {
  return async (input: any, ctx: Context<any>): Promise<Permission[]> => {
    const { name, qualifier } = parseName(input.FunctionName, input.Qualifier);
    mustBeHere(ctx, String(input.FunctionName));
    const resource = functionArn(ctx, name, qualifier);
    const stored = options.policy
      ? await ctx.records.getShared<PolicyRecord>("policy", policyId(name, qualifier))
      : undefined;
    const resourcePolicy = stored && sharedPolicyText(ctx, stored.value);
    return [{ action: `lambda:${action}`, resource, ...(resourcePolicy ? { resourcePolicy } : {}) }];
  };
}

/** Refuses an ARN of another region or account. */
export function mustBeHere(ctx: Context<any>, named: string): void {
  const [, region, account] = /^arn:[^:]+:lambda:([^:]+):(\d{12}):/.exec(named) ?? [];
  if (region !== undefined && region !== ctx.region)
    throw resourceNotFound(`Functions from '${region}' are not reachable in this region ('${ctx.region}')`);
  if (account !== undefined && account !== ctx.account)
    throw new AwsError("AccessDeniedException", `Functions of the account ${account} are not reachable.`, 403);
}

export const policyId = (name: string, qualifier?: string): string => `${name}:${qualifier ?? LATEST}`;
export const versionId = (name: string, version: string): string =>
  `${name}:${version === LATEST ? version : version.padStart(10, "0")}`;

/** A policy as it is given to authorization; made once for each record. */
export function sharedPolicyText(ctx: Context<any>, record: PolicyRecord): string {
  const { policyTexts } = ctx.state as { policyTexts: WeakMap<PolicyRecord, string> };
  let text = policyTexts.get(record);
  if (text === undefined) policyTexts.set(record, (text = policyText(record)));
  return text;
}

export const policyText = (record: PolicyRecord): string =>
  JSON.stringify({ Version: "2012-10-17", Id: "default", Statement: record.statements });
