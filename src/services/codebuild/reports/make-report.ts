import type { Context } from "../../../aws/context.ts";
import type { ReportFiles } from "../../../compute/build/index.ts";
import { codeOf, messageOf } from "../../../kernel/aws-error.ts";
import type { BuildView, Ctx } from "../model.ts";
import { isCoverageFormat, readCoverage, sumOf, withPercentages } from "./code-coverage.ts";
import {
  groupArn,
  PARTS,
  reportArn,
  reportOrder,
  type StoredCase,
  type StoredCoverage,
  type StoredGroup,
  type StoredReport,
} from "./model.ts";
import { canRead, readTestCases, type TestStatus } from "./test-cases.ts";

/** AWS keeps reports for 30 days. */
const KEPT_MS = 30 * 24 * 3600_000;
const MAX_CASES = 500;
const MAX_COVERED_FILES = 5_000;
const MAX_NAME = 128;

/** Makes a report of what a build's tests wrote; answers its ARN, or nothing where there is none, for a reason in the log. */
export async function makeReport(
  ctx: Ctx,
  role: Context<any>,
  build: BuildView,
  { spec, files }: ReportFiles,
  note: (message: string) => void,
): Promise<string | undefined> {
  if (!files.length) {
    note(`Error in report ${spec.group}: no matching report files found`);
    return undefined;
  }
  if (!canRead(spec.fileFormat) && !isCoverageFormat(spec.fileFormat)) {
    note(`Error in report ${spec.group}: Starling does not implement reports of the format ${spec.fileFormat} yet`);
    return undefined;
  }
  try {
    const { type, facts, parts, told } = isCoverageFormat(spec.fileFormat)
      ? coverageOf(spec.fileFormat, files)
      : testsOf(spec.fileFormat, files);
    const group = await groupFor(ctx, role, build.projectName, spec.group, type);
    if (group.type !== type) throw new Error(`the report group ${group.arn} is for reports of the type ${group.type}`);
    const report = await store(ctx, group, build, facts, parts);
    note(`Report ${report.arn}: ${told}, ${report.status}`);
    return report.arn;
  } catch (error) {
    note(`Error in report ${spec.group}: ${messageOf(error)}`);
    return undefined;
  }
}

/** What the files of one report say. */
interface Contents {
  readonly type: "TEST" | "CODE_COVERAGE";
  /** What it adds to the report. */
  readonly facts: Pick<StoredReport, "status" | "truncated" | "testSummary" | "codeCoverageSummary">;
  readonly parts: readonly StoredCase[] | readonly StoredCoverage[];
  /** For the log. */
  readonly told: string;
}

function testsOf(format: string, files: ReportFiles["files"]): Contents {
  const cases = files.flatMap(({ path, text }) =>
    readTestCases(format, text).map((one): StoredCase => ({ ...one, path })),
  );
  const counts: Record<TestStatus, number> = { ERROR: 0, FAILED: 0, SKIPPED: 0, SUCCEEDED: 0, UNKNOWN: 0 };
  for (const { status } of cases) counts[status]++;
  const facts = {
    status: counts.FAILED + counts.ERROR > 0 ? "FAILED" : "SUCCEEDED",
    truncated: cases.length > MAX_CASES,
    testSummary: {
      total: cases.length,
      statusCounts: counts,
      durationInNanoSeconds: cases.reduce((sum, one) => sum + one.nanoseconds, 0),
    },
  } as const;
  return { type: "TEST", facts, parts: cases.slice(0, MAX_CASES), told: `${cases.length} test cases` };
}

function coverageOf(format: string, files: ReportFiles["files"]): Contents {
  const found = files.flatMap(({ text }) => readCoverage(format, text));
  const codeCoverageSummary = withPercentages(sumOf(found));
  const facts = { status: "SUCCEEDED", truncated: found.length > MAX_COVERED_FILES, codeCoverageSummary } as const;
  const parts = found
    .slice(0, MAX_COVERED_FILES)
    .map(({ filePath, ...counts }): StoredCoverage => ({ filePath, ...withPercentages(counts) }));
  return {
    type: "CODE_COVERAGE",
    facts,
    parts,
    told: `${codeCoverageSummary.lineCoveragePercentage} % of the lines of ${found.length} files`,
  };
}

/** The group that a buildspec means: by its ARN, or one named after the project, made where it is missing. */
async function groupFor(
  ctx: Ctx,
  role: Context<any>,
  project: string,
  given: string,
  type: Contents["type"],
): Promise<StoredGroup> {
  const arn = given.startsWith("arn:") ? given : groupArn(ctx, `${project}-${given}`.slice(0, MAX_NAME));
  const name = arn.slice(arn.lastIndexOf("/") + 1);
  const found = async () => (await ctx.records.get<StoredGroup>("report-group", name))?.value;
  const existing = await found();
  if (existing) return existing;
  if (given.startsWith("arn:")) throw new Error(`the report group ${given} does not exist`);
  try {
    await role.call("codebuild", "CreateReportGroup", {
      name,
      type,
      exportConfig: { exportConfigType: "NO_EXPORT" },
    });
  } catch (error) {
    if (codeOf(error) !== "ResourceAlreadyExistsException") throw error; // else another build made it
  }
  const made = await found();
  if (!made) throw new Error(`the report group ${name} was deleted`);
  return made;
}

async function store(
  ctx: Ctx,
  group: StoredGroup,
  build: BuildView,
  facts: Contents["facts"],
  parts: Contents["parts"],
): Promise<StoredReport> {
  const now = ctx.now();
  const id = `${group.name}:${ctx.platform.ids.uuid()}`;
  const report: StoredReport = {
    arn: reportArn(ctx, id),
    type: group.type,
    name: id.slice(id.indexOf(":") + 1),
    reportGroupArn: group.arn,
    executionId: String(build.arn),
    created: now,
    expired: now + KEPT_MS,
    exportConfig: group.exportConfig ?? { exportConfigType: "NO_EXPORT" },
    ...facts,
  };
  const expired = (await ctx.records.list<StoredReport>("report-order", { prefix: `${group.name}/`, limit: 100 }))
    .filter(({ value }) => value.expired <= now)
    .flatMap(({ value }) => forgetReport(ctx, value));
  await ctx.records.write(
    ctx.records.put("report", id, report),
    ctx.records.put("report-order", reportOrder(report), report),
    ctx.records.put(PARTS[report.type], id, parts),
    expired,
  );
  return report;
}

/** Statements that remove a report with its test cases or files. */
export function forgetReport(ctx: Ctx, report: StoredReport) {
  const id = report.arn.slice(report.arn.indexOf("report/") + "report/".length);
  return [
    ctx.records.remove("report", id),
    ctx.records.remove("report-order", reportOrder(report)),
    ctx.records.remove(PARTS[report.type], id),
  ];
}
