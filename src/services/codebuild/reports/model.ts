import type { Report, ReportGroup } from "@aws-sdk/client-codebuild";
import type { Permission } from "../../../aws/service.ts";
import { arn } from "../../../kernel/arn.ts";
import { invalidInput, type Ctx, type Json } from "../model.ts";
import type { Coverage } from "./code-coverage.ts";
import type { ReadTestCase } from "./test-cases.ts";

export type StoredGroup = Json<ReportGroup> & {
  readonly type: "TEST" | "CODE_COVERAGE";
  readonly name: string;
  readonly arn: string;
  readonly created: number;
};
export type StoredReport = Json<Report> & {
  readonly type: "TEST" | "CODE_COVERAGE";
  readonly arn: string;
  readonly reportGroupArn: string;
  readonly created: number;
  readonly expired: number;
};
/** A test case, and the file that it was read from. */
export type StoredCase = ReadTestCase & { readonly path: string };
/** How much of a file was tested. */
export type StoredCoverage = Coverage & { readonly filePath: string };

/** The records with what a report consists of. */
export const PARTS = { TEST: "report-cases", CODE_COVERAGE: "report-coverages" } as const;

export const groupArn = (ctx: { region: string; account: string }, name: string): string =>
  arn("codebuild", ctx.region, ctx.account, `report-group/${name}`);

/** The name of a report group by its ARN. */
export function groupNameOf(text: string | undefined): string {
  const name = /^arn:[^:]*:codebuild:[^:]*:\d*:report-group\/([^/:]+)$/.exec(text ?? "")?.[1];
  if (!name) throw invalidInput(`Invalid report group ARN: ${text}`);
  return name;
}

/** The id of a report, `group:uuid`, by its ARN. */
export function reportIdOf(text: string | undefined): string {
  const id = /^arn:[^:]*:codebuild:[^:]*:\d*:report\/([^/:]+:[^/:]+)$/.exec(text ?? "")?.[1];
  if (!id) throw invalidInput(`Invalid report ARN: ${text}`);
  return id;
}

export const reportArn = (ctx: { region: string; account: string }, id: string): string =>
  arn("codebuild", ctx.region, ctx.account, `report/${id}`);

/** The permission for an action on report groups; what names none of them is on all. */
export const onGroups = (action: string, arns: readonly (string | undefined)[]): Permission[] =>
  [...new Set(arns)].map((one) => ({ action: `codebuild:${action}`, resource: one || "*" }));

/** The group that a report's ARN belongs to: permissions are asked on groups. An ARN that is none is refused later. */
export function groupOfReport(ctx: Ctx, text: string | undefined): string {
  const name = /:report\/([^/:]+):/.exec(text ?? "")?.[1];
  return name ? groupArn(ctx, name) : "*";
}

/** Reports of a group are found by this key, sorted by when they were made. */
export const reportOrder = (report: StoredReport): string =>
  `${groupNameOf(report.reportGroupArn)}/${10 ** 15 + report.created}/${reportIdOf(report.arn)}`;
