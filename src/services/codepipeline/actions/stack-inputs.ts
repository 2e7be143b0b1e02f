import { ActionFailure, inputNamed, type ActionContext } from "../action-run.ts";
import { readArtifactFile, readFileOf } from "../artifact-files.ts";
import { artifactBucket, type Artifact } from "../model.ts";

const MAX_INLINE = 51_200;
const MAX_TEMPLATE = 1024 * 1024;
const MAX_JSON = 256 * 1024;

/** What a template's stack or change set is made of besides its names. */
export interface StackInputs {
  readonly TemplateBody?: string;
  readonly TemplateURL?: string;
  readonly Parameters: readonly { readonly ParameterKey: string; readonly ParameterValue: string }[];
  readonly Tags: readonly { readonly Key: string; readonly Value: string }[];
  readonly Capabilities: readonly string[];
  readonly RoleARN?: string;
  readonly StackPolicyBody?: string;
}

/** Template, parameters, tags and the rest, from the action's configuration and its input artifacts. */
export async function inputsOf(action: ActionContext): Promise<StackInputs> {
  const { configuration } = action;
  const template = await readArtifactFile(action, String(configuration["TemplatePath"]), MAX_TEMPLATE);
  const settings = configuration["TemplateConfiguration"]
    ? await templateConfiguration(action, configuration["TemplateConfiguration"])
    : {};
  const parameters = { ...settings.Parameters, ...(await overrides(action)) };
  return {
    ...(Buffer.byteLength(template) <= MAX_INLINE
      ? { TemplateBody: template }
      : { TemplateURL: await uploaded(action, template) }),
    Parameters: Object.entries(parameters).map(([ParameterKey, value]) => ({
      ParameterKey,
      ParameterValue: textOf(value),
    })),
    Tags: Object.entries(settings.Tags ?? {}).map(([Key, value]) => ({ Key, Value: textOf(value) })),
    Capabilities: (configuration["Capabilities"] ?? "")
      .split(",")
      .map((one) => one.trim())
      .filter(Boolean),
    ...(configuration["RoleArn"] ? { RoleARN: configuration["RoleArn"] } : {}),
    ...(settings.StackPolicy ? { StackPolicyBody: JSON.stringify(settings.StackPolicy) } : {}),
  };
}

const textOf = (value: unknown): string =>
  Array.isArray(value)
    ? value.map(String).join(",")
    : typeof value === "object" && value !== null
      ? JSON.stringify(value)
      : String(value);

interface Settings {
  readonly Parameters?: Readonly<Record<string, unknown>>;
  readonly Tags?: Readonly<Record<string, unknown>>;
  readonly StackPolicy?: unknown;
}

async function templateConfiguration(action: ActionContext, place: string): Promise<Settings> {
  const settings = json(await readArtifactFile(action, place, MAX_JSON), place);
  for (const key of Object.keys(settings)) {
    if (!["Parameters", "Tags", "StackPolicy"].includes(key))
      throw new ActionFailure(
        "ConfigurationError",
        `${place} has the unknown member ${key}: a template configuration holds Parameters, Tags and StackPolicy`,
      );
  }
  return settings as Settings;
}

function json(text: string, what: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== "object" || value === null || Array.isArray(value)) throw new Error("it is not an object");
    return value as Record<string, unknown>;
  } catch (error) {
    throw new ActionFailure("ConfigurationError", `${what} is not valid JSON: ${(error as Error).message}`);
  }
}

async function overrides(action: ActionContext): Promise<Record<string, unknown>> {
  const text = action.configuration["ParameterOverrides"];
  if (!text) return {};
  const given = json(text, "ParameterOverrides");
  const values: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(given)) values[key] = await overrideValue(action, key, value);
  return values;
}

/** A plain value, `{"Fn::GetArtifactAtt": [artifact, attribute]}` or `{"Fn::GetParam": [artifact, file, key]}`. */
async function overrideValue(action: ActionContext, key: string, value: unknown): Promise<unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  const { "Fn::GetArtifactAtt": attribute, "Fn::GetParam": param } = value as Record<string, unknown>;
  if (Array.isArray(attribute))
    return artifactAttribute(inputNamed(action, String(attribute[0])), String(attribute[1]), action.role.region);
  if (Array.isArray(param)) {
    const [name, file, member] = param.map(String) as [string, string, string];
    const content = json(await readFileOf(action, inputNamed(action, name), file, MAX_JSON), `${name}::${file}`);
    if (!Object.hasOwn(content, member))
      throw new ActionFailure(
        "ConfigurationError",
        `${name}::${file} has no member ${member}, which the parameter ${key} takes`,
      );
    return content[member];
  }
  throw new ActionFailure(
    "ConfigurationError",
    `The override of the parameter ${key} must be a text, Fn::GetArtifactAtt or Fn::GetParam`,
  );
}

function artifactAttribute({ name, bucket, key }: Artifact, attribute: string, region: string): string {
  const values: Record<string, string> = {
    ArtifactName: name,
    BucketName: bucket,
    ObjectKey: key,
    URL: templateUrl(bucket, key, region),
  };
  if (!Object.hasOwn(values, attribute))
    throw new ActionFailure(
      "ConfigurationError",
      `Artifacts have no attribute ${attribute}: ArtifactName, BucketName, ObjectKey and URL are there`,
    );
  return values[attribute]!;
}

const templateUrl = (bucket: string, key: string, region: string): string =>
  `https://s3.${region}.amazonaws.com/${bucket}/${key}`;

/** A template that is too long to be sent lies in the artifact bucket. */
async function uploaded(action: ActionContext, template: string): Promise<string> {
  const bucket = artifactBucket(action.declaration, action.role.region);
  const key = `${action.declaration.name.slice(0, 20)}/templates/${action.run.id}`;
  await action.role.call("s3", "PutObject", { Bucket: bucket, Key: key, Body: Buffer.from(template) });
  return templateUrl(bucket, key, action.role.region);
}
