import type { Context } from "../../aws/context.ts";
import { BuildFailure } from "../../compute/build/index.ts";
import type { Buildspec } from "../../engines/buildspec/index.ts";
import { messageOf } from "../../kernel/aws-error.ts";
import type { BuildView, Ctx } from "./model.ts";
import type { Settings } from "./project-settings.ts";

/** Variables for a build, with those of them that must not show in its log. */
export interface Variables {
  readonly values: Record<string, string>;
  readonly secrets: string[];
}

/** The variables of the project and of the call; those in the parameter store are read as the build's role. */
export async function projectVariables(role: Context<any>, settings: Settings): Promise<Variables> {
  const found: Variables = { values: {}, secrets: [] };
  for (const { name, value, type } of settings.environment?.environmentVariables ?? []) {
    if (type !== "PARAMETER_STORE") found.values[name!] = value ?? "";
    else await parameter(role, name!, value ?? "", found);
  }
  return found;
}

/** What the buildspec takes from stores. */
export async function storedVariables(role: Context<any>, spec: Buildspec): Promise<Variables> {
  const [secret] = Object.keys(spec.env.secretsManager);
  if (secret)
    throw new BuildFailure(
      "CLIENT_ERROR",
      `Starling does not implement variables from Secrets Manager (${secret}) yet`,
    );
  const found: Variables = { values: {}, secrets: [] };
  for (const [name, key] of Object.entries(spec.env.parameterStore)) await parameter(role, name, key, found);
  return found;
}

async function parameter(role: Context<any>, variable: string, Name: string, found: Variables): Promise<void> {
  try {
    const { Parameter } = await role.call("ssm", "GetParameter", { Name, WithDecryption: true });
    const value = Parameter?.Value ?? "";
    found.values[variable] = value;
    found.secrets.push(value);
  } catch (error) {
    throw new BuildFailure(
      "CLIENT_ERROR",
      `The parameter ${Name} of the variable ${variable} cannot be read: ${messageOf(error)}`,
    );
  }
}

/** https://docs.aws.amazon.com/codebuild/latest/userguide/build-env-ref-env-vars.html */
export function ownVariables(
  ctx: Ctx,
  build: BuildView,
  credentials: { accessKeyId: string; secretAccessKey: string; sessionToken: string },
  batchIdentifier: string | undefined,
): Record<string, string> {
  const stream = build.logs?.streamName ?? "";
  return {
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    AWS_SESSION_TOKEN: credentials.sessionToken,
    AWS_REGION: ctx.region,
    AWS_DEFAULT_REGION: ctx.region,
    CODEBUILD_CI: "true",
    ...(batchIdentifier === undefined ? {} : { CODEBUILD_BATCH_BUILD_IDENTIFIER: batchIdentifier }),
    CODEBUILD_BUILD_ARN: String(build.arn),
    CODEBUILD_BUILD_ID: build.id,
    CODEBUILD_BUILD_IMAGE: String(build.environment?.image),
    CODEBUILD_BUILD_NUMBER: String(build.buildNumber),
    CODEBUILD_INITIATOR: String(build.initiator),
    CODEBUILD_KMS_KEY_ID: String(build.encryptionKey),
    CODEBUILD_LOG_PATH: stream,
    ...(build.resolvedSourceVersion ? { CODEBUILD_RESOLVED_SOURCE_VERSION: build.resolvedSourceVersion } : {}),
    ...(build.source?.location ? { CODEBUILD_SOURCE_REPO_URL: build.source.location } : {}),
    CODEBUILD_SOURCE_VERSION: build.sourceVersion ?? "",
  };
}
