import assert from "node:assert/strict";
import { test } from "node:test";
import { canRead, readTestCases } from "./test-cases.ts";

const brief = (format: string, text: string) =>
  readTestCases(format, text).map((one) => [one.prefix, one.name, one.status, one.nanoseconds, one.message ?? ""]);

test("JUnit: nested suites, failures, errors, skipped tests", () => {
  const text = `<?xml version="1.0"?><testsuites><testsuite name="outer"><testsuite name="inner">
    <testcase classname="a.B" name="one" time="0.25"/>
    <testcase classname="a.B" name="two" time="1,000.5"><failure message="no">at &lt;x&gt;</failure></testcase>
    <testcase classname="a.B" name="three"><error><![CDATA[boom]]></error></testcase>
    <testcase classname="a.B" name="four"><skipped/></testcase></testsuite></testsuite></testsuites>`;
  assert.deepEqual(brief("JunitXml", text), [
    ["a.B", "one", "SUCCEEDED", 250_000_000, ""],
    ["a.B", "two", "FAILED", 1_000_500_000_000, "no\nat <x>"],
    ["a.B", "three", "ERROR", 0, "boom"],
    ["a.B", "four", "SKIPPED", 0, ""],
  ]);
  assert.equal(readTestCases("JUNITXML", text)[0]!.suite, "inner");
  assert.throws(() => readTestCases("JUNITXML", "not xml"));
});

test("Cucumber: a scenario is a test", () => {
  const text = JSON.stringify([
    {
      name: "F",
      elements: [
        { type: "background", name: "b", steps: [{ result: { status: "passed" } }] },
        { type: "scenario", name: "s1", steps: [{ result: { status: "passed", duration: 5 } }] },
        { name: "s2", steps: [{ result: { status: "failed", duration: 7, error_message: "no" } }] },
        { name: "s3", steps: [{ result: { status: "undefined" } }] },
      ],
    },
  ]);
  assert.deepEqual(brief("CUCUMBERJSON", text), [
    ["F", "s1", "SUCCEEDED", 5, ""],
    ["F", "s2", "FAILED", 7, "no"],
    ["F", "s3", "UNKNOWN", 0, ""],
  ]);
  assert.throws(() => readTestCases("CUCUMBERJSON", "{}"), /list of features/);
});

test("TestNG, NUnit and Visual Studio", () => {
  assert.deepEqual(
    brief(
      "TESTNGXML",
      `<testng-results><suite name="s"><test name="t"><class name="a.B">
        <test-method name="setUp" is-config="true" status="PASS"/>
        <test-method name="m" status="FAIL" duration-ms="3"><exception><message>no</message></exception></test-method>
      </class></test></suite></testng-results>`,
    ),
    [["a.B", "m", "FAILED", 3_000_000, "no"]],
  );
  assert.deepEqual(
    brief(
      "NUNIT3XML",
      `<test-run><test-suite name="s"><test-case name="m" fullname="a.B.m" classname="a.B" result="Passed" duration="0.5"/></test-suite></test-run>`,
    ),
    [["a.B", "m", "SUCCEEDED", 500_000_000, ""]],
  );
  assert.deepEqual(
    brief(
      "NUNITXML",
      `<test-results><test-suite name="s"><results><test-case name="a.B.m" executed="True" success="False" time="1"/></results></test-suite></test-results>`,
    ),
    [["a.B", "m", "FAILED", 1_000_000_000, ""]],
  );
  assert.deepEqual(
    brief(
      "VISUALSTUDIOTRX",
      `<TestRun><Results><UnitTestResult testName="a.B.m" outcome="NotExecuted" duration="00:00:01.5000000"/></Results></TestRun>`,
    ),
    [["a.B", "m", "SKIPPED", 1_500_000_000, ""]],
  );
  assert.equal(canRead("COBERTURAXML"), false);
});
