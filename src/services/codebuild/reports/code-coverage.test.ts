import assert from "node:assert/strict";
import { test } from "node:test";
import { isCoverageFormat, readCoverage, sumOf, withPercentages } from "./code-coverage.ts";

/** Path, lines covered and missed, branches covered and missed. */
const brief = (format: string, text: string) =>
  readCoverage(format, text).map((one) => [
    one.filePath,
    one.linesCovered,
    one.linesMissed,
    one.branchesCovered,
    one.branchesMissed,
  ]);

test("Clover: the statements and conditionals of each file, not those of its project", () => {
  const text = `<?xml version="1.0"?><coverage generated="1"><project><metrics statements="9" coveredstatements="9"/>
    <package name="a"><file name="x.js" path="/src/a/x.js"><metrics statements="3" coveredstatements="2" conditionals="2" coveredconditionals="1"/>
    <line num="1" count="1" type="stmt"/></file></package><file name="y.js"><metrics statements="1" coveredstatements="0"/></file></project></coverage>`;
  assert.deepEqual(brief("CloverXml", text), [
    ["/src/a/x.js", 2, 1, 1, 1],
    ["y.js", 0, 1, 0, 0],
  ]);
});

test("Cobertura: the lines of a class, not those of its methods again; classes of one file count together", () => {
  const lines = (...hits: number[]) =>
    `<lines>${hits.map((n, i) => `<line number="${i}" hits="${n}"/>`).join("")}</lines>`;
  const text = `<coverage><packages><package><classes>
    <class name="A" filename="a.py"><methods><method>${lines(1, 1)}</method></methods><lines>
      <line number="1" hits="2"/><line number="2" hits="0"/><line number="3" hits="1" branch="true" condition-coverage="50% (1/2)"/></lines></class>
    <class name="A$B" filename="a.py">${lines(0, 1)}</class>
    <class name="C" filename="c.py"><lines/></class></classes></package></packages></coverage>`;
  assert.deepEqual(brief("COBERTURAXML", text), [
    ["a.py", 3, 2, 1, 1],
    ["c.py", 0, 0, 0, 0],
  ]);
});

test("JaCoCo: the counters of each source file, with its package", () => {
  const text = `<report name="r"><group name="g"><package name="org/x"><class name="org/x/A"><counter type="LINE" missed="9" covered="9"/></class>
    <sourcefile name="A.java"><line nr="1"/><counter type="INSTRUCTION" missed="7" covered="1"/><counter type="LINE" missed="1" covered="4"/>
    <counter type="BRANCH" missed="2" covered="0"/></sourcefile></package></group></report>`;
  assert.deepEqual(brief("JACOCOXML", text), [["org/x/A.java", 4, 1, 0, 2]]);
});

test("SimpleCov: hits by line, with and without branches", () => {
  const text = JSON.stringify({
    RSpec: {
      coverage: {
        "/a.rb": { lines: [1, null, 0, 3, "ignored"], branches: { "[:if, 0]": { "[:then, 1]": 0, "[:else, 2]": 4 } } },
        "/b.rb": [null, 0],
      },
      timestamp: 1,
    },
  });
  assert.deepEqual(brief("simplecov", text), [
    ["/a.rb", 2, 1, 1, 1],
    ["/b.rb", 0, 1, 0, 0],
  ]);
  assert.throws(() => readCoverage("SIMPLECOV", '{"RSpec": {}}'), /no coverage/);
  assert.throws(() => readCoverage("SIMPLECOV", "[]"), /not a JSON object/);
});

test("percentages are of what there is", () => {
  const counts = { linesCovered: 2, linesMissed: 1, branchesCovered: 0, branchesMissed: 0 };
  const { lineCoveragePercentage, branchCoveragePercentage } = withPercentages(sumOf([counts, counts]));
  assert.deepEqual([lineCoveragePercentage, branchCoveragePercentage], [66.67, 0]);
  assert.deepEqual(["JUNITXML", "constructor", "CoberturaXml"].map(isCoverageFormat), [false, false, true]);
});
