import type { Context } from "../../../aws/context.ts";
import { AwsError } from "../../../kernel/aws-error.ts";
import { ownValue } from "../../../kernel/own-value.ts";
import {
  resolveProperties,
  resolveValue,
  resourceSchema,
  type ResourceDeclaration,
} from "../../../engines/cloudformation/index.ts";
import type { Difference } from "../difference.ts";
import { isSupported, isThere } from "../drift/detect.ts";
import { validation } from "../errors.ts";
import type { Stack, StackResource } from "../model.ts";

/** Physical ids of resources that a stack takes in, by logical id. */
export type Imports = Readonly<Record<string, string>>;

export interface ToImport {
  readonly ResourceType?: string | undefined;
  readonly LogicalResourceId?: string | undefined;
  readonly ResourceIdentifier?: Readonly<Record<string, string>> | undefined;
}

/** What a change set of type IMPORT takes into the stack; refuses what else it would change. */
export async function importsOf(ctx: Context<any>, found: Difference, wanted: readonly ToImport[]): Promise<Imports> {
  const imports: Record<string, string> = {};
  for (const one of wanted) {
    const logicalId = String(one.LogicalResourceId);
    const declared = found.after.template.resources[logicalId];
    checkDeclared(found, one, declared);
    if (ownValue(imports, logicalId) !== undefined)
      throw validation(`Resource ${logicalId} is given more than once in ResourcesToImport`);
    imports[logicalId] = physicalIdOf(String(one.ResourceType), logicalId, one.ResourceIdentifier ?? {});
  }
  refuseOtherChanges(found, imports);
  const owned = await ownersOf(
    ctx,
    wanted.map(({ ResourceType, LogicalResourceId }) => ({
      type: String(ResourceType),
      physicalId: imports[String(LogicalResourceId)]!,
    })),
  );
  for (const { physicalId, stack } of owned.values())
    throw validation(`${physicalId} already exists in stack ${stack}`);
  return imports;
}

function checkDeclared(found: Difference, one: ToImport, declared: ResourceDeclaration | undefined): void {
  const logicalId = String(one.LogicalResourceId);
  if (!declared) throw validation(`Resources [${logicalId}] to import do not exist in the template`);
  if (declared.type !== one.ResourceType)
    throw validation(`Resource ${logicalId} is of type ${declared.type} in the template, not ${one.ResourceType}`);
  if (declared.deletionPolicy === undefined)
    throw validation(
      `The following resources to import [${logicalId}] must have DeletionPolicy attribute specified in the template.`,
    );
  if (!isSupported(declared.type)) throw validation(`ResourceTypes [${declared.type}] are not supported for Import`);
  if (found.resources.get(logicalId)?.state) throw validation(`Resource ${logicalId} already exists in the stack`);
}

function refuseOtherChanges(found: Difference, imports: Imports): void {
  if (found.outputsChanged) throw validation("As part of the import operation, you cannot modify or add [Outputs]");
  const others = found.changes.filter((c) => ownValue(imports, c.logicalId) === undefined).map((c) => c.logicalId);
  if (others.length === 0) return;
  throw validation(
    `You have modified resources [${others.join(", ")}] in your template that are not being imported. Update, create or delete operations cannot be executed during import operations.`,
  );
}

/** The physical id that a resource's identifier stands for. */
function physicalIdOf(type: string, logicalId: string, given: Readonly<Record<string, string>>): string {
  const names = resourceSchema(type)?.identifier ?? [];
  const right = names.length === Object.keys(given).length && names.every((name) => given[name]);
  if (!right)
    throw validation(`Resource identifier of ${logicalId} must have the properties [${names.join(", ")}] of ${type}`);
  const value = given[names[0]!]!;
  if (type !== "AWS::Events::Rule") return value;
  const [, bus, name] = /^arn:[^:]+:events:[^:]*:\d*:rule\/(?:([^/]+)\/)?([^/]+)$/.exec(value) ?? [];
  if (name === undefined) throw validation(`${value} is not the ARN of a rule`);
  return bus === undefined || bus === "default" ? name : `${bus}|${name}`;
}

/** A resource that there is, whoever made it. */
interface LiveResource {
  readonly type: string;
  readonly physicalId: string;
}

const keyOf = ({ type, physicalId }: LiveResource): string => `${type} ${physicalId}`;

/** Which of these resources belong to stacks, and to which, by their keys. It reads every resource of the account: ask once for all. */
async function ownersOf(
  ctx: Context<any>,
  resources: readonly LiveResource[],
): Promise<Map<string, LiveResource & { readonly stack: string }>> {
  const owned = new Map<string, LiveResource & { readonly stack: string }>();
  if (resources.length === 0) return owned;
  const asked = new Set(resources.map(keyOf));
  for (const { id, value } of await ctx.records.list<StackResource>("resource")) {
    if (!value.state) continue;
    const live: LiveResource = { type: value.type, physicalId: value.state.physicalId };
    if (!asked.has(keyOf(live))) continue;
    const stack = (await ctx.records.get<Stack>("stack", id.split("/")[0]!))?.value;
    if (stack && stack.status !== "DELETE_COMPLETE") owned.set(keyOf(live), { ...live, stack: stack.arn });
  }
  return owned;
}

/** The property by which a template names resources of a type itself, where that is not their identifier. */
const OWN_NAME: Readonly<Record<string, string>> = { "AWS::SQS::Queue": "QueueName" };

/** What of the resources that a template adds and names is there already and of no stack, and is to be kept when the stack goes. */
export async function existingResources(ctx: Context<any>, found: Difference): Promise<Imports> {
  const candidates: (LiveResource & { readonly logicalId: string })[] = [];
  for (const { action, logicalId, type } of found.changes) {
    const declared = found.after.template.resources[logicalId];
    if (action !== "Add" || !declared || !isSupported(type)) continue;
    if (!String(resolveValue(declared.deletionPolicy ?? "", found.after.scope)).startsWith("Retain")) continue;
    const properties = resolveProperties(declared.properties, found.after.scope);
    const [name, ...more] = resourceSchema(type)?.identifier ?? [];
    const own = properties[OWN_NAME[type] ?? name ?? ""];
    if (more.length > 0 || typeof own !== "string" || own.includes("{{")) continue;
    const physicalId = await existingId(ctx, type, own);
    if (physicalId !== undefined && (await isThere(ctx, type, physicalId)))
      candidates.push({ logicalId, type, physicalId });
  }
  const owned = await ownersOf(ctx, candidates);
  const free = candidates.filter((one) => !owned.has(keyOf(one)));
  return Object.fromEntries(free.map(({ logicalId, physicalId }) => [logicalId, physicalId]));
}

async function existingId(ctx: Context<any>, type: string, name: string): Promise<string | undefined> {
  if (type !== "AWS::SQS::Queue") return name;
  try {
    return (await ctx.call("sqs", "GetQueueUrl", { QueueName: name })).QueueUrl;
  } catch (error) {
    if (error instanceof AwsError) return undefined;
    throw error;
  }
}
