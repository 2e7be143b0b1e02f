import { below, child, xml, type Found } from "./report-xml.ts";

export type TestStatus = "SUCCEEDED" | "FAILED" | "ERROR" | "SKIPPED" | "UNKNOWN";

/** One test of a report. */
export interface ReadTestCase {
  readonly name: string;
  readonly prefix: string;
  readonly suite: string;
  readonly status: TestStatus;
  readonly nanoseconds: number;
  readonly message?: string;
}

const NS_PER_SECOND = 1e9;
const NS_PER_MS = 1e6;
const MAX_TEXT = 1_000;

const READERS: Readonly<Record<string, (text: string) => ReadTestCase[]>> = {
  JUNITXML: (text) => below(xml(text), "testcase").map(junitCase),
  CUCUMBERJSON: cucumberCases,
  TESTNGXML: (text) =>
    below(xml(text), "test-method").flatMap((one) =>
      one.element.attributes["is-config"] === "true" ? [] : [testNgCase(one)],
    ),
  NUNITXML: (text) => below(xml(text), "test-case").map(nunitCase),
  NUNIT3XML: (text) => below(xml(text), "test-case").map(nunitCase),
  VISUALSTUDIOTRX: (text) => below(xml(text), "UnitTestResult").map(trxCase),
};

/** The formats of test reports that can be read. */
export const canRead = (format: string): boolean => Object.hasOwn(READERS, format.toUpperCase());

/** The test cases of a report's file; throws where the file is not of its format. */
export function readTestCases(format: string, text: string): ReadTestCase[] {
  return READERS[format.toUpperCase()]!(text);
}

const suiteOf = ({ parents }: Found, name: string): string =>
  parents.findLast((one) => one.name === name)?.attributes["name"] ?? "";
const amount = (text: string | undefined, unit: number): number => {
  const value = Number((text ?? "0").replaceAll(",", ""));
  return Number.isFinite(value) && value > 0 ? Math.round(value * unit) : 0;
};

function junitCase(found: Found): ReadTestCase {
  const { attributes, children } = found.element;
  const [failure, error] = ["failure", "error"].map((name) => children.find((one) => one.name === name));
  const problem = failure ?? error;
  const skipped = children.find((one) => one.name === "skipped");
  return {
    name: attributes["name"] ?? "",
    prefix: attributes["classname"] ?? "",
    suite: suiteOf(found, "testsuite"),
    status: failure ? "FAILED" : error ? "ERROR" : skipped ? "SKIPPED" : "SUCCEEDED",
    nanoseconds: amount(attributes["time"], NS_PER_SECOND),
    ...message([(problem ?? skipped)?.attributes["message"], problem?.text]),
  };
}

const TESTNG: Readonly<Record<string, TestStatus>> = { PASS: "SUCCEEDED", FAIL: "FAILED", SKIP: "SKIPPED" };

function testNgCase(found: Found): ReadTestCase {
  const { attributes } = found.element;
  const exception = child(found.element, "exception");
  return {
    name: attributes["name"] ?? "",
    prefix: suiteOf(found, "class"),
    suite: suiteOf(found, "test"),
    status: TESTNG[attributes["status"] ?? ""] ?? "UNKNOWN",
    nanoseconds: amount(attributes["duration-ms"], NS_PER_MS),
    ...message([child(exception, "message")?.text]),
  };
}

const NUNIT: Readonly<Record<string, TestStatus>> = {
  passed: "SUCCEEDED",
  success: "SUCCEEDED",
  failed: "FAILED",
  failure: "FAILED",
  error: "ERROR",
  skipped: "SKIPPED",
  ignored: "SKIPPED",
  notrunnable: "SKIPPED",
};

/** Version 2 has `success` and `time`, version 3 `result` and `duration`. */
function nunitCase(found: Found): ReadTestCase {
  const { attributes } = found.element;
  const full = attributes["fullname"] ?? attributes["name"] ?? "";
  const name = attributes["fullname"] ? (attributes["name"] ?? full) : full.slice(full.lastIndexOf(".") + 1);
  const result = attributes["result"]?.toLowerCase();
  const byFlag: TestStatus | undefined = attributes["success"]
    ? attributes["success"].toLowerCase() === "true"
      ? "SUCCEEDED"
      : "FAILED"
    : undefined;
  return {
    name,
    prefix: attributes["classname"] ?? full.slice(0, Math.max(0, full.length - name.length - 1)),
    suite: suiteOf(found, "test-suite"),
    status: (result ? NUNIT[result] : undefined) ?? byFlag ?? "UNKNOWN",
    nanoseconds: amount(attributes["duration"] ?? attributes["time"], NS_PER_SECOND),
    ...message([child(child(found.element, "failure"), "message")?.text]),
  };
}

const TRX: Readonly<Record<string, TestStatus>> = {
  Passed: "SUCCEEDED",
  Failed: "FAILED",
  Error: "ERROR",
  NotExecuted: "SKIPPED",
};

function trxCase({ element }: Found): ReadTestCase {
  const full = element.attributes["testName"] ?? "";
  const dot = full.lastIndexOf(".");
  const [hours = 0, minutes = 0, seconds = 0] = (element.attributes["duration"] ?? "").split(":").map(Number);
  const info = child(child(element, "Output"), "ErrorInfo");
  return {
    name: full.slice(dot + 1),
    prefix: full.slice(0, Math.max(0, dot)),
    suite: "",
    status: TRX[element.attributes["outcome"] ?? ""] ?? "UNKNOWN",
    nanoseconds: amount(String(hours * 3600 + minutes * 60 + seconds), NS_PER_SECOND),
    ...message([child(info, "Message")?.text]),
  };
}

interface CucumberStep {
  readonly result?: { readonly status?: string; readonly duration?: number; readonly error_message?: string };
}
interface CucumberFeature {
  readonly name?: string;
  readonly elements?: readonly { readonly name?: string; readonly type?: string; readonly steps?: CucumberStep[] }[];
}

/** A scenario is a test; its steps tell how it ended. */
function cucumberCases(text: string): ReadTestCase[] {
  const features = JSON.parse(text) as CucumberFeature[];
  if (!Array.isArray(features)) throw new Error("the file is not a JSON list of features");
  return features.flatMap((feature) =>
    (feature?.elements ?? []).flatMap(({ name = "", type = "scenario", steps = [] }): ReadTestCase[] => {
      if (type === "background") return [];
      const results = steps.map((step) => step.result ?? {});
      const has = (...statuses: string[]): boolean => results.some((r) => statuses.includes(String(r.status)));
      const status: TestStatus = has("failed", "ambiguous")
        ? "FAILED"
        : has("undefined", "pending")
          ? "UNKNOWN"
          : has("skipped")
            ? "SKIPPED"
            : "SUCCEEDED";
      const nanoseconds = results.reduce((sum, r) => sum + amount(String(r.duration ?? 0), 1), 0);
      const suite = String(feature.name ?? "");
      return [
        {
          name: String(name),
          prefix: suite,
          suite,
          status,
          nanoseconds,
          ...message(results.map((r) => r.error_message)),
        },
      ];
    }),
  );
}

function message(parts: readonly (string | undefined)[]): { message?: string } {
  const text = parts
    .map((part) => (typeof part === "string" ? part.trim() : ""))
    .filter(Boolean)
    .join("\n");
  return text ? { message: text.slice(0, MAX_TEXT) } : {};
}
