import type { Context } from "../../aws/context.ts";
import type { Statement } from "../../ports/database.ts";
import { checkTemplate, type Template } from "../../engines/cloudformation/index.ts";
import { noStackWithId } from "./errors.ts";
import type { Export, Inputs, Leftover, Operation, Revision, Stack, StackResource, StoredTemplate } from "./model.ts";
import { uuidOfArn } from "./model.ts";
import type { Stored } from "../../aws/records.ts";

const SEAL = "cloudformation";

export const seal = (ctx: Context<any>, value: unknown): string => ctx.platform.vault.seal(SEAL, JSON.stringify(value));

export function unseal<T>(ctx: Context<any>, sealed: string): T {
  const text = ctx.platform.vault.open(SEAL, sealed);
  if (text === undefined) throw new Error("a sealed value of a stack was altered, or sealed under another master key");
  return JSON.parse(text) as T;
}

export const inputsOf = (ctx: Context<any>, revision: Revision): Inputs => unseal<Inputs>(ctx, revision.inputs);

/** The stack of a name (only a stack that is not deleted) or of an ARN (a deleted one too). */
export async function findStack(ctx: Context<any>, nameOrArn: string): Promise<Stored<Stack> | undefined> {
  let uuid: string | undefined;
  if (nameOrArn.startsWith("arn:")) uuid = uuidOfArn(nameOrArn);
  else uuid = (await ctx.records.get<{ uuid: string }>("stack-name", nameOrArn))?.value.uuid;
  if (uuid === undefined) return undefined;
  const found = await ctx.records.get<Stack>("stack", uuid);
  return found && (!nameOrArn.startsWith("arn:") || found.value.arn === nameOrArn) ? found : undefined;
}

export async function existingStack(
  ctx: Context<any>,
  nameOrArn: string,
  missing = noStackWithId,
): Promise<Stored<Stack>> {
  const found = await findStack(ctx, nameOrArn);
  if (!found) throw missing(nameOrArn);
  return found;
}

export async function loadTemplate(ctx: Context<any>, stack: string, templateId: string): Promise<StoredTemplate> {
  const found = await ctx.records.get<StoredTemplate>("template", `${stack}/${templateId}`);
  if (!found) throw new Error(`template ${templateId} of stack ${stack} is missing`);
  return found.value;
}

/** The checked template of a revision. */
export async function templateOf(ctx: Context<any>, stack: string, revision: Revision): Promise<Template> {
  const { processed, untransformed } = await loadTemplate(ctx, stack, revision.templateId);
  const { template, diagnostics } = checkTemplate(processed);
  if (!template) throw new Error(`the stored template of stack ${stack} no longer checks: ${diagnostics[0]?.message}`);
  return untransformed ? { ...template, resources: {}, outputs: {} } : template;
}

export async function resourcesOf(ctx: Context<any>, stack: string): Promise<StackResource[]> {
  return (await ctx.records.list<StackResource>("resource", { prefix: `${stack}/` })).map((r) => r.value);
}

export const putResource = (ctx: Context<any>, stack: string, resource: StackResource): Statement =>
  ctx.records.put("resource", `${stack}/${resource.logicalId}`, resource);

export const removeResource = (ctx: Context<any>, stack: string, logicalId: string): Statement =>
  ctx.records.remove("resource", `${stack}/${logicalId}`);

const leftoverId = (stack: string, l: { logicalId: string; token: string }): string =>
  `${stack}/${l.logicalId}/${l.token}`;

export const putLeftover = (ctx: Context<any>, stack: string, leftover: Leftover): Statement =>
  ctx.records.put("leftover", leftoverId(stack, leftover), leftover);

export const removeLeftover = (
  ctx: Context<any>,
  stack: string,
  leftover: { logicalId: string; token: string },
): Statement => ctx.records.remove("leftover", leftoverId(stack, leftover));

export async function leftoversOf(ctx: Context<any>, stack: string): Promise<Leftover[]> {
  return (await ctx.records.list<Leftover>("leftover", { prefix: `${stack}/` })).map((l) => l.value);
}

export async function allExports(ctx: Context<any>): Promise<Map<string, Export>> {
  return new Map((await ctx.records.list<Export>("export")).map((e) => [e.id, e.value]));
}

/** Names of the stacks that import an export, one record each. */
export async function importersOf(ctx: Context<any>, name: string): Promise<string[]> {
  return (await ctx.records.list<{ name: string; stack: string }>("import", { prefix: `${name}\n` })).map(
    (r) => r.value.name,
  );
}

/** The topic of a stack's operations: one for each depth of nesting. */
export const topicOf = (stack: Stack): string => `cloudformation-${stack.parent?.depth ?? 0}`;

/** Statements that start an operation: its row, the stack that it is now in charge of, and the message for the worker. */
export function startOperation(ctx: Context<any>, stack: Stack, rev: number, operation: Operation): Statement[] {
  return [
    ctx.records.put("stack", stack.uuid, { ...stack, operation: operation.id }, rev),
    ctx.records.put("operation", operation.id, operation, 0),
    ...ctx.enqueue(topicOf(stack), { operation: operation.id } satisfies OperationMessage),
  ];
}

/** What tells a worker to go on with an operation. */
export interface OperationMessage {
  readonly operation: string;
  /** Which pause of the operation it ends; missing for the first message. */
  readonly looks?: number;
}

/** Statements that let a worker go on with an operation after a pause, in which it holds none. */
export const resumeOperation = (ctx: Context<any>, stack: Stack, operation: Operation, delayMs: number): Statement[] =>
  ctx.enqueue(topicOf(stack), { operation: operation.id, looks: operation.looks } satisfies OperationMessage, {
    delayMs,
  });
