import type * as Ssm from "@aws-sdk/client-ssm";
import type { Context } from "../../../aws/context.ts";
import { operations } from "../../../aws/service.ts";
import { codeOf } from "../../../kernel/aws-error.ts";
import {
  checkPath,
  DEFAULT_KEY,
  existing,
  invalid,
  nameOf,
  notFound,
  onParameters,
  parameterArn,
  parameterView,
  parseName,
  plainValue,
  versionId,
  versionNotFound,
  type Parameter,
  type Version,
} from "../model.ts";
import { checkFilters, isBelow, matchesFilters, type Filter } from "../filters.ts";
import { pageOf } from "../page.ts";

type Ctx = Context<any>;
const MAX_BY_PATH = 10;

/** The version that a name with or without selector means. */
async function find(
  ctx: Ctx,
  given: string | undefined,
): Promise<{ /** As it was asked for. */ name: string; version: Version; selector?: string }> {
  const parsed = parseName(given);
  const { selector } = parsed;
  checkPath(parsed);
  const name = await nameOf(ctx, parsed);
  const { value: head } = await existing(ctx, name);
  const number =
    selector === undefined
      ? head.latest
      : /^\d+$/.test(selector)
        ? Number(selector)
        : Object.hasOwn(head.labels, selector)
          ? head.labels[selector]!
          : 0;
  const stored = await ctx.records.get<Version>("version", versionId(name, number));
  if (!stored) {
    if (selector?.includes(":")) throw notFound(String(given));
    throw versionNotFound(name, selector ?? number);
  }
  return {
    name: parsed.isArn ? name : parsed.name,
    version: stored.value,
    ...(selector === undefined ? {} : { selector }),
  };
}

async function latest(ctx: Ctx, head: Parameter): Promise<Version[]> {
  const stored = await ctx.records.get<Version>("version", versionId(head.name, head.latest));
  return stored ? [stored.value] : []; // deleted meanwhile
}

/** Parameters that DescribeParameters tells of where nobody says how many. */
const DESCRIBED = 10;

export const getParameters = operations<typeof Ssm, any>()({
  GetParameter: {
    permissions: onParameters("GetParameter"),
    async run(ctx, input) {
      const { name, version, selector } = await find(ctx, input.Name);
      return { Parameter: parameterView(ctx, name, version, { decrypt: input.WithDecryption, selector }) };
    },
  },
  GetParameters: {
    permissions: onParameters("GetParameters", (input) => input.Names ?? []),
    async run(ctx, input) {
      const names = [...new Set((input.Names ?? []) as string[])];
      const Parameters: ReturnType<typeof parameterView>[] = [];
      const InvalidParameters: string[] = [];
      for (const given of names) {
        try {
          const { name, version, selector } = await find(ctx, given);
          Parameters.push(parameterView(ctx, name, version, { decrypt: input.WithDecryption, selector }));
        } catch (error) {
          if (!/^Parameter(Version)?NotFound$/.test(codeOf(error) ?? "")) throw error;
          InvalidParameters.push(given);
        }
      }
      return { Parameters, InvalidParameters };
    },
  },
  GetParametersByPath: {
    permissions: (input, ctx) => [
      {
        action: "ssm:GetParametersByPath",
        resource: parameterArn(ctx, String(input.Path)),
        conditions: { "ssm:Recursive": String(input.Recursive ?? false) },
      },
    ],
    async run(ctx, input) {
      const path = String(input.Path);
      if (!path.startsWith("/"))
        throw invalid("The parameter path must be a fully qualified path that begins with a forward slash (/).");
      const label = (input.ParameterFilters ?? []).find((f) => f.Key === "Label")?.Values;
      const filters = ((input.ParameterFilters ?? []) as Filter[]).filter((f) => f.Key !== "Label");
      checkFilters(filters, ["Type", "KeyId"]);
      const prefix = path === "/" ? {} : { prefix: path.endsWith("/") ? path : `${path}/` };
      const found = (await ctx.records.list<Parameter>("parameter", prefix)).map((p) => p.value);
      const depth = input.Recursive ? "Recursive" : "OneLevel";
      const below = found.filter((p) => isBelow(p.name, path, depth) && matchesFilters(p, filters));
      const labelled = label ? below.filter((p) => label.some((l) => Object.hasOwn(p.labels, l))) : below;
      const { items, next } = pageOf(
        labelled,
        { NextToken: input.NextToken, MaxResults: input.MaxResults },
        MAX_BY_PATH,
      );
      const Parameters = await Promise.all(
        items.map(async (head) => {
          const version = label ? head.labels[label.find((l) => Object.hasOwn(head.labels, l))!]! : head.latest;
          const stored = await ctx.records.get<Version>("version", versionId(head.name, version));
          return stored ? [parameterView(ctx, head.name, stored.value, { decrypt: input.WithDecryption })] : [];
        }),
      );
      return { Parameters: Parameters.flat(), ...next };
    },
  },
  DescribeParameters: {
    permissions: (_input, ctx) => [
      { action: "ssm:DescribeParameters", resource: `arn:aws:ssm:${ctx.region}:${ctx.account}:*` },
    ],
    async run(ctx, input) {
      if (input.Filters?.length && input.ParameterFilters?.length)
        throw invalid("You can use either Filters or ParameterFilters in a single request.");
      const old = ((input.Filters ?? []) as Filter[]).map((f) => ({
        ...f,
        Option: f.Key === "Name" ? "BeginsWith" : "Equals",
      }));
      const filters = [...old, ...((input.ParameterFilters ?? []) as Filter[])];
      checkFilters(filters, ["Path", "Name", "Type", "KeyId", "Tier", "DataType"]);
      const all = (await ctx.records.list<Parameter>("parameter"))
        .map((p) => p.value)
        .filter((p) => matchesFilters(p, filters));
      const { items, next } = pageOf(all, { ...input, MaxResults: input.MaxResults ?? DESCRIBED }, 50);
      const Parameters = await Promise.all(
        items.map(async (head) => (await latest(ctx, head)).map((version) => metadata(ctx, head, version))),
      );
      return { Parameters: Parameters.flat(), ...next };
    },
  },
  GetParameterHistory: {
    permissions: onParameters("GetParameterHistory"),
    async run(ctx, input) {
      const name = await nameOf(ctx, parseName(input.Name));
      const { value: head } = await existing(ctx, name);
      const versions = await ctx.records.list<Version>("version", { prefix: `${name}:` });
      const { items, next } = pageOf(versions, input, 50);
      const Parameters = items.map(({ value }) => ({
        ...metadata(ctx, head, value),
        Value: plainValue(ctx, value, input.WithDecryption),
        Labels: Object.keys(head.labels).filter((label) => head.labels[label] === value.version),
      }));
      return { Parameters, ...next };
    },
  },
});

function metadata(ctx: Ctx, head: Parameter, version: Version) {
  return {
    Name: head.name,
    ARN: parameterArn(ctx, head.name),
    Type: version.type,
    ...(version.type === "SecureString" ? { KeyId: DEFAULT_KEY } : {}),
    LastModifiedDate: new Date(version.modified),
    LastModifiedUser: version.user,
    ...(version.description ? { Description: version.description } : {}),
    ...(version.allowedPattern ? { AllowedPattern: version.allowedPattern } : {}),
    Version: version.version,
    Tier: version.tier,
    Policies: (version.policies ?? []).map(({ type, text, due }) => ({
      PolicyText: text,
      PolicyType: type,
      PolicyStatus: due > ctx.now() ? "Pending" : "Finished",
    })),
    DataType: version.dataType,
  };
}
