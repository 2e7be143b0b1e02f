import type { ReportGroupTrendFieldType } from "@aws-sdk/client-codebuild";
import { invalidInput } from "../model.ts";
import type { StoredReport } from "./model.ts";

type Type = StoredReport["type"];

/** What each value of a trend is of a report. */
const FIELDS: Readonly<
  Record<ReportGroupTrendFieldType, readonly [of: Type, value: (report: StoredReport) => number]>
> = {
  TOTAL: ["TEST", ({ testSummary }) => testSummary?.total ?? 0],
  DURATION: ["TEST", ({ testSummary }) => testSummary?.durationInNanoSeconds ?? 0],
  PASS_RATE: [
    "TEST",
    ({ testSummary }) => (100 * (testSummary?.statusCounts?.["SUCCEEDED"] ?? 0)) / (testSummary?.total || 1),
  ],
  LINE_COVERAGE: ["CODE_COVERAGE", ({ codeCoverageSummary: sum }) => sum?.lineCoveragePercentage ?? 0],
  LINES_COVERED: ["CODE_COVERAGE", ({ codeCoverageSummary: sum }) => sum?.linesCovered ?? 0],
  LINES_MISSED: ["CODE_COVERAGE", ({ codeCoverageSummary: sum }) => sum?.linesMissed ?? 0],
  BRANCH_COVERAGE: ["CODE_COVERAGE", ({ codeCoverageSummary: sum }) => sum?.branchCoveragePercentage ?? 0],
  BRANCHES_COVERED: ["CODE_COVERAGE", ({ codeCoverageSummary: sum }) => sum?.branchesCovered ?? 0],
  BRANCHES_MISSED: ["CODE_COVERAGE", ({ codeCoverageSummary: sum }) => sum?.branchesMissed ?? 0],
};

interface Trend {
  readonly stats: { readonly average?: string; readonly max?: string; readonly min?: string };
  readonly rawData: { reportArn: string; data: string }[];
}

/** One value of the reports of a group, and what they have together. Throws InvalidInputException for a value that the group's type has not. */
export function trendOf(type: Type, field: ReportGroupTrendFieldType, reports: readonly StoredReport[]): Trend {
  const [of, value] = FIELDS[field];
  if (of !== type)
    throw invalidInput(`The trend ${field} is of reports of the type ${of}, and the group is for ${type}`);
  const values = reports.map(value);
  const rawData = reports.map(({ arn }, i) => ({ reportArn: arn, data: String(values[i]) }));
  if (!values.length) return { stats: {}, rawData };
  const average = values.reduce((sum, one) => sum + one, 0) / values.length;
  return {
    stats: { average: String(average), max: String(Math.max(...values)), min: String(Math.min(...values)) },
    rawData,
  };
}
