import type { XmlElement } from "../../../aws/protocol/xml-parser.ts";
import { below, child, xml } from "./report-xml.ts";

/** How much of a file, or of all of them, tests went through. */
export interface Counts {
  readonly linesCovered: number;
  readonly linesMissed: number;
  readonly branchesCovered: number;
  readonly branchesMissed: number;
}

/** How much of one file tests went through. */
export interface FileCoverage extends Counts {
  readonly filePath: string;
}

/** Counts with their percentages, as CodeBuild shows them. */
export interface Coverage extends Counts {
  readonly lineCoveragePercentage: number;
  readonly branchCoveragePercentage: number;
}

const READERS: Readonly<Record<string, (text: string) => FileCoverage[]>> = {
  CLOVERXML: (text) => below(xml(text), "file").map(({ element }) => cloverFile(element)),
  COBERTURAXML: (text) => below(xml(text), "class").map(({ element }) => coberturaClass(element)),
  JACOCOXML: (text) =>
    below(xml(text), "sourcefile").map(({ element, parents }) => jacocoFile(element, parents.at(-1))),
  SIMPLECOV: simpleCovFiles,
};

/** The formats of code coverage that can be read. */
export const isCoverageFormat = (format: string): boolean => Object.hasOwn(READERS, format.toUpperCase());

/** The files of a report; throws where its file is not of the format. Classes of one file count together. */
export function readCoverage(format: string, text: string): FileCoverage[] {
  const files = new Map<string, FileCoverage>();
  for (const file of READERS[format.toUpperCase()]!(text)) {
    const before = files.get(file.filePath);
    files.set(file.filePath, before ? { filePath: file.filePath, ...sumOf([before, file]) } : file);
  }
  return [...files.values()];
}

/** What all files have together. */
export function sumOf(files: readonly Counts[]): Counts {
  const sum = (key: keyof Counts): number => files.reduce((total, file) => total + file[key], 0);
  return {
    linesCovered: sum("linesCovered"),
    linesMissed: sum("linesMissed"),
    branchesCovered: sum("branchesCovered"),
    branchesMissed: sum("branchesMissed"),
  };
}

/** Counts with percentages of two decimals; of nothing it is none. */
export function withPercentages(counts: Counts): Coverage {
  const { linesCovered, linesMissed, branchesCovered, branchesMissed } = counts;
  return {
    lineCoveragePercentage: percentage(linesCovered, linesMissed),
    linesCovered,
    linesMissed,
    branchCoveragePercentage: percentage(branchesCovered, branchesMissed),
    branchesCovered,
    branchesMissed,
  };
}

const percentage = (covered: number, missed: number): number =>
  covered + missed === 0 ? 0 : Math.round((10_000 * covered) / (covered + missed)) / 100;

const count = (text: string | undefined): number => {
  const value = Number(text ?? 0);
  return Number.isSafeInteger(value) && value > 0 ? value : 0;
};

function cloverFile(element: XmlElement): FileCoverage {
  const { path, name = "" } = element.attributes;
  const metrics = child(element, "metrics")?.attributes ?? {};
  const linesCovered = count(metrics["coveredstatements"]);
  const branchesCovered = count(metrics["coveredconditionals"]);
  return {
    filePath: path ?? name,
    linesCovered,
    linesMissed: Math.max(0, count(metrics["statements"]) - linesCovered),
    branchesCovered,
    branchesMissed: Math.max(0, count(metrics["conditionals"]) - branchesCovered),
  };
}

/** Lines of methods stand again among those of their class, which are the ones that count. */
function coberturaClass(element: XmlElement): FileCoverage {
  const counts = { linesCovered: 0, linesMissed: 0, branchesCovered: 0, branchesMissed: 0 };
  for (const line of child(element, "lines")?.children ?? []) {
    counts[count(line.attributes["hits"]) > 0 ? "linesCovered" : "linesMissed"]++;
    const [, covered, all] = /\((\d{1,9})\/(\d{1,9})\)/.exec(line.attributes["condition-coverage"] ?? "") ?? [];
    counts.branchesCovered += Math.min(count(covered), count(all));
    counts.branchesMissed += Math.max(0, count(all) - count(covered));
  }
  return { filePath: element.attributes["filename"] ?? element.attributes["name"] ?? "", ...counts };
}

function jacocoFile(element: XmlElement, parent: XmlElement | undefined): FileCoverage {
  const counter = (type: string) =>
    element.children.find((one) => one.name === "counter" && one.attributes["type"] === type)?.attributes ?? {};
  const [lines, branches] = [counter("LINE"), counter("BRANCH")];
  return {
    filePath: [parent?.attributes["name"], element.attributes["name"]].filter(Boolean).join("/"),
    linesCovered: count(lines["covered"]),
    linesMissed: count(lines["missed"]),
    branchesCovered: count(branches["covered"]),
    branchesMissed: count(branches["missed"]),
  };
}

/** SimpleCov's result set: for each command the hits of each line of each file, and of each branch where it counts them. */
function simpleCovFiles(text: string): FileCoverage[] {
  const commands: unknown = JSON.parse(text);
  if (!isObject(commands)) throw new Error("the file is not a JSON object of SimpleCov's results");
  return Object.values(commands).flatMap((command) => {
    const coverage = isObject(command) ? command["coverage"] : undefined;
    if (!isObject(coverage)) throw new Error("a result of the file has no coverage");
    return Object.entries(coverage).map(([filePath, file]) => {
      const { lines = file, branches = {} } = isObject(file) ? file : {};
      const [line, branch] = [hits(Array.isArray(lines) ? lines : []), hits(branchHits(branches))];
      return {
        filePath,
        linesCovered: line.covered,
        linesMissed: line.missed,
        branchesCovered: branch.covered,
        branchesMissed: branch.missed,
      };
    });
  });
}

const branchHits = (branches: unknown): unknown[] =>
  isObject(branches) ? Object.values(branches).flatMap((one) => (isObject(one) ? Object.values(one) : [])) : [];

/** Lines that are no code have no number. */
function hits(numbers: readonly unknown[]): { covered: number; missed: number } {
  const counted = numbers.filter((one) => typeof one === "number");
  const covered = counted.filter((one) => one > 0).length;
  return { covered, missed: counted.length - covered };
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
