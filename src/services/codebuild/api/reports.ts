import type * as CodeBuild from "@aws-sdk/client-codebuild";
import { operations } from "../../../aws/service.ts";
import { AwsError, notImplemented } from "../../../kernel/aws-error.ts";
import { invalidInput, noResource, onAll, view, type Ctx } from "../model.ts";
import { forgetReport } from "../reports/make-report.ts";
import {
  groupArn,
  groupNameOf,
  groupOfReport,
  onGroups,
  PARTS,
  reportIdOf,
  type StoredCase,
  type StoredCoverage,
  type StoredGroup,
  type StoredReport,
} from "../reports/model.ts";
import { trendOf } from "../reports/trend.ts";
import type { CodeBuildState } from "../state.ts";

const PAGE = 100;
const MAX_GROUPS = 5_000;
const NAME = /^[A-Za-z0-9][A-Za-z0-9_-]{1,127}$/;

export const reports = operations<typeof CodeBuild, CodeBuildState>()({
  CreateReportGroup: {
    permissions: (input, ctx) => onGroups("CreateReportGroup", [groupArn(ctx, String(input.name))]),
    async run(ctx, input) {
      const name = String(input.name);
      if (!NAME.test(name)) throw invalidInput(`Invalid report group name: ${name}`);
      const type = input.type === "CODE_COVERAGE" ? "CODE_COVERAGE" : "TEST";
      checkExport(input.exportConfig);
      if ((await ctx.records.count("report-group")) >= MAX_GROUPS)
        throw new AwsError(
          "AccountLimitExceededException",
          `An account has at most ${MAX_GROUPS} report groups in a region`,
          400,
        );
      const now = ctx.now();
      const group: StoredGroup = {
        arn: groupArn(ctx, name),
        name,
        type,
        exportConfig: { exportConfigType: "NO_EXPORT" },
        created: now,
        lastModified: now,
        tags: input.tags ?? [],
        status: "ACTIVE",
      };
      if (!(await ctx.records.create("report-group", name, group)))
        throw new AwsError("ResourceAlreadyExistsException", `Report group already exists: ${group.arn}`, 400);
      return { reportGroup: shownGroup(group) };
    },
  },
  UpdateReportGroup: {
    permissions: (input) => onGroups("UpdateReportGroup", [input.arn]),
    async run(ctx, input) {
      checkExport(input.exportConfig);
      const change = (g: StoredGroup): StoredGroup => ({
        ...g,
        ...(input.tags ? { tags: input.tags } : {}),
        lastModified: ctx.now(),
      });
      const group = await ctx.records.update<StoredGroup>("report-group", groupNameOf(input.arn), change);
      if (!group) throw noGroup(input.arn);
      return { reportGroup: shownGroup(group) };
    },
  },
  BatchGetReportGroups: {
    permissions: (input) => onGroups("BatchGetReportGroups", input.reportGroupArns ?? []),
    async run(ctx, input) {
      const arns = input.reportGroupArns ?? [];
      const found = await Promise.all(
        arns.map((arn) => ctx.records.get<StoredGroup>("report-group", groupNameOf(arn))),
      );
      return {
        reportGroups: found.flatMap((one) => (one ? [shownGroup(one.value)] : [])),
        reportGroupsNotFound: arns.filter((_, i) => !found[i]),
      };
    },
  },
  ListReportGroups: {
    permissions: onAll("ListReportGroups"),
    async run(ctx, input) {
      const groups = (await ctx.records.list<StoredGroup>("report-group")).map(({ value }) => value);
      const by = input.sortBy === "CREATED_TIME" ? "created" : "lastModified";
      if (input.sortBy && input.sortBy !== "NAME") groups.sort((a, b) => Number(a[by]) - Number(b[by]));
      if (input.sortOrder === "DESCENDING") groups.reverse();
      const { page, nextToken } = cut(groups, input);
      return { reportGroups: page.map(({ arn }) => arn), ...(nextToken ? { nextToken } : {}) };
    },
  },
  DeleteReportGroup: {
    permissions: (input) => onGroups("DeleteReportGroup", [input.arn]),
    async run(ctx, input) {
      const name = groupNameOf(input.arn);
      const stored = await reportsOf(ctx, `${name}/`);
      if (stored.length && !input.deleteReports)
        throw invalidInput(`Cannot delete report group ${name}: it has reports; delete them or set deleteReports`);
      await ctx.records.write(
        ctx.records.remove("report-group", name),
        stored.flatMap((report) => forgetReport(ctx, report)),
      );
      return {};
    },
  },
  BatchGetReports: {
    permissions: (input, ctx) =>
      onGroups(
        "BatchGetReports",
        (input.reportArns ?? []).map((arn) => groupOfReport(ctx, arn)),
      ),
    async run(ctx, input) {
      const arns = input.reportArns ?? [];
      const found = await Promise.all(arns.map((arn) => reportBy(ctx, arn)));
      return {
        reports: found.flatMap((one) => (one ? [view<CodeBuild.Report>(withDate(one))] : [])),
        reportsNotFound: arns.filter((_, i) => !found[i]),
      };
    },
  },
  ListReports: {
    permissions: onAll("ListReports"),
    run: async (ctx, input) => list(await reportsOf(ctx), input),
  },
  ListReportsForReportGroup: {
    permissions: (input) => onGroups("ListReportsForReportGroup", [input.reportGroupArn]),
    async run(ctx, input) {
      const name = groupNameOf(input.reportGroupArn);
      if (!(await ctx.records.get("report-group", name))) throw noGroup(input.reportGroupArn);
      return list(await reportsOf(ctx, `${name}/`), input);
    },
  },
  DescribeTestCases: {
    permissions: (input, ctx) => onGroups("DescribeTestCases", [groupOfReport(ctx, input.reportArn)]),
    async run(ctx, input) {
      const report = await reportBy(ctx, input.reportArn);
      if (!report) throw noReport(input.reportArn);
      const stored = await ctx.records.get<StoredCase[]>(PARTS.TEST, reportIdOf(input.reportArn));
      const { status, keyword } = input.filter ?? {};
      const wanted = (stored?.value ?? []).filter(
        (one) =>
          (status === undefined || one.status === status) &&
          (keyword === undefined || `${one.prefix} ${one.name}`.includes(keyword)),
      );
      const { page, nextToken } = cut(wanted, input);
      return { testCases: page.map((one) => shownCase(report, one)), ...(nextToken ? { nextToken } : {}) };
    },
  },
  DescribeCodeCoverages: {
    permissions: (input, ctx) => onGroups("DescribeCodeCoverages", [groupOfReport(ctx, input.reportArn)]),
    async run(ctx, input) {
      const report = await reportBy(ctx, input.reportArn);
      if (!report) throw noReport(input.reportArn);
      const stored = await ctx.records.get<StoredCoverage[]>(PARTS.CODE_COVERAGE, reportIdOf(input.reportArn));
      const { minLineCoveragePercentage: least = 0, maxLineCoveragePercentage: most = 100 } = input;
      const id = report.arn.slice(report.arn.lastIndexOf(":") + 1);
      const wanted = (stored?.value ?? [])
        .map((file, i) => ({ id: `${id}-${i}`, ...file }))
        .filter(({ lineCoveragePercentage: lines }) => lines >= least && lines <= most);
      if (input.sortBy === "LINE_COVERAGE_PERCENTAGE")
        wanted.sort((a, b) => a.lineCoveragePercentage - b.lineCoveragePercentage);
      else wanted.sort((a, b) => (a.filePath < b.filePath ? -1 : 1));
      if (input.sortOrder === "DESCENDING") wanted.reverse();
      const { page, nextToken } = cut(wanted, input);
      const expired = new Date(report.expired);
      return {
        codeCoverages: page.map((file) => ({ ...file, reportARN: report.arn, expired })),
        ...(nextToken ? { nextToken } : {}),
      };
    },
  },
  GetReportGroupTrend: {
    permissions: (input) => onGroups("GetReportGroupTrend", [input.reportGroupArn]),
    async run(ctx, input) {
      const name = groupNameOf(input.reportGroupArn);
      const group = (await ctx.records.get<StoredGroup>("report-group", name))?.value;
      if (!group) throw noGroup(input.reportGroupArn);
      const { numOfReports = PAGE } = input;
      if (numOfReports < 1 || numOfReports > PAGE) throw invalidInput(`numOfReports must be between 1 and ${PAGE}`);
      const { stats, rawData } = trendOf(
        group.type,
        input.trendField!,
        (await reportsOf(ctx, `${name}/`)).slice(-numOfReports),
      );
      return { stats, rawData };
    },
  },
  DeleteReport: {
    permissions: (input, ctx) => onGroups("DeleteReport", [groupOfReport(ctx, input.arn)]),
    async run(ctx, input) {
      const report = (await ctx.records.get<StoredReport>("report", reportIdOf(input.arn)))?.value;
      if (report) await ctx.records.write(forgetReport(ctx, report));
      return {};
    },
  },
});

const noReport = (arn: string | undefined): AwsError => noResource(`Report cannot be found: ${arn}`);
const noGroup = (arn: string | undefined): AwsError => noResource(`Report group cannot be found: ${arn}`);

function checkExport(config: CodeBuild.ReportExportConfig | undefined): void {
  if (config?.exportConfigType === "S3") throw notImplemented("exports of test results to S3 (exportConfigType S3)");
}

const shownGroup = (group: StoredGroup): CodeBuild.ReportGroup => view<CodeBuild.ReportGroup>(group);

/** `expired` is a date too; `view` knows the others. */
const withDate = (report: StoredReport): object => ({ ...report, expired: new Date(report.expired) });

/** A report that has not expired. */
async function reportBy(ctx: Ctx, arn: string | undefined): Promise<StoredReport | undefined> {
  const report = (await ctx.records.get<StoredReport>("report", reportIdOf(arn)))?.value;
  return report && report.expired > ctx.now() ? report : undefined;
}

/** Reports, the oldest first. */
async function reportsOf(ctx: Ctx, prefix?: string): Promise<StoredReport[]> {
  const found = await ctx.records.list<StoredReport>("report-order", prefix ? { prefix } : {});
  return found
    .map(({ value }) => value)
    .filter(({ expired }) => expired > ctx.now())
    .sort((a, b) => a.created - b.created);
}

interface Paging {
  readonly nextToken?: string | undefined;
  readonly maxResults?: number | undefined;
}

function list(
  found: readonly StoredReport[],
  input: Paging & { filter?: CodeBuild.ReportFilter | undefined; sortOrder?: string | undefined },
): { reports: string[]; nextToken?: string } {
  const { status } = input.filter ?? {};
  const wanted = found.filter((one) => status === undefined || one.status === status);
  const { page, nextToken } = cut(input.sortOrder === "ASCENDING" ? wanted : wanted.toReversed(), input);
  return { reports: page.map(({ arn }) => arn), ...(nextToken ? { nextToken } : {}) };
}

function cut<T>(all: readonly T[], { nextToken, maxResults = PAGE }: Paging): { page: T[]; nextToken?: string } {
  const start = Number(nextToken ?? 0);
  if (!Number.isInteger(start) || start < 0) throw invalidInput("Invalid nextToken");
  const end = start + Math.min(Math.max(1, maxResults), PAGE);
  return { page: all.slice(start, end), ...(all.length > end ? { nextToken: String(end) } : {}) };
}

const shownCase = (report: StoredReport, one: StoredCase): CodeBuild.TestCase => ({
  reportArn: report.arn,
  testRawDataPath: one.path,
  prefix: one.prefix,
  name: one.name,
  status: one.status,
  durationInNanoSeconds: one.nanoseconds,
  message: one.message ?? "",
  expired: new Date(report.expired),
  testSuiteName: one.suite,
});
