import type * as CloudWatch from "@aws-sdk/client-cloudwatch";
import type { Context } from "../../aws/context.ts";
import { operations, type Permission } from "../../aws/service.ts";
import { arn } from "../../kernel/arn.ts";
import { AwsError } from "../../kernel/aws-error.ts";
import { invalid } from "./metric-input.ts";

interface Dashboard {
  readonly name: string;
  readonly body: string;
  readonly modified: number;
}

/** Dashboards belong to no region. */
const dashboardArn = (ctx: Context<any>, name: string): string =>
  arn("cloudwatch", "", ctx.account, `dashboard/${name}`);

const on =
  (action: string) =>
  (input: { DashboardName?: string | undefined }, ctx: Context<any>): Permission[] => [
    { action: `cloudwatch:${action}`, resource: dashboardArn(ctx, String(input.DashboardName)) },
  ];

const MAX_BODY = 1024 * 1024;
const LIST_PAGE = 1000;
const missing = (name: string): AwsError =>
  new AwsError("ResourceNotFound", `Dashboard ${name} does not exist`, 404, { dashboardValidationMessages: [] });

export const dashboards = operations<typeof CloudWatch, any>()({
  PutDashboard: {
    permissions: on("PutDashboard"),
    async run(ctx, input) {
      const name = String(input.DashboardName);
      if (!/^[\w-]{1,255}$/.test(name))
        throw invalid(
          "The value for field DashboardName contains invalid characters. It can only contain alphanumerics, dash (-) and underscore (_).\n",
        );
      const body = String(input.DashboardBody);
      checkBody(body);
      await ctx.globalRecords.write(
        ctx.globalRecords.put("dashboard", name, { name, body, modified: ctx.now() } satisfies Dashboard),
      );
      return { DashboardValidationMessages: [] };
    },
  },
  GetDashboard: {
    permissions: on("GetDashboard"),
    async run(ctx, input) {
      const name = String(input.DashboardName);
      const stored = await ctx.globalRecords.get<Dashboard>("dashboard", name);
      if (!stored) throw missing(name);
      return { DashboardArn: dashboardArn(ctx, name), DashboardBody: stored.value.body, DashboardName: name };
    },
  },
  ListDashboards: {
    permissions: (_input, ctx) => [{ action: "cloudwatch:ListDashboards", resource: dashboardArn(ctx, "*") }],
    async run(ctx, input) {
      const stored = await ctx.globalRecords.list<Dashboard>("dashboard", {
        limit: LIST_PAGE + 1,
        ...(input.DashboardNamePrefix ? { prefix: input.DashboardNamePrefix } : {}),
        ...(input.NextToken ? { after: input.NextToken } : {}),
      });
      const page = stored.slice(0, LIST_PAGE);
      return {
        DashboardEntries: page.map(({ value }) => ({
          DashboardName: value.name,
          DashboardArn: dashboardArn(ctx, value.name),
          LastModified: new Date(value.modified),
          Size: Buffer.byteLength(value.body),
        })),
        ...(stored.length > LIST_PAGE ? { NextToken: page.at(-1)!.id } : {}),
      };
    },
  },
  DeleteDashboards: {
    permissions: (input, ctx) =>
      (input.DashboardNames ?? [undefined]).flatMap((name) => on("DeleteDashboards")({ DashboardName: name }, ctx)),
    async run(ctx, input) {
      const names = input.DashboardNames ?? [];
      if (names.length === 0) throw invalid("The parameter DashboardNames is required.");
      // All of them or none.
      for (const name of names)
        if (!(await ctx.globalRecords.get("dashboard", name)))
          throw new AwsError("ResourceNotFound", `The specified dashboard does not exist. [${name}]`, 404);
      await ctx.globalRecords.write(names.map((name) => ctx.globalRecords.remove("dashboard", name)));
      return {};
    },
  },
});

function checkBody(text: string): void {
  const refuse = (Message: string): never => {
    const DashboardValidationMessages = [{ DataPath: "/", Message }];
    const fields = { dashboardValidationMessages: DashboardValidationMessages };
    throw new AwsError("InvalidParameterInput", "The field DashboardBody must be a valid JSON object", 400, fields);
  };
  if (Buffer.byteLength(text) > MAX_BODY) refuse(`The body is longer than ${MAX_BODY} bytes.`);
  try {
    const body: unknown = JSON.parse(text);
    if (typeof body !== "object" || body === null || Array.isArray(body)) refuse("The body must be an object.");
  } catch (error) {
    if (error instanceof AwsError) throw error;
    refuse("Invalid JSON.");
  }
}
