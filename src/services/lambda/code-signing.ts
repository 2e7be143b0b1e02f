import type * as Lambda from "@aws-sdk/client-lambda";
import type { Context } from "../../aws/context.ts";
import { arn } from "../../kernel/arn.ts";
import { AwsError } from "../../kernel/aws-error.ts";
import { resourceNotFound } from "./model.ts";
import type { LambdaState } from "./state.ts";

type Ctx = Context<LambdaState>;

/** Whose signatures a function's code must have, and what happens to code that has none. */
export interface CodeSigningConfig {
  readonly id: string;
  readonly description?: string;
  readonly publishers: readonly string[];
  readonly untrusted: Lambda.CodeSigningPolicy;
  readonly tags?: Readonly<Record<string, string>>;
  /** Milliseconds since the epoch. */
  readonly modified: number;
}

export const CODE_SIGNING = "code-signing-config";

export const codeSigningArn = (ctx: { region: string; account: string }, id: string): string =>
  arn("lambda", ctx.region, ctx.account, `code-signing-config:${id}`);

/** The id within an ARN; configurations of other accounts and regions have none here. */
export function codeSigningId(ctx: { region: string; account: string }, text: string | undefined): string {
  const id = text?.split(":").at(-1) ?? "";
  return codeSigningArn(ctx, id) === text ? id : "";
}

export function codeSigningView(ctx: Ctx, config: CodeSigningConfig): Lambda.CodeSigningConfig {
  return {
    CodeSigningConfigId: config.id,
    CodeSigningConfigArn: codeSigningArn(ctx, config.id),
    ...(config.description === undefined ? {} : { Description: config.description }),
    AllowedPublishers: { SigningProfileVersionArns: [...config.publishers] },
    CodeSigningPolicies: { UntrustedArtifactOnDeployment: config.untrusted },
    LastModified: new Date(config.modified).toISOString().replace("Z", "+0000"),
  };
}

export async function codeSigningConfig(ctx: Ctx, text: string | undefined): Promise<CodeSigningConfig> {
  const stored = await ctx.records.get<CodeSigningConfig>(CODE_SIGNING, codeSigningId(ctx, text));
  if (!stored) throw resourceNotFound(`The Lambda code signing configuration ${text} can not be found.`);
  return stored.value;
}

/** Refuses a configuration that a function cannot have since it is not there. */
export async function mustHaveCodeSigning(ctx: Ctx, text: string): Promise<CodeSigningConfig> {
  const stored = await ctx.records.get<CodeSigningConfig>(CODE_SIGNING, codeSigningId(ctx, text));
  if (stored) return stored.value;
  throw new AwsError(
    "CodeSigningConfigNotFoundException",
    `The code signing configuration cannot be found. Check that the provided configuration is not deleted: ${text}.`,
    404,
    { Type: "User" },
  );
}

/**
 * Refuses a deployment to a function whose code must be signed: there is no AWS Signer here, so no package is. Where the
 * configuration only warns, the platform's log has the warning.
 */
export async function checkSignature(ctx: Ctx, name: string, text: string | undefined): Promise<void> {
  if (text === undefined) return;
  const config = await mustHaveCodeSigning(ctx, text);
  if (config.untrusted === "Enforce")
    throw new AwsError(
      "CodeVerificationFailedException",
      "Lambda cannot deploy the function. The function or layer might be signed using a signature that the client is not configured to accept. Check the provided signature for unsigned.",
      400,
      { Type: "User" },
    );
  ctx.platform.log.warn("code without a signature was deployed", { function: name, codeSigningConfig: text });
}
