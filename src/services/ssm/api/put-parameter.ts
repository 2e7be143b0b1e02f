import type * as Ssm from "@aws-sdk/client-ssm";
import type { Context } from "../../../aws/context.ts";
import { principalName } from "../../../aws/principal.ts";
import { countedTags } from "../../../aws/resource-tags.ts";
import { operations } from "../../../aws/service.ts";
import { AwsError, notImplemented } from "../../../kernel/aws-error.ts";
import { boundedMatcher } from "../../../kernel/bounded-match.ts";
import { GuardFailed, type Statement } from "../../../ports/database.ts";
import { MAX_PARAMETERS, MAX_TAGS, MAX_VALUE, MAX_VERSIONS, PATTERN_MS } from "../limits.ts";
import {
  checkNewName,
  DEFAULT_KEY,
  invalid,
  nameOf,
  onParameters,
  parseName,
  VAULT,
  versionId,
  type Parameter,
  type ParameterType,
  type Tier,
  type Version,
} from "../model.ts";
import { dueAgain, policiesOf, policyTimers } from "../policies.ts";
import { changeEvent } from "../store-events.ts";
import { tagsFrom } from "./tags.ts";

const MAX_TRIES = 20;
const DATA_TYPES = ["text", "aws:ec2:image", "aws:ssm:integration"];
type Input = {
  readonly Name?: string | undefined;
  readonly Value?: string | undefined;
  readonly Type?: string | undefined;
  readonly Overwrite?: boolean | undefined;
  readonly Description?: string | undefined;
  readonly AllowedPattern?: string | undefined;
  readonly Tier?: string | undefined;
  readonly DataType?: string | undefined;
  readonly KeyId?: string | undefined;
  readonly Policies?: string | undefined;
  readonly Tags?: readonly { Key?: string | undefined; Value?: string | undefined }[] | undefined;
};

export const putParameter = operations<typeof Ssm, any>()({
  PutParameter: {
    permissions: (input, ctx) => [
      ...onParameters("PutParameter")(input, ctx),
      ...(input.Tags?.length ? onParameters("AddTagsToResource")(input, ctx) : []),
    ],
    async run(ctx, input) {
      const parsed = parseName(input.Name);
      const { selector } = parsed;
      if (selector !== undefined) throw invalid("Parameter name: a new value cannot be given to a version or a label.");
      checkNewName(parsed.name);
      checkInput(input as Input);
      for (let tries = 0; tries < MAX_TRIES; tries++) {
        const name = await nameOf(ctx, parsed);
        const stored = await ctx.records.get<Parameter>("parameter", name);
        const { head, version, drop } = await next(ctx, name, input as Input, stored?.value);
        try {
          await ctx.records.write(
            ctx.records.put("parameter", name, head, stored?.rev ?? 0),
            ctx.records.put("version", versionId(name, version.version), version, 0),
            drop,
            policyTimers(ctx, name, version),
            changeEvent(ctx, stored ? "Update" : "Create", { name, ...version }),
          );
          return { Version: version.version, Tier: version.tier };
        } catch (error) {
          if (!(error instanceof GuardFailed)) throw error;
        }
      }
      throw new AwsError(
        "TooManyUpdates",
        "There are concurrent updates for a resource that supports one update at a time.",
        400,
      );
    },
  },
});

function checkInput(input: Input): void {
  if (!input.Value)
    throw invalid(
      "1 validation error detected: Value '' at 'value' failed to satisfy constraint: Member must have length greater than or equal to 1.",
    );
  if (input.Overwrite && input.Tags?.length) {
    throw invalid(
      "Invalid request: tags and overwrite can't be used together. To create a parameter with tags, please remove overwrite flag. To update tags for an existing parameter, please use AddTagsToResource or RemoveTagsFromResource.",
    );
  }
  if (countedTags((input.Tags ?? []).map(({ Key }) => String(Key))) > MAX_TAGS)
    throw new AwsError("TooManyTagsError", `A parameter may have at most ${MAX_TAGS} tags.`, 400);
  if (input.DataType && !DATA_TYPES.includes(input.DataType))
    throw invalid(`The following data type is not supported: ${input.DataType} (Data type names are all lowercase.)`);
  if (input.DataType && input.DataType !== "text")
    throw notImplemented(`the data type ${input.DataType} of parameters`);
  if (input.KeyId && input.KeyId !== DEFAULT_KEY)
    throw notImplemented("a key of the customer's for SecureString parameters");
  if (input.KeyId && input.Type && input.Type !== "SecureString")
    throw invalid("KeyId is required for SecureString type parameter only.");
}

/** The parameter with one more version, and what must go for it. */
async function next(ctx: Context<any>, name: string, input: Input, before: Parameter | undefined) {
  if (before && !input.Overwrite) {
    throw new AwsError(
      "ParameterAlreadyExists",
      "The parameter already exists. To overwrite this value, set the overwrite option in the request to true.",
      400,
    );
  }
  const type = (input.Type ?? before?.type) as ParameterType | undefined;
  if (!type) throw invalid("A parameter type is required when you create a parameter.");
  if (before && before.type !== type) {
    throw new AwsError(
      "HierarchyTypeMismatchException",
      `The parameter ${name} has the type ${before.type}, which cannot be changed to ${type}. Create a new, unique parameter.`,
      400,
    );
  }
  const value = String(input.Value);
  const tier = tierOf(input, value, before?.tier);
  if (!before && (await ctx.records.count("parameter")) >= MAX_PARAMETERS[tier]) {
    throw new AwsError(
      "ParameterLimitExceeded",
      "You have exceeded the number of parameters for this AWS account. Delete one or more parameters and try again.",
      400,
    );
  }
  if (input.AllowedPattern) checkPattern(input.AllowedPattern, value);
  const policies = policiesOf(input.Policies, tier, ctx.now()) ?? (await policiesBefore(ctx, name, before));
  const version: Version = {
    version: (before?.latest ?? 0) + 1,
    type,
    tier,
    value: type === "SecureString" ? ctx.platform.vault.seal(VAULT, value) : value,
    dataType: "text",
    ...(input.Description ? { description: input.Description } : {}),
    ...(input.AllowedPattern ? { allowedPattern: input.AllowedPattern } : {}),
    ...(policies.length ? { policies } : {}),
    modified: ctx.now(),
    user: principalName(ctx.principal),
  };
  const head: Parameter = {
    name,
    type,
    tier,
    latest: version.version,
    oldest: before?.oldest ?? 1,
    labels: before?.labels ?? {},
    tags: before?.tags ?? tagsFrom(input.Tags ?? []),
  };
  return { ...dropOldest(ctx, head), version };
}

/** A new value keeps the policies of the one before; what counts from the change counts anew. */
async function policiesBefore(ctx: Context<any>, name: string, before: Parameter | undefined) {
  const stored = before && (await ctx.records.get<Version>("version", versionId(name, before.latest)));
  const kept = stored?.value.policies ?? [];
  return kept.map((policy) => ({ ...policy, due: dueAgain(policy, ctx.now()) }));
}

/** No more than 100 versions are kept; one that has a label is never dropped. */
function dropOldest(ctx: Context<any>, head: Parameter): { head: Parameter; drop: Statement[] } {
  if (head.latest - head.oldest < MAX_VERSIONS) return { head, drop: [] };
  if (Object.values(head.labels).includes(head.oldest)) {
    throw new AwsError(
      "ParameterMaxVersionLimitExceeded",
      `You attempted to create a new version of ${head.name} by calling the PutParameter API with the overwrite flag. Version ${head.oldest}, the oldest version, can't be deleted because it has a label associated with it. Move the label to another version of the parameter, and try again.`,
      400,
    );
  }
  return {
    head: { ...head, oldest: head.oldest + 1 },
    drop: [ctx.records.remove("version", versionId(head.name, head.oldest))],
  };
}

function tierOf(input: Input, value: string, before: Tier | undefined): Tier {
  const bytes = Buffer.byteLength(value);
  if (bytes > MAX_VALUE.Advanced)
    throw invalid("Advanced tier parameters support a maximum parameter value of 8192 characters.");
  const fits = bytes <= MAX_VALUE.Standard;
  if (input.Tier === "Intelligent-Tiering") return fits ? (before ?? "Standard") : "Advanced";
  const tier = (input.Tier ?? before ?? "Standard") as Tier;
  if (tier === "Standard" && before === "Advanced") {
    throw invalid(
      "This parameter uses the advanced-parameter tier. You can't downgrade a parameter from the advanced-parameter tier to the standard-parameter tier. If necessary, you can delete the advanced parameter and recreate it as a standard parameter.",
    );
  }
  if (tier === "Standard" && !fits) {
    throw invalid(
      "Standard tier parameters support a maximum parameter value of 4096 characters. To create a larger parameter value, upgrade the parameter to use the advanced-parameter tier. For more information, see https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-advanced-parameters.html",
    );
  }
  return tier;
}

/** The pattern is the user's: it gets a moment, not all the time there is. */
function checkPattern(text: string, value: string): void {
  let pattern: RegExp;
  try {
    pattern = new RegExp(`^(?:${text})$`, "u");
  } catch {
    throw new AwsError(
      "InvalidAllowedPatternException",
      `The request does not meet the regular expression requirement: ${text} is not a regular expression.`,
      400,
    );
  }
  const matches = boundedMatcher(PATTERN_MS)(pattern, value);
  if (matches === undefined)
    throw new AwsError("InvalidAllowedPatternException", `The pattern ${text} takes too long to evaluate.`, 400);
  if (!matches)
    throw new AwsError(
      "ParameterPatternMismatchException",
      `Parameter value, cannot be validated against allowedPattern: ${text}`,
      400,
    );
}
