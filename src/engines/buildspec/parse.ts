import type { JsonObject, JsonValue } from "../yaml/index.ts";
import { isObject, readYaml } from "../yaml/index.ts";
import type {
  ArtifactSpec,
  BuildPhase,
  Buildspec,
  BuildspecFault,
  OnFailure,
  PhaseName,
  ReportSpec,
} from "./buildspec.ts";
import { readBatch } from "./batch.ts";
import { PHASES } from "./buildspec.ts";
import { Fault, flag, list, map, optionalText, texts } from "./values.ts";

const MAX_UNKNOWN = 20;
const LIMITS = { maxCharacters: 1_000_000, maxDepth: 40, maxNodes: 20_000 };
/** Keys by the path of the map that they are in; `*` stands for any name. "type" is of the first buildspecs and means nothing any more. */
const ARTIFACT_KEYS = "files name discard-paths base-directory exclude-paths enable-symlinks s3-prefix type";
const KEYS: Readonly<Record<string, ReadonlySet<string>>> = Object.fromEntries(
  Object.entries({
    "": "version run-as env environment_variables proxy batch phases reports artifacts cache",
    "/env": "shell variables parameter-store secrets-manager exported-variables git-credential-helper",
    "/phases/*": "run-as on-failure runtime-versions commands finally steps",
    "/artifacts": `${ARTIFACT_KEYS} secondary-artifacts`,
    "/artifacts/secondary-artifacts/*": ARTIFACT_KEYS,
  }).map(([path, names]) => [path, new Set(names.split(" "))]),
);
const SHELLS = new Set(["bash", "/bin/sh", "sh", "powershell.exe", "pwsh.exe"]);

/** Reads a buildspec of version 0.1 or 0.2. The fault is in CodeBuild's words, with the line. */
export function parseBuildspec(
  text: string,
):
  | { readonly spec: Buildspec; readonly fault?: undefined }
  | { readonly spec?: undefined; readonly fault: BuildspecFault } {
  const read = readYaml(text, undefined, LIMITS);
  if ("fault" in read) {
    const { line, message } = read.fault;
    return { fault: { code: "YAML_FILE_ERROR", message: `yaml: line ${line}: ${message}`, path: "", line } };
  }
  try {
    return { spec: readSpec(read.value) };
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    const line = read.lineOf(error.path);
    const where = line === undefined ? "" : ` at line ${line}`;
    return {
      fault: {
        code: "YAML_FILE_ERROR",
        message: `${error.message}${where}`,
        path: error.path,
        ...(line !== undefined && { line }),
      },
    };
  }
}

function readSpec(value: JsonValue): Buildspec {
  if (!isObject(value)) throw new Fault("The buildspec file is empty or not a map", "");
  const version = readVersion(value.version);
  const batch = value.batch === undefined || value.batch === null ? undefined : readBatch(value.batch);
  const phases = map(value.phases, "/phases");
  for (const name of Object.keys(phases)) {
    if (!(PHASES as readonly string[]).includes(name))
      throw new Fault(`Invalid buildspec phase name: ${name}. Expecting: ${PHASES.join(",")}`, `/phases/${name}`);
  }
  const read: Partial<Record<PhaseName, BuildPhase>> = {};
  for (const name of PHASES)
    if (phases[name] !== undefined && phases[name] !== null) read[name] = readPhase(phases[name], name);
  const install = isObject(phases.install) ? phases.install : {};
  const runAs = optionalText(value["run-as"], "/run-as");
  const artifacts = readArtifacts(value.artifacts);
  return {
    version,
    ...(runAs !== undefined && { runAs }),
    env: readEnv(value.env ?? (version === "0.1" ? firstEnv(value.environment_variables) : undefined)),
    runtimeVersions: texts(install["runtime-versions"], "/phases/install/runtime-versions"),
    phases: read,
    ...artifacts,
    reports: readReports(value.reports),
    cache: readCache(value.cache),
    ...(batch && { batch }),
    unknownKeys: unknownKeys(value),
  };
}

/** Keys that mean nothing, as paths. Anchors are kept under such keys, and people misspell: a build goes on, and its log names them. */
function unknownKeys(value: JsonObject): string[] {
  const found: string[] = [];
  const look = (node: JsonValue | undefined, path: string, pattern: string): void => {
    if (!isObject(node)) return;
    for (const [key, child] of Object.entries(node)) {
      if (KEYS[pattern] && !KEYS[pattern].has(key)) found.push(`${path}/${key}`);
      else look(child, `${path}/${key}`, `${pattern}/${pattern in KEYS ? key : "*"}`);
    }
  };
  look(value, "", "");
  return found.slice(0, MAX_UNKNOWN);
}

function readVersion(value: JsonValue | undefined): "0.1" | "0.2" {
  const text = String(value ?? "");
  if (text === "0.1" || text === "0.2") return text;
  if (value === undefined) throw new Fault('Missing "version" in the buildspec: expecting 0.1 or 0.2', "");
  throw new Fault(`Invalid buildspec version ${text}: expecting 0.1 or 0.2`, "/version");
}

/** What `env` was called in version 0.1. */
const firstEnv = (value: JsonValue | undefined): JsonValue => ({
  variables: map(value, "/environment_variables").plaintext ?? null,
});

function readEnv(value: JsonValue | undefined): Buildspec["env"] {
  const env = map(value, "/env");
  const shell = optionalText(env.shell, "/env/shell") ?? "sh";
  if (!SHELLS.has(shell)) throw new Fault(`Invalid shell ${shell}: expecting ${[...SHELLS].join(", ")}`, "/env/shell");
  const helper = String(env["git-credential-helper"] ?? "no").toLowerCase();
  return {
    shell,
    variables: texts(env.variables, "/env/variables"),
    parameterStore: texts(env["parameter-store"], "/env/parameter-store"),
    secretsManager: texts(env["secrets-manager"], "/env/secrets-manager"),
    exportedVariables: list(env["exported-variables"], "/env/exported-variables"),
    gitCredentialHelper: helper === "yes" || helper === "true",
  };
}

function readPhase(value: JsonValue, name: PhaseName): BuildPhase {
  const path = `/phases/${name}`;
  const phase = map(value, path);
  const runAs = optionalText(phase["run-as"], `${path}/run-as`);
  return {
    commands: commands(phase.commands, `${path}/commands`, "Commands"),
    finally: commands(phase.finally, `${path}/finally`, "Finally"),
    onFailure: readOnFailure(phase["on-failure"], `${path}/on-failure`),
    ...(runAs !== undefined && { runAs }),
  };
}

function commands(value: JsonValue | undefined, path: string, word: string): string[] {
  if (value === undefined || value === null) return [];
  if (typeof value === "string") return [value];
  if (!Array.isArray(value)) throw new Fault(`Expected ${word} to be a list of strings`, path);
  return value.map((item, i) => {
    const at = `${path}/${i}`;
    if (isObject(item))
      throw new Fault(`Expected ${word}[${i}] to be of string type: found subkeys instead, quote the command`, at);
    if (item === null || Array.isArray(item))
      throw new Fault(
        `Expected ${word}[${i}] to be of string type: found ${item === null ? "nothing" : "a list"} instead`,
        at,
      );
    return String(item);
  });
}

function readOnFailure(value: JsonValue | undefined, path: string): OnFailure {
  if (value === undefined) return { kind: "ABORT" };
  const text = String(value);
  if (text === "ABORT" || text === "CONTINUE") return { kind: text };
  const retry = /^RETRY(?:-(\d{1,2}))?(?:-(.+))?$/.exec(text);
  if (!retry) throw new Fault(`Invalid on-failure ${text}: expecting ABORT, CONTINUE or RETRY`, path);
  const times = retry[1] === undefined ? 3 : Number(retry[1]);
  if (times < 1 || times > 100) throw new Fault("The retry count of on-failure must be from 1 to 100", path);
  return { kind: "RETRY", times, ...(retry[2] !== undefined && { pattern: retry[2] }) };
}

function readArtifacts(value: JsonValue | undefined): Pick<Buildspec, "artifacts" | "secondaryArtifacts"> {
  if (value === undefined || value === null) return { secondaryArtifacts: {} };
  const section = map(value, "/artifacts");
  const secondary: Record<string, ArtifactSpec> = {};
  for (const [name, one] of Object.entries(map(section["secondary-artifacts"], "/artifacts/secondary-artifacts"))) {
    const path = `/artifacts/secondary-artifacts/${name}`;
    secondary[name] = readArtifact(map(one, path), path);
  }
  const own =
    section.files === undefined && Object.keys(secondary).length > 0
      ? {}
      : { artifacts: readArtifact(section, "/artifacts") };
  return { ...own, secondaryArtifacts: secondary };
}

function readArtifact(value: JsonObject, path: string): ArtifactSpec {
  const files = list(value.files, `${path}/files`);
  if (files.length === 0) throw new Fault("Expected artifacts to have at least one entry in files", path);
  const name = optionalText(value.name, `${path}/name`);
  const base = optionalText(value["base-directory"], `${path}/base-directory`);
  return {
    files,
    excludePaths: list(value["exclude-paths"], `${path}/exclude-paths`),
    discardPaths: flag(value["discard-paths"]),
    symlinkPreserve: flag(value["enable-symlinks"]),
    ...(name !== undefined && { name }),
    ...(base !== undefined && { baseDirectory: base }),
  };
}

function readReports(value: JsonValue | undefined): ReportSpec[] {
  return Object.entries(map(value, "/reports")).map(([group, one]) => {
    const path = `/reports/${group}`;
    const report = map(one, path);
    const base = optionalText(report["base-directory"], `${path}/base-directory`);
    return {
      group,
      files: list(report.files, `${path}/files`),
      discardPaths: flag(report["discard-paths"]),
      fileFormat: optionalText(report["file-format"], `${path}/file-format`) ?? "JUNITXML",
      ...(base !== undefined && { baseDirectory: base }),
    };
  });
}

function readCache(value: JsonValue | undefined): Buildspec["cache"] {
  const cache = map(value, "/cache");
  const key = optionalText(cache.key, "/cache/key");
  return {
    paths: list(cache.paths, "/cache/paths"),
    fallbackKeys: list(cache["fallback-keys"], "/cache/fallback-keys"),
    ...(key !== undefined && { key }),
  };
}
