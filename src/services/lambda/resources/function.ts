import type { Properties, ResourceContext, ResourceType } from "../../../aws/service.ts";
import { AwsError, codeOf } from "../../../kernel/aws-error.ts";
import { inlineZip } from "../inline-zip.ts";
import { setRuntimeManagement } from "./runtime-management.ts";

const CODE = ["Code", "Architectures"];

function configuration(properties: Properties): Record<string, unknown> {
  const {
    Description,
    Handler,
    Runtime,
    Role,
    Timeout,
    MemorySize,
    Environment,
    Layers,
    TracingConfig,
    DeadLetterConfig,
    EphemeralStorage,
    LoggingConfig,
    VpcConfig,
    FileSystemConfigs,
    SnapStart,
  } = properties;
  const all = {
    Description,
    Handler,
    Runtime,
    Role,
    Timeout,
    MemorySize,
    Environment,
    Layers,
    TracingConfig,
    DeadLetterConfig,
    EphemeralStorage,
    LoggingConfig,
    VpcConfig,
    FileSystemConfigs,
    SnapStart,
  };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}

/** What UpdateFunctionConfiguration gets: a property that the template no longer has goes back to its default. */
function completeConfiguration(FunctionName: string, properties: Properties): Record<string, unknown> {
  const defaults = {
    Description: "",
    Timeout: 3,
    MemorySize: 128,
    Environment: { Variables: {} },
    Layers: [],
    TracingConfig: { Mode: "PassThrough" },
    EphemeralStorage: { Size: 512 },
    LoggingConfig: { LogFormat: "Text", LogGroup: `/aws/lambda/${FunctionName}` },
  };
  const { SnapStart: _s, ...given } = configuration(properties);
  return { ...defaults, ...given, ...(properties["DeadLetterConfig"] ? {} : { DeadLetterConfig: { TargetArn: "" } }) };
}

/** The code as CreateFunction takes it; inline code becomes a zip with `index.js` or `index.py`, and the module for custom resources where it names that. */
async function code(properties: Properties): Promise<Record<string, unknown>> {
  const given = (properties["Code"] ?? {}) as Record<string, unknown>;
  if (typeof given["ZipFile"] !== "string") return given;
  const runtime = String(properties["Runtime"] ?? "");
  const extension = runtime.startsWith("python") ? "py" : runtime.startsWith("nodejs") ? "js" : undefined;
  if (!extension)
    throw new AwsError(
      "ValidationError",
      `Code.ZipFile cannot be used with the runtime ${runtime}: only Node.js and Python take inline code.`,
      400,
    );
  return { ZipFile: await inlineZip(extension, given["ZipFile"]) };
}

const tagMap = (tags: readonly { Key: string; Value: string }[]) =>
  Object.fromEntries(tags.map((t) => [t.Key, t.Value]));

async function setConcurrency(
  ctx: ResourceContext,
  FunctionName: string,
  next: Properties,
  previous: Properties,
): Promise<void> {
  const reserved = next["ReservedConcurrentExecutions"];
  if (reserved !== undefined)
    await ctx.call("lambda", "PutFunctionConcurrency", {
      FunctionName,
      ReservedConcurrentExecutions: Number(reserved),
    });
  else if (previous["ReservedConcurrentExecutions"] !== undefined)
    await ctx.call("lambda", "DeleteFunctionConcurrency", { FunctionName });
}

/** What has an operation of its own, and its default where the template no longer says anything of it. */
async function setOthers(
  ctx: ResourceContext,
  FunctionName: string,
  next: Properties,
  previous: Properties,
): Promise<void> {
  if (next["RecursiveLoop"] !== previous["RecursiveLoop"])
    await ctx.call("lambda", "PutFunctionRecursionConfig", {
      FunctionName,
      RecursiveLoop: next["RecursiveLoop"] ?? "Terminate",
    });
  await setRuntimeManagement(
    ctx,
    { FunctionName },
    next["RuntimeManagementConfig"],
    previous["RuntimeManagementConfig"],
  );
}

async function setSigning(
  ctx: ResourceContext,
  FunctionName: string,
  next: Properties,
  previous: Properties,
): Promise<void> {
  const CodeSigningConfigArn = next["CodeSigningConfigArn"] as string | undefined;
  if (CodeSigningConfigArn === previous["CodeSigningConfigArn"]) return;
  if (CodeSigningConfigArn === undefined) await ctx.call("lambda", "DeleteFunctionCodeSigningConfig", { FunctionName });
  else await ctx.call("lambda", "PutFunctionCodeSigningConfig", { FunctionName, CodeSigningConfigArn });
}

/** AWS::Lambda::Function. */
export const lambdaFunction: ResourceType = {
  type: "AWS::Lambda::Function",
  refuses: {
    CapacityProviderConfig: [],
    "Code.SourceKMSKeyArn": [],
    DurableConfig: [],
    FunctionScalingConfig: [],
    ImageConfig: [],
    KmsKeyArn: [],
    PublishToLatestPublished: [],
    TenancyConfig: [],
    "Code.S3ObjectStorageMode": ["COPY"],
  },
  async create(ctx, properties) {
    const FunctionName = String(properties["FunctionName"] ?? ctx.physicalName({ maxLength: 64 }));
    const input = {
      FunctionName,
      ...configuration(properties),
      Code: await code(properties),
      ...(properties["Architectures"] ? { Architectures: properties["Architectures"] } : {}),
      PackageType: properties["PackageType"],
      CodeSigningConfigArn: properties["CodeSigningConfigArn"],
    };
    try {
      await ctx.withStackTags(properties["Tags"], (tags) =>
        ctx.call("lambda", "CreateFunction", { ...input, ...(tags.length ? { Tags: tagMap(tags) } : {}) }),
      );
    } catch (error) {
      if (codeOf(error) !== "ResourceConflictException" || !ctx.retried) throw error;
    }
    await setConcurrency(ctx, FunctionName, properties, {});
    await setOthers(ctx, FunctionName, properties, {});
    return FunctionName;
  },
  async update(ctx, id, next, previous) {
    const architectures: unknown = next["Architectures"] ?? (previous["Architectures"] && ["x86_64"]);
    if (CODE.some((name) => JSON.stringify(next[name]) !== JSON.stringify(previous[name]))) {
      await ctx.call("lambda", "UpdateFunctionCode", {
        FunctionName: id,
        ...(await code(next)),
        ...(architectures ? { Architectures: architectures } : {}),
      });
    }
    const wanted = completeConfiguration(id, next);
    if (JSON.stringify(wanted) !== JSON.stringify(completeConfiguration(id, previous)))
      await ctx.call("lambda", "UpdateFunctionConfiguration", { FunctionName: id, ...wanted });
    await setConcurrency(ctx, id, next, previous);
    await setSigning(ctx, id, next, previous);
    await setOthers(ctx, id, next, previous);
    await setTags(ctx, id, next, previous);
  },
  async remove(ctx, id) {
    await ctx.call("lambda", "DeleteFunction", { FunctionName: id }).catch((error: unknown) => {
      if (codeOf(error) !== "ResourceNotFoundException") throw error;
    });
  },
  attributes: async (ctx, id) => ({ Arn: `arn:aws:lambda:${ctx.region}:${ctx.account}:function:${id}` }),
};

async function setTags(ctx: ResourceContext, id: string, next: Properties, previous: Properties): Promise<void> {
  if (JSON.stringify(next["Tags"]) === JSON.stringify(previous["Tags"])) return;
  const Resource = `arn:aws:lambda:${ctx.region}:${ctx.account}:function:${id}`;
  const wanted = tagMap(next["Tags"] ?? []);
  const gone = Object.keys(tagMap(previous["Tags"] ?? [])).filter((key) => !(key in wanted));
  if (gone.length) await ctx.call("lambda", "UntagResource", { Resource, TagKeys: gone });
  if (Object.keys(wanted).length) await ctx.call("lambda", "TagResource", { Resource, Tags: wanted });
}
