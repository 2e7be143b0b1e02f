import { parseBuildspec, type Buildspec } from "../../engines/buildspec/index.ts";

/** What CodeStar's builds leave for the deployment. */
export const EXPORTED_TEMPLATE = "template-export.yml";

const PACKAGES = /\b(?:aws\s+cloudformation|sam)\s+package\b/;
const DEPLOYS = /\b(?:aws\s+cloudformation\s+(?:deploy|create-stack|update-stack)|sam\s+deploy)\b/;

/** What a buildspec says of the template that it packages. */
export interface ReleaseTemplate {
  /** Where the packaged template is in the build's artifact. */
  readonly exported: string;
  /** The file of the repository that it is made of, where the command names one. */
  readonly source?: string;
  /** The build deploys by itself, and leaves no template. */
  readonly deploysItself?: boolean;
}

/** Reads off a buildspec which template its build leaves for the deployment. A buildspec that cannot be read is the build's to refuse. */
export function releaseTemplate(buildspec: string): ReleaseTemplate {
  const { spec } = parseBuildspec(buildspec);
  if (!spec) return { exported: EXPORTED_TEMPLATE };
  const commands = Object.values(spec.phases)
    .flatMap((phase) => [...phase.commands, ...phase.finally])
    .map((command) => withVariables(command.replace(/\\\n/g, " "), spec.env.variables));
  const all = commands.filter((command) => PACKAGES.test(command));
  // Of several, one that the artifacts hold; where they hold more, the first.
  const packaging = all.find((command) => isKept(spec, outputOf(command))) ?? all.at(-1) ?? "";
  const output = outputOf(packaging);
  const source = option(packaging, "template(?:-file)?") ?? /\ssam\s+package\b.*?\s-t\s+(\S+)/.exec(packaging)?.[1];
  const exported = exportedPath(spec, output);
  if (!exported && commands.some((command) => DEPLOYS.test(command)))
    return { exported: EXPORTED_TEMPLATE, deploysItself: true };
  return { exported: exported ?? EXPORTED_TEMPLATE, ...(source ? { source: plainPath(source) } : {}) };
}

const outputOf = (command: string): string | undefined => option(command, "output-template(?:-file)?");

/** Whether a file that a command makes is among the artifacts by its name. */
const isKept = ({ artifacts, env }: Buildspec, made: string | undefined): boolean =>
  made !== undefined &&
  artifacts?.files.some((file) => baseName(withVariables(file, env.variables)) === baseName(made)) === true;

/** The artifact that is the packaged template: of that name, or else the only template among the files. */
function exportedPath(spec: Buildspec, output: string | undefined): string | undefined {
  if (!spec.artifacts) return undefined;
  const { discardPaths, baseDirectory } = spec.artifacts;
  const files = spec.artifacts.files.map((file) => plainPath(withVariables(file, spec.env.variables)));
  const place = (file: string): string => (discardPaths ? baseName(file) : file);
  if (files.includes(EXPORTED_TEMPLATE)) return EXPORTED_TEMPLATE;
  const base = baseDirectory ? `${plainPath(baseDirectory)}/` : "";
  const made = output === undefined ? undefined : plainPath(output);
  const inBase = made?.startsWith(base) ? made.slice(base.length) : made;
  const templates = files.filter(
    (file) => /\.(?:ya?ml|json|template)$/.test(file) && !/[*?]|-configuration/.test(file),
  );
  const named = templates.find((file) => made !== undefined && baseName(file) === baseName(made));
  if (named) return place(named);
  if (inBase !== undefined && files.some((file) => file.includes("*"))) return place(inBase);
  return templates.length === 1 && templates[0] ? place(templates[0]) : undefined;
}

const baseName = (path: string): string => path.slice(path.lastIndexOf("/") + 1);
const plainPath = (path: string): string =>
  path.replace(/^(?:\.\/|\$\{?CODEBUILD_SRC_DIR\}?\/)+/, "").replace(/\/$/, "");

function withVariables(text: string, variables: Readonly<Record<string, string>>): string {
  return text.replace(/\$(?:\{(\w+)\}|(\w+))/g, (whole, braced, bare) => variables[braced ?? bare] ?? whole);
}

/** The value of an option of a command. */
function option(command: string, name: string): string | undefined {
  return new RegExp(`\\s--${name}(?:=|\\s+)(["']?)([^\\s"']+)\\1`).exec(command)?.[2];
}
