import type { Properties, ResourceType } from "../../../aws/service.ts";
import { codeOf } from "../../../kernel/aws-error.ts";

/** Members whose API name is not just the property's with a small first letter. */
const RENAMED: Readonly<Record<string, string>> = {
  BuildSpec: "buildspec",
  ArtifactIdentifier: "artifactIdentifier",
  S3Logs: "s3Logs",
  CloudWatchLogs: "cloudWatchLogs",
  SecondarySourceVersions: "secondarySourceVersions",
};
const BOOLEANS = new Set([
  "privilegedMode",
  "encryptionDisabled",
  "overrideArtifactName",
  "insecureSsl",
  "reportBuildStatus",
  "fetchSubmodules",
  "badgeEnabled",
  "combineArtifacts",
]);
const NUMBERS = new Set([
  "timeoutInMinutes",
  "queuedTimeoutInMinutes",
  "gitCloneDepth",
  "concurrentBuildLimit",
  "autoRetryLimit",
  "timeoutInMins",
  "maximumBuildsAllowed",
]);
const ENUMS = new Set(["type", "computeType", "packaging", "namespaceType", "status", "imagePullCredentialsType"]);
const COMPUTE = /^(BUILD_GENERAL1_)?(SMALL|MEDIUM|LARGE|XLARGE|2XLARGE)$/;
/** Properties that are no settings of the API's, or are refused unless they ask for nothing. */
const NOT_SETTINGS = new Set(["Tags", "Triggers", "Visibility", "ResourceAccessRole"]);

/** A property as the API takes it. Templates of CloudFormation's early days are loosely typed, and CloudFormation accepts them. */
export function toApi(value: unknown, name = ""): unknown {
  if (Array.isArray(value)) return value.map((one) => toApi(one));
  if (typeof value === "object" && value !== null) {
    const entries = Object.entries(value).filter(([, member]) => member !== undefined);
    return Object.fromEntries(entries.map(([key, member]) => [memberName(key), toApi(member, memberName(key))]));
  }
  if (BOOLEANS.has(name)) return String(value).toLowerCase() === "true";
  if (NUMBERS.has(name)) return Number(value);
  const text = String(value);
  if (!ENUMS.has(name)) return text;
  const upper = text === "linuxContainer" ? "LINUX_CONTAINER" : text.toUpperCase();
  return name === "computeType" && COMPUTE.test(upper) && !upper.startsWith("BUILD_")
    ? `BUILD_GENERAL1_${upper}`
    : upper;
}

const memberName = (key: string): string => RENAMED[key] ?? key.charAt(0).toLowerCase() + key.slice(1);

function settings(properties: Properties): Record<string, unknown> {
  const own = Object.fromEntries(Object.entries(properties).filter(([key]) => !NOT_SETTINGS.has(key)));
  return toApi(own) as Record<string, unknown>;
}

/** Tags as the API takes them. */
export const tagsOf = (tags: readonly { Key: string; Value: string }[] | undefined) =>
  (tags ?? []).map(({ Key, Value }) => ({ key: Key, value: String(Value) }));

/** AWS::CodeBuild::Project. */
export const codebuildProject: ResourceType = {
  type: "AWS::CodeBuild::Project",
  refuses: {
    "Triggers.Webhook": [],
    Visibility: ["PRIVATE"],
    ResourceAccessRole: [],
    "Environment.DockerServer": [],
    "Environment.HostKernel": [],
  },
  async create(ctx, properties) {
    const name = String(properties["Name"] ?? ctx.physicalName({ maxLength: 150, before: "" }));
    try {
      await ctx.withStackTags(properties["Tags"], (tags) =>
        ctx.call("codebuild", "CreateProject", { ...settings(properties), name, tags: tagsOf(tags) }),
      );
    } catch (error) {
      if (codeOf(error) !== "ResourceAlreadyExistsException" || !ctx.retried) throw error;
    }
    return name;
  },
  async update(ctx, id, next) {
    // What the template no longer has goes back to its default.
    const defaults = {
      description: "",
      secondarySources: [],
      secondaryArtifacts: [],
      secondarySourceVersions: [],
      cache: { type: "NO_CACHE" },
      timeoutInMinutes: 60,
      queuedTimeoutInMinutes: 480,
      sourceVersion: "",
      buildBatchConfig: {},
      concurrentBuildLimit: -1,
      encryptionKey: `arn:aws:kms:${ctx.region}:${ctx.account}:alias/aws/s3`,
      logsConfig: {},
    };
    await ctx.withStackTags(next["Tags"], (tags) =>
      ctx.call("codebuild", "UpdateProject", { ...defaults, ...settings(next), name: id, tags: tagsOf(tags) }),
    );
  },
  async remove(ctx, id) {
    await ctx.call("codebuild", "DeleteProject", { name: id });
  },
  attributes: async (ctx, id) => ({ Arn: `arn:aws:codebuild:${ctx.region}:${ctx.account}:project/${id}`, Id: id }),
};
