import type * as Iam from "@aws-sdk/client-iam";
import type { Context } from "../../../aws/context.ts";
import { operations } from "../../../aws/service.ts";
import {
  compilePolicy,
  evaluate,
  parsePolicy,
  statementPlaces,
  type CompiledPolicy,
  type ContextValue,
  type StatementPlace,
} from "../../../engines/policy/index.ts";
import { invalidInput } from "../errors.ts";
import { entityArn, nameKey, type Entity, type Group, type Role, type User } from "../model.ts";
import { entity, onAll, page } from "../store.ts";
import { managedPolicy } from "./policies.ts";

const MAX_DECISIONS = 2000;
/** Statements of deciding documents that are looked at one by one, over all requests of a simulation. */
const MAX_TESTS = 100_000;

/** Members of both simulations. */
interface Asked {
  readonly ActionNames?: readonly string[] | undefined;
  readonly ResourceArns?: readonly string[] | undefined;
  readonly ResourcePolicy?: string | undefined;
  readonly PermissionsBoundaryPolicyInputList?: readonly string[] | undefined;
  readonly ContextEntries?:
    | readonly {
        ContextKeyName?: string | undefined;
        ContextKeyValues?: string[] | undefined;
        ContextKeyType?: string | undefined;
      }[]
    | undefined;
  readonly Marker?: string | undefined;
  readonly MaxItems?: number | undefined;
}

/** A document with the name by which the answer tells of it. */
interface Source {
  readonly id: string;
  readonly type: string;
  readonly document: string;
}

export const simulations = operations<typeof Iam, any>()({
  SimulateCustomPolicy: {
    permissions: onAll("SimulateCustomPolicy"),
    async run(ctx, input) {
      const sources = (input.PolicyInputList ?? []).map(given);
      return simulate(ctx, input as Asked, { sources, caller: String(input.CallerArn ?? "") });
    },
  },
  SimulatePrincipalPolicy: {
    permissions: (input) => [{ action: "iam:SimulatePrincipalPolicy", resource: String(input.PolicySourceArn) }],
    async run(ctx, input) {
      const source = String(input.PolicySourceArn);
      const { kind, self, holders } = await principalOf(ctx, source);
      const own = (await Promise.all(holders.map((holder) => documentsOf(ctx, holder.kind, holder.value)))).flat();
      const boundary = self.boundary ? await documentOf(ctx, self.boundary) : undefined;
      const sources = [...own, ...(input.PolicyInputList ?? []).map(given)];
      const caller = input.CallerArn ?? (kind === "group" ? "" : source);
      return simulate(ctx, input as Asked, { sources, caller, boundary });
    },
  },
});

const given = (document: string, i: number): Source => ({
  id: `PolicyInputList.${i + 1}`,
  type: "IAM Policy",
  document,
});

/** A user, group or role by its ARN, and all whose policies count for it. */
export async function principalOf(ctx: Context<any>, source: string) {
  const [, kind, name] = /:(user|group|role)\/(?:.*\/)?([^/]+)$/.exec(source) ?? [];
  if (!kind || !name) throw invalidInput(`Invalid Entity Arn: ${source} does not clearly define entity type and name.`);
  const self = await entity<User | Group | Role>(ctx, kind as "user", name);
  if (entityArn(kind as "user", ctx.account, self) !== source) throw invalidInput(`Invalid Entity Arn: ${source}.`);
  const groups = kind === "user" ? ((self as User).groups ?? []) : [];
  const members = await Promise.all(groups.map((group) => ctx.globalRecords.get<Group>("group", nameKey(group))));
  const holders = [
    { kind, value: self as Entity },
    ...members.flatMap((group) => (group ? [{ kind: "group", value: group.value as Entity }] : [])),
  ];
  return { kind, self, holders };
}

/** The documents that an entity holds, inline and attached. */
export async function documentsOf(ctx: Context<any>, kind: string, holder: Entity): Promise<Source[]> {
  const inline = Object.entries(holder.inline).map(([name, document]) => ({
    id: `${kind}_${holder.name}_${name}`,
    type: `${kind[0]!.toUpperCase()}${kind.slice(1)} Policy`,
    document,
  }));
  const attached = await Promise.all(
    holder.attached.map(async (policyArn): Promise<Source[]> => {
      const document = await documentOf(ctx, policyArn);
      return document === undefined ? [] : [{ id: policyArn.split("/").at(-1)!, type: "IAM Policy", document }];
    }),
  );
  return [...inline, ...attached.flat()];
}

async function documentOf(ctx: Context<any>, policyArn: string): Promise<string | undefined> {
  const policy = await managedPolicy(ctx, policyArn);
  return policy?.versions.find((version) => version.id === policy.defaultVersion)?.document;
}

/** The names of all keys that conditions of the policies test. */
export function contextKeys(documents: readonly string[]): string[] {
  const keys = documents.flatMap((document) =>
    parsePolicy(document).statements.flatMap((statement) =>
      Object.values(statement.condition ?? {}).flatMap((test) => Object.keys(test)),
    ),
  );
  return [...new Map(keys.map((key) => [key.toLowerCase(), key])).values()];
}

interface Subject {
  readonly sources: readonly Source[];
  readonly caller: string;
  readonly boundary?: string | undefined;
}

function simulate(ctx: Context<any>, input: Asked, { sources, caller, boundary }: Subject): Iam.SimulatePolicyResponse {
  const [actions, resources] = [input.ActionNames ?? [], input.ResourceArns?.length ? input.ResourceArns : ["*"]];
  if (actions.length * resources.length > MAX_DECISIONS)
    throw invalidInput(`A simulation decides at most ${MAX_DECISIONS} requests.`);
  const compiled = sources.map((source) => compilePolicy(source.document, "identity"));
  const bounds = [...(input.PermissionsBoundaryPolicyInputList ?? []), ...(boundary ? [boundary] : [])];
  const boundaries = bounds.map((document) => compilePolicy(document, "identity"));
  const resourcePolicy = input.ResourcePolicy ? compilePolicy(input.ResourcePolicy, "resource") : undefined;
  const context = Object.fromEntries(
    (input.ContextEntries ?? []).map((e) => [
      String(e.ContextKeyName),
      contextValue(e.ContextKeyType, e.ContextKeyValues),
    ]),
  );
  const known = new Set(Object.keys(context).map((key) => key.toLowerCase()));
  const missing = contextKeys(sources.map(({ document }) => document)).filter((key) => !known.has(key.toLowerCase()));
  const decide = (action: string, resource: string, identityPolicies: readonly CompiledPolicy[]) =>
    evaluate({
      principal: { type: "user", account: ctx.account, arn: caller || `arn:aws:iam::${ctx.account}:user/simulated` },
      action,
      resource,
      resourceAccount: ctx.account,
      context,
      identityPolicies,
      ...(resourcePolicy ? { resourcePolicy } : {}),
      ...(boundaries[0] ? { boundary: boundaries[0] } : {}),
    });
  let tests = 0;
  const placesOf = rememberedPlaces();
  const all = actions.flatMap((action) =>
    resources.map((resource): Iam.EvaluationResult => {
      if (!/^[\w-]+:[\w*?]+$/.test(action)) throw invalidInput(`Invalid action name: ${action}`);
      const { decision } = decide(action, resource, compiled);
      const verdict = decision === "allow" ? "allowed" : decision;
      // What decides is what decides so alone.
      const decides = (policy: CompiledPolicy): boolean =>
        decision !== "implicitDeny" && decide(action, resource, [policy]).decision === decision;
      const statements = sources.flatMap((source, i) => {
        const policy = compiled[i]!;
        if (!decides(policy)) return [];
        if ((tests += policy.statements.length) > MAX_TESTS)
          throw invalidInput("The simulation has too many statements.");
        return matchedStatements(source, policy, { decides, placesOf });
      });
      return {
        EvalActionName: action,
        EvalResourceName: resource,
        EvalDecision: verdict,
        MatchedStatements: statements,
        MissingContextValues: missing,
        OrganizationsDecisionDetail: { AllowedByOrganizations: true },
        EvalDecisionDetails: {},
        ResourceSpecificResults: [
          {
            EvalResourceName: resource,
            EvalResourceDecision: verdict,
            MatchedStatements: statements,
            MissingContextValues: missing,
          },
        ],
      };
    }),
  );
  const { items, ...rest } = page(all, input);
  return { EvaluationResults: items, ...rest };
}

/** A document decides many requests of a simulation, and is read through for the first. */
function rememberedPlaces(): (document: string) => StatementPlace[] {
  const known = new Map<string, StatementPlace[]>();
  return (document) => {
    const places = known.get(document) ?? statementPlaces(document);
    known.set(document, places);
    return places;
  };
}

function matchedStatements(
  { id, type, document }: Source,
  policy: CompiledPolicy,
  {
    decides,
    placesOf,
  }: { decides: (policy: CompiledPolicy) => boolean; placesOf: (document: string) => StatementPlace[] },
): Iam.Statement[] {
  const places = placesOf(document);
  return policy.statements.flatMap((statement, i): Iam.Statement[] => {
    if (!decides({ ...policy, statements: [statement] })) return [];
    const { start, end } = places[i] ?? {};
    return [
      {
        SourcePolicyId: id,
        SourcePolicyType: type as Iam.PolicySourceType,
        ...(start && { StartPosition: { Line: start.line, Column: start.column } }),
        ...(end && { EndPosition: { Line: end.line, Column: end.column } }),
      },
    ];
  });
}

function contextValue(type: string | undefined, values: readonly string[] = []): ContextValue {
  const typed = values.map((value) =>
    type?.startsWith("numeric") ? Number(value) : type?.startsWith("boolean") ? value === "true" : value,
  );
  return type?.endsWith("List") ? typed : typed[0];
}
