import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import type * as CodeDeploy from "@aws-sdk/client-codedeploy";
import type { Context } from "../../aws/context.ts";
import { isObject, readJson, readYaml } from "../../engines/yaml/index.ts";
import { notImplemented } from "../../kernel/aws-error.ts";
import { readWithin } from "../../kernel/read-within.ts";
import { MAX_APPSPEC } from "./limits.ts";
import { bad, type LambdaShift } from "./model.ts";

const LIMITS = { maxCharacters: MAX_APPSPEC, maxDepth: 20, maxNodes: 2_000 };

/** The AppSpec of a revision: given as text, or in S3, which is read as the caller. */
export async function readRevision(
  ctx: Context<any>,
  revision: CodeDeploy.RevisionLocation | undefined,
): Promise<LambdaShift> {
  if (!revision?.revisionType) throw bad("RevisionRequiredException", "Revision is required");
  if (revision.revisionType === "GitHub") throw notImplemented("revisions in GitHub");
  if (revision.revisionType === "S3") return parseAppSpec(await fromS3(ctx, revision.s3Location ?? {}));
  const given = revision.revisionType === "AppSpecContent" ? revision.appSpecContent : revision.string;
  if (!given?.content) throw bad("InvalidRevisionException", "The AppSpec content is missing.");
  if (given.sha256 && createHash("sha256").update(given.content).digest("hex") !== given.sha256.toLowerCase()) {
    throw bad("InvalidRevisionException", "The SHA-256 hash of the AppSpec content does not match the content.");
  }
  return parseAppSpec(given.content);
}

async function fromS3(ctx: Context<any>, { bucket, key, version, bundleType }: CodeDeploy.S3Location): Promise<string> {
  if (bundleType !== "JSON" && bundleType !== "YAML")
    throw bad("InvalidRevisionException", "The bundle type of a revision for AWS Lambda must be JSON or YAML.");
  const { Body } = await ctx.call("s3", "GetObject", {
    Bucket: bucket,
    Key: key,
    ...(version ? { VersionId: version } : {}),
  });
  if (!(Body instanceof Readable)) return Buffer.from((Body ?? "") as Uint8Array).toString("utf8");
  const tooLong = (): Error => bad("InvalidRevisionException", `The AppSpec is larger than ${MAX_APPSPEC} bytes.`);
  return (await readWithin(Body, MAX_APPSPEC, tooLong)).toString("utf8");
}

/** Reads an AppSpec for Lambda, JSON or YAML. */
export function parseAppSpec(text: string): LambdaShift {
  const invalid = (reason: string) => bad("InvalidRevisionException", `The AppSpec file is not valid: ${reason}`);
  const read = text.trimStart().startsWith("{") ? readJson(text, LIMITS) : readYaml(text, undefined, LIMITS);
  if ("fault" in read) throw invalid(`${read.fault.message} (line ${read.fault.line})`);
  if (!isObject(read.value)) throw invalid("it must be a map.");
  const part = (name: string): unknown =>
    Object.entries(read.value as object).find(([key]) => key.toLowerCase() === name)?.[1];
  const resources = list(part("resources"));
  if (resources.length !== 1) throw invalid("it must have exactly one resource.");
  const [resource] = Object.values(resources[0]!);
  if (!isObject(resource) || resource["Type"] !== "AWS::Lambda::Function" || !isObject(resource["Properties"])) {
    throw invalid("its resource must be of the type AWS::Lambda::Function and have properties.");
  }
  const properties = resource["Properties"];
  const property = (name: string): string => {
    const value = properties[name];
    if ((typeof value !== "string" && typeof value !== "number") || value === "")
      throw invalid(`the property ${name} is missing.`);
    return String(value);
  };
  const hooks = Object.assign({}, ...list(part("hooks"))) as Record<string, unknown>;
  const unknown = Object.keys(hooks).find((name) => name !== "BeforeAllowTraffic" && name !== "AfterAllowTraffic");
  if (unknown) throw invalid(`${unknown.slice(0, 100)} is not a hook of a Lambda deployment.`);
  const shift = {
    functionName: property("Name"),
    alias: property("Alias"),
    currentVersion: property("CurrentVersion"),
    targetVersion: property("TargetVersion"),
  };
  if (shift.currentVersion === shift.targetVersion)
    throw invalid("the target version and the current version are the same.");
  return {
    ...shift,
    ...(hooks["BeforeAllowTraffic"] ? { beforeHook: String(hooks["BeforeAllowTraffic"]) } : {}),
    ...(hooks["AfterAllowTraffic"] ? { afterHook: String(hooks["AfterAllowTraffic"]) } : {}),
  };
}

const list = (value: unknown): Record<string, unknown>[] =>
  Array.isArray(value) ? value.filter(isObject) : isObject(value) ? [value] : [];
