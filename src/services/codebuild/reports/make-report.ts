import type { Context } from "../../../aws/context.ts";
import type { ReportFiles } from "../../../compute/build/index.ts";
import { codeOf, messageOf } from "../../../kernel/aws-error.ts";
import type { BuildView, Ctx } from "../model.ts";
import { groupArn, reportArn, reportOrder, type StoredCase, type StoredGroup, type StoredReport } from "./model.ts";
import { canRead, readTestCases, type TestStatus } from "./test-cases.ts";

/** AWS keeps reports for 30 days. */
const KEPT_MS = 30 * 24 * 3600_000;
const MAX_CASES = 500;
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
  if (!canRead(spec.fileFormat)) {
    note(`Error in report ${spec.group}: Starling does not implement reports of the format ${spec.fileFormat} yet`);
    return undefined;
  }
  try {
    const group = await groupFor(ctx, role, build.projectName, spec.group);
    const cases = files.flatMap(({ path, text }) =>
      readTestCases(spec.fileFormat, text).map((one): StoredCase => ({ ...one, path })),
    );
    const report = await store(ctx, group, build, cases);
    note(`Report ${report.arn}: ${cases.length} test cases, ${report.status}`);
    return report.arn;
  } catch (error) {
    note(`Error in report ${spec.group}: ${messageOf(error)}`);
    return undefined;
  }
}

/** The group that a buildspec means: by its ARN, or one named after the project, made where it is missing. */
async function groupFor(ctx: Ctx, role: Context<any>, project: string, given: string): Promise<StoredGroup> {
  const arn = given.startsWith("arn:") ? given : groupArn(ctx, `${project}-${given}`.slice(0, MAX_NAME));
  const name = arn.slice(arn.lastIndexOf("/") + 1);
  const found = async () => (await ctx.records.get<StoredGroup>("report-group", name))?.value;
  const existing = await found();
  if (existing) return existing;
  if (given.startsWith("arn:")) throw new Error(`the report group ${given} does not exist`);
  try {
    await role.call("codebuild", "CreateReportGroup", {
      name,
      type: "TEST",
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
  cases: readonly StoredCase[],
): Promise<StoredReport> {
  const now = ctx.now();
  const id = `${group.name}:${ctx.platform.ids.uuid()}`;
  const counts: Record<TestStatus, number> = { ERROR: 0, FAILED: 0, SKIPPED: 0, SUCCEEDED: 0, UNKNOWN: 0 };
  for (const { status } of cases) counts[status]++;
  const report: StoredReport = {
    arn: reportArn(ctx, id),
    type: "TEST",
    name: id.slice(id.indexOf(":") + 1),
    reportGroupArn: group.arn,
    executionId: String(build.arn),
    status: counts.FAILED + counts.ERROR > 0 ? "FAILED" : "SUCCEEDED",
    created: now,
    expired: now + KEPT_MS,
    exportConfig: group.exportConfig ?? { exportConfigType: "NO_EXPORT" },
    truncated: cases.length > MAX_CASES,
    testSummary: {
      total: cases.length,
      statusCounts: counts,
      durationInNanoSeconds: cases.reduce((sum, one) => sum + one.nanoseconds, 0),
    },
  };
  const expired = (await ctx.records.list<StoredReport>("report-order", { prefix: `${group.name}/`, limit: 100 }))
    .filter(({ value }) => value.expired <= now)
    .flatMap(({ value }) => forgetReport(ctx, value));
  await ctx.records.write(
    ctx.records.put("report", id, report),
    ctx.records.put("report-order", reportOrder(report), report),
    ctx.records.put("report-cases", id, cases.slice(0, MAX_CASES)),
    expired,
  );
  return report;
}

/** Statements that remove a report with its test cases. */
export function forgetReport(ctx: Ctx, report: StoredReport) {
  const id = report.arn.slice(report.arn.indexOf("report/") + "report/".length);
  return [
    ctx.records.remove("report", id),
    ctx.records.remove("report-order", reportOrder(report)),
    ctx.records.remove("report-cases", id),
  ];
}
