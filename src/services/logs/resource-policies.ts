import type * as Logs from "@aws-sdk/client-cloudwatch-logs";
import type { Context } from "../../aws/context.ts";
import { operations } from "../../aws/service.ts";
import { compilePolicy } from "../../engines/policy/index.ts";
import { AwsError, messageOf } from "../../kernel/aws-error.ts";
import { invalid } from "./model.ts";

const MAX_POLICIES = 10;
const MAX_BYTES = 5120;

interface StoredPolicy {
  readonly name: string;
  readonly document: string;
  readonly updated: number;
}

const on = (action: string) => () => [{ action: `logs:${action}`, resource: "*" }];

/** What the account's policies let AWS's services do, as one policy; undefined for everybody else, whom IAM decides upon. */
export async function policyForServices(ctx: Context<any>): Promise<string | undefined> {
  if (ctx.principal.kind !== "service") return undefined;
  return ctx.records.made("log policies", async () => {
    const stored = await ctx.records.list<StoredPolicy>("policy");
    if (stored.length === 0) return undefined;
    const statements = stored.flatMap((p) => (JSON.parse(p.value.document) as { Statement: unknown }).Statement);
    return JSON.stringify({ Version: "2012-10-17", Statement: statements });
  });
}

/** A document as AWS keeps it: with a version, and lists of one principal as that principal. */
function asKept(document: string): string {
  const { Version = "2008-10-17", Statement, ...others } = JSON.parse(document) as Record<string, unknown>;
  const plain = (one: unknown): unknown => {
    const { Principal } = one as { Principal?: unknown };
    if (typeof Principal !== "object" || Principal === null) return one;
    const entries = Object.entries(Principal).map(([type, names]) => [
      type,
      Array.isArray(names) && names.length === 1 ? names[0] : names,
    ]);
    return { ...(one as object), Principal: Object.fromEntries(entries) };
  };
  return JSON.stringify({
    Version,
    ...others,
    Statement: Array.isArray(Statement) ? Statement.map(plain) : plain(Statement),
  });
}

const view = (policy: StoredPolicy): Logs.ResourcePolicy => ({
  policyName: policy.name,
  policyDocument: policy.document,
  lastUpdatedTime: policy.updated,
  policyScope: "ACCOUNT",
});

/** Policies by which AWS's services may write to the account's groups. */
export const resourcePolicies = operations<typeof Logs, any>()({
  PutResourcePolicy: {
    permissions: on("PutResourcePolicy"),
    async run(ctx, input) {
      const name = input.policyName;
      const document = input.policyDocument;
      if (!name || !document) throw invalid("policyName and policyDocument are required.");
      if (input.resourceArn)
        throw new AwsError("NotImplemented", "Starling does not implement policies of one log group yet.", 501);
      if (Buffer.byteLength(document) > MAX_BYTES) throw invalid(`Resource policies have at most ${MAX_BYTES} bytes.`);
      try {
        compilePolicy(document, "resource");
      } catch (error) {
        throw invalid(`Invalid policy document: ${messageOf(error)}`);
      }
      const stored = await ctx.records.get("policy", name);
      if (!stored && (await ctx.records.count("policy")) >= MAX_POLICIES)
        throw new AwsError("LimitExceededException", "Resource limit exceeded.", 400);
      const policy: StoredPolicy = { name, document: asKept(document), updated: ctx.now() };
      await ctx.records.write(ctx.records.put("policy", name, policy));
      return { resourcePolicy: view({ ...policy, document }) }; // as it was given; who asks for it later gets it as kept
    },
  },
  DescribeResourcePolicies: {
    permissions: on("DescribeResourcePolicies"),
    async run(ctx, input) {
      if (input.resourceArn || input.policyScope === "RESOURCE") return { resourcePolicies: [] }; // groups have none
      const limit = input.limit ?? MAX_POLICIES;
      const options = input.nextToken ? { after: input.nextToken } : {};
      const stored = await ctx.records.list<StoredPolicy>("policy", options);
      const page = stored.slice(0, limit);
      return {
        resourcePolicies: page.map((p) => view(p.value)),
        ...(stored.length > limit ? { nextToken: page.at(-1)!.id } : {}),
      };
    },
  },
  DeleteResourcePolicy: {
    permissions: on("DeleteResourcePolicy"),
    async run(ctx, input) {
      const name = String(input.policyName);
      if (!(await ctx.records.get("policy", name)))
        throw new AwsError("ResourceNotFoundException", `Policy with name [${name}] does not exist.`, 400);
      await ctx.records.write(ctx.records.remove("policy", name));
      return {};
    },
  },
});
