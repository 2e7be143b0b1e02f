import { posix } from "node:path";
import { generationOf, type Generation } from "../services/codestar/generation.ts";
import { EXPORTED_TEMPLATE, releaseTemplate } from "../services/codestar/release-template.ts";

const { dirname, join } = posix;
const BUILDSPECS = ["buildspec.yml", "buildspec.yaml"];
const TEMPLATES = [
  "template.yml",
  "template.yaml",
  "sam.yml",
  "sam.yaml",
  "sam-template.yml",
  "sam-template.yaml",
  "cloudformation.yml",
  "cloudformation.yaml",
];
const CONFIGURATION = "template-configuration.json";
/** A template in a folder of a repository, as `sam init` leaves one. */
const NESTED_TEMPLATE = /^(?!node_modules\/|\.)[^\s'"$`\\;&|<>()]{1,200}\/template\.ya?ml$/;
const NESTED_BUILDSPEC = /^(?!node_modules\/|\.)[^\s'"$`\\;&|<>()]{1,200}\/buildspec\.ya?ml$/;

/** A repository's files, as far as they tell how it is built and deployed. */
export interface RepositoryFiles {
  /** The text of a file, by its path. */
  text(path: string): string | undefined;
  /** The paths of all files, where they can be listed. */
  paths?(): readonly string[];
}

/** What a repository asks of its project: the toolchain's generation, or why no project can be made of it. */
export type Description =
  | { readonly generation: Generation; readonly note?: string; readonly refusal?: undefined }
  | { readonly refusal: string };

/** Reads off a repository's files how it is built and deployed; one without a buildspec gets one of ours for its template. */
export function describeRepository(files: RepositoryFiles): Description {
  const buildspecFile = BUILDSPECS.find((name) => files.text(name) !== undefined) ?? nestedBuildspec(files);
  if (buildspecFile === undefined) return withoutBuildspec(files);
  const buildspec = files.text(buildspecFile) ?? "";
  const { source, deploysItself } = releaseTemplate(buildspec);
  if (deploysItself)
    return {
      refusal:
        `deploys in its build (${buildspecFile}), but a project's pipeline deploys what the build leaves: end the build with ` +
        `"aws cloudformation package … --s3-bucket $S3_BUCKET --output-template-file ${EXPORTED_TEMPLATE}" in place of the deployment, and name ${EXPORTED_TEMPLATE} in artifacts/files; or make a CodeBuild project of your own of it`,
    };
  const folder = dirname(buildspecFile);
  const named = source === undefined ? undefined : (files.text(source) ?? files.text(join(folder, source)));
  const generation = generationOf({
    template: named ?? templateIn(files, folder)?.text ?? "",
    buildspec,
    hasTemplateConfiguration: files.text(CONFIGURATION) !== undefined,
  });
  if (generation.machine) return refuseMachine(generation.machine);
  const other = buildspecFile === BUILDSPECS[0] ? {} : { buildspec: buildspecFile };
  return { generation: { ...withConfiguration(files, generation), ...other } };
}

const refuseMachine = (type: string): Description => ({
  refusal: `deploys to virtual machines (${type} in its template), which Starling does not have: it runs functions and static pages`,
});

function withoutBuildspec(files: RepositoryFiles): Description {
  const nested = nestedTemplates(files);
  const template = templateIn(files, ".") ?? (nested.length === 1 ? found(files, nested[0]) : undefined);
  if (!template && nested.length > 1)
    return {
      refusal: `has no buildspec.yml, and more than one template (${nested.slice(0, 3).join(", ")}${nested.length > 3 ? ", …" : ""}): add a buildspec.yml that packages one of them as ${EXPORTED_TEMPLATE}`,
    };
  if (!template)
    return {
      refusal: `has neither a buildspec.yml nor a template (${TEMPLATES.slice(0, 2).join(", ")}): a project's build follows the one, and leaves the other packaged as ${EXPORTED_TEMPLATE}`,
    };
  if (!/^["']?Resources["']?\s*:|"Resources"\s*:/m.test(template.text))
    return {
      refusal: `has no buildspec.yml, and its ${template.path} is no CloudFormation template: it has no Resources`,
    };
  const hasConfiguration = files.text(CONFIGURATION) !== undefined;
  const buildspec = buildspecFor(template.path, { hasConfiguration, isMadeByNpm: isMadeByNpm(files, template) });
  const generation = generationOf({ template: template.text, buildspec, hasTemplateConfiguration: hasConfiguration });
  if (generation.machine) return refuseMachine(generation.machine);
  return {
    generation: { ...withConfiguration(files, generation), buildspec },
    note: `no buildspec.yml: builds run "sam build" and "sam package" on ${template.path}`,
  };
}

/** Without the parameters that the template's configuration gives values to. One that cannot be read is the deployment's to refuse. */
function withConfiguration(files: RepositoryFiles, generation: Generation): Generation {
  const { neededParameters: needed, ...others } = generation;
  if (!needed || !generation.hasTemplateConfiguration) return generation;
  let given: unknown;
  try {
    given = JSON.parse(files.text(CONFIGURATION) ?? "")?.Parameters ?? {};
  } catch {
    return others;
  }
  const left = needed.filter((name) => typeof given !== "object" || given === null || !(name in given));
  return left.length > 0 ? { ...others, neededParameters: left } : others;
}

interface Found {
  readonly path: string;
  readonly text: string;
}

function templateIn(files: RepositoryFiles, folder: string): Found | undefined {
  for (const path of TEMPLATES.map((name) => join(folder, name))) {
    const text = files.text(path);
    if (text !== undefined) return { path, text };
  }
  return undefined;
}

function found(files: RepositoryFiles, path: string | undefined): Found | undefined {
  const text = path === undefined ? undefined : files.text(path);
  return path === undefined || text === undefined ? undefined : { path, text };
}

/** The templates that are nearest to the root. */
const nestedTemplates = (files: RepositoryFiles): string[] => nearest(files, NESTED_TEMPLATE);

/** The only buildspec that is nearest to the root of a repository without a template there. */
function nestedBuildspec(files: RepositoryFiles): string | undefined {
  const [file, ...others] = templateIn(files, ".") ? [] : nearest(files, NESTED_BUILDSPEC);
  return others.length > 0 ? undefined : file;
}

/** The paths of a kind that are nearest to the root. */
function nearest(files: RepositoryFiles, kind: RegExp): string[] {
  const depth = (path: string): number => path.split("/").length;
  const nested = (files.paths?.() ?? []).filter((path) => kind.test(path) && depth(path) <= 4);
  const least = Math.min(...nested.map(depth));
  return nested.filter((path) => depth(path) === least);
}

/** Whether the template names code that is not in the repository, and that the build script of its package.json makes. */
function isMadeByNpm(files: RepositoryFiles, { path, text }: Found): boolean {
  const manifest = files.text("package.json");
  if (manifest === undefined || !/"build"\s*:\s*"/.test(manifest)) return false;
  const paths = files.paths?.() ?? [];
  const base = dirname(path);
  const named = [...text.matchAll(/^\s*(?:CodeUri|ContentUri):\s*["']?([\w./-]{1,200})["']?\s*(?:#.*)?$/gm)];
  return named.some(([, uri = ""]) => {
    const code = join(base, uri).replace(/\/$/, "");
    return code !== "." && !paths.some((file) => file === code || file.startsWith(`${code}/`));
  });
}

function buildspecFor(template: string, has: { hasConfiguration: boolean; isMadeByNpm: boolean }): string {
  const lines = [
    "version: 0.2",
    "phases:",
    "  build:",
    "    commands:",
    ...(has.isMadeByNpm ? ["      - npm install", "      - npm run build"] : []),
    `      - sam build --template-file ${template}`,
    `      - sam package --s3-bucket $S3_BUCKET --output-template-file ${EXPORTED_TEMPLATE}`,
    ...(has.hasConfiguration
      ? [
          `      - sed -i "s|[$]PARTITION[$]|$PARTITION|g;s|[$]AWS_REGION[$]|$AWS_REGION|g;s|[$]ACCOUNT_ID[$]|$ACCOUNT_ID|g;s|[$]PROJECT_ID[$]|$PROJECT_ID|g" ${CONFIGURATION}`,
        ]
      : []),
    "artifacts:",
    "  files:",
    `    - ${EXPORTED_TEMPLATE}`,
    ...(has.hasConfiguration ? [`    - ${CONFIGURATION}`] : []),
  ];
  return `${lines.join("\n")}\n`;
}

export type { Generation };
