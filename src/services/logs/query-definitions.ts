import { createHash } from "node:crypto";
import type * as Logs from "@aws-sdk/client-cloudwatch-logs";
import type { Context } from "../../aws/context.ts";
import { operations, type Permission } from "../../aws/service.ts";
import { AwsError } from "../../kernel/aws-error.ts";
import { pageOf } from "./page.ts";

/** A query of Logs Insights that is kept under a name. */
interface QueryDefinition {
  readonly id: string;
  readonly name: string;
  readonly text: string;
  readonly groups: readonly string[];
  readonly language: Logs.QueryLanguage;
  readonly parameters?: readonly Logs.QueryParameter[];
  readonly changed: number;
}

const KIND = "query-definition";
const MAX_DEFINITIONS = 1_000;
const PAGE = 1_000;

const on = (action: string) => (): Permission[] => [{ action: `logs:${action}`, resource: "*" }];

async function existing(ctx: Context<any>, id: string): Promise<QueryDefinition> {
  const stored = await ctx.records.get<QueryDefinition>(KIND, id);
  if (!stored)
    throw new AwsError("ResourceNotFoundException", `The query definition with id ${id} does not exist.`, 400);
  return stored.value;
}

const view = (definition: QueryDefinition): Logs.QueryDefinition => ({
  queryLanguage: definition.language,
  queryDefinitionId: definition.id,
  name: definition.name,
  queryString: definition.text,
  lastModified: definition.changed,
  logGroupNames: [...definition.groups],
  ...(definition.parameters ? { parameters: [...definition.parameters] } : {}),
});

export const queryDefinitions = operations<typeof Logs, any>()({
  PutQueryDefinition: {
    permissions: on("PutQueryDefinition"),
    async run(ctx, input) {
      const id = input.queryDefinitionId ?? newId(ctx, input.clientToken);
      if (input.queryDefinitionId) await existing(ctx, id);
      else if (input.clientToken && (await ctx.records.get(KIND, id))) return { queryDefinitionId: id };
      else if ((await ctx.records.count(KIND)) >= MAX_DEFINITIONS)
        throw new AwsError("LimitExceededException", "Resource limit exceeded.", 400);
      const definition: QueryDefinition = {
        id,
        name: String(input.name),
        text: String(input.queryString),
        groups: (input.logGroupNames ?? []).map(String),
        language: input.queryLanguage ?? "CWLI",
        ...(input.parameters?.length ? { parameters: input.parameters as Logs.QueryParameter[] } : {}),
        changed: ctx.now(),
      };
      await ctx.records.write(ctx.records.put(KIND, id, definition));
      return { queryDefinitionId: id };
    },
  },
  DescribeQueryDefinitions: {
    permissions: on("DescribeQueryDefinitions"),
    async run(ctx, input) {
      const all = (await ctx.records.list<QueryDefinition>(KIND))
        .map((stored) => stored.value)
        .filter(({ name }) => name.startsWith(input.queryDefinitionNamePrefix ?? ""))
        .filter(({ language }) => !input.queryLanguage || language === input.queryLanguage)
        .toSorted((a, b) => (a.name < b.name ? -1 : 1));
      const { items, next } = pageOf(all, input.nextToken, input.maxResults ?? PAGE);
      return { queryDefinitions: items.map(view), ...next };
    },
  },
  DeleteQueryDefinition: {
    permissions: on("DeleteQueryDefinition"),
    async run(ctx, input) {
      const { id } = await existing(ctx, String(input.queryDefinitionId));
      await ctx.records.write(ctx.records.remove(KIND, id));
      return { success: true };
    },
  },
});

/** A call that is made again with its token names the same definition. */
const newId = (ctx: Context<any>, token: string | undefined): string =>
  (token === undefined ? ctx.ids.text(32, "0123456789abcdef") : createHash("sha256").update(token).digest("hex"))
    .slice(0, 32)
    .replace(UUID, "$1-$2-$3-$4-$5");

const UUID = /^(.{8})(.{4})(.{4})(.{4})(.{12})$/;
