import type * as Sts from "@aws-sdk/client-sts";
import type { Context } from "../../aws/context.ts";
import type { OperationInput, OperationOutput } from "../../aws/sdk-types.ts";
import type { Operation } from "../../aws/service.ts";
import type { TrustedRole } from "../../aws/identity.ts";
import { IssuerKeys } from "../../compute/edge/issuer-keys.ts";
import { compilePolicy, evaluate } from "../../engines/policy/index.ts";
import { tokenClaims, tokenHeader, verifyToken } from "../../engines/token/verify-token.ts";
import { arn } from "../../kernel/arn.ts";
import { AwsError, codeOf } from "../../kernel/aws-error.ts";
import { credentialsView } from "./credentials-view.ts";
import { sessionPolicies, validation } from "./session.ts";

type Input = OperationInput<typeof Sts, "AssumeRoleWithWebIdentity">;
type Claims = Readonly<Record<string, unknown>>;

const DEFAULT_SECONDS = 3600;
const ACTION = "sts:AssumeRoleWithWebIdentity";

const invalidToken = (message: string): AwsError => new AwsError("InvalidIdentityToken", message, 400);
const denied = (): AwsError => new AwsError("AccessDenied", `Not authorized to perform ${ACTION}`, 403);

/** What the service holds while the platform runs. */
export interface StsState {
  readonly issuers: IssuerKeys;
  /** Inputs of calls that came with a right code of a device: between permission and work a code counts once. */
  readonly proved: WeakSet<object>;
}

/** AssumeRoleWithWebIdentity: the token is the credential. Its issuer must be a provider of the account that the role trusts. */
export const assumeRoleWithWebIdentity: Operation<
  Input,
  OperationOutput<typeof Sts, "AssumeRoleWithWebIdentity">,
  StsState
> = {
  permissions: "anyone",
  async run(ctx, input) {
    const { claims, provider, audience } = await verified(ctx, String(input.WebIdentityToken));
    const { identity } = ctx.platform;
    // Who may not assume a role does not learn whether it exists.
    const role = await identity.role(String(input.RoleArn)).catch((error: unknown) => {
      throw codeOf(error) === "NoSuchEntity" ? denied() : error;
    });
    mustTrust(ctx, role, {
      roleArn: String(input.RoleArn),
      claims,
      provider,
      audience,
      session: input.RoleSessionName,
    });
    const seconds = input.DurationSeconds ?? DEFAULT_SECONDS;
    if (seconds > role.maxSessionDuration)
      throw validation("The requested DurationSeconds exceeds the MaxSessionDuration set for this role.");
    const credentials = identity.issueForRole(role, {
      sessionName: String(input.RoleSessionName),
      durationSeconds: seconds,
      sessionPolicies: await sessionPolicies(ctx, input),
    });
    const { principal } = credentials;
    return {
      Credentials: credentialsView(credentials),
      SubjectFromWebIdentityToken: String(claims["sub"]),
      AssumedRoleUser: principal.kind === "role" ? { Arn: principal.arn, AssumedRoleId: principal.id } : undefined,
      Provider: arn("iam", "", ctx.account, `oidc-provider/${provider}`),
      Audience: audience,
    };
  },
};

interface Verified {
  readonly claims: Claims;
  /** The provider's URL without its scheme. */
  readonly provider: string;
  readonly audience: string;
}

async function verified(ctx: Context<StsState>, token: string): Promise<Verified> {
  const header = tokenHeader(token);
  const unverified = header && claimsOf(token);
  const issuer = unverified?.["iss"];
  if (!header || typeof issuer !== "string" || !URL.canParse(issuer))
    throw invalidToken(
      "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)",
    );
  const provider = issuer.replace(/^https?:\/\//, "").replace(/\/$/, "");
  const OpenIDConnectProviderArn = arn("iam", "", ctx.account, `oidc-provider/${provider}`);
  const known = await ctx
    .asService()
    .call("iam", "GetOpenIDConnectProvider", { OpenIDConnectProviderArn })
    .catch((error: unknown) => {
      if (codeOf(error) !== "NoSuchEntity") throw error;
      throw invalidToken(`No OpenIDConnect provider found in your account for ${issuer}`);
    });
  const keys = await ctx.state.issuers.find(ctx, issuer, header["kid"], false).catch((error: unknown) => {
    if (error instanceof AwsError) throw error;
    ctx.platform.log.warn("an identity provider could not be asked for its keys", { issuer, error });
    throw new AwsError(
      "IDPCommunicationError",
      "Error communicating with the identity provider: its keys could not be read.",
      400,
    );
  });
  const good = keys.map((key) => verifyToken(token, key)).find((result) => result !== undefined);
  const claims = good && tokenClaims(good);
  if (!claims)
    throw invalidToken("Couldn't verify the signature of the token with the keys of your identity provider.");
  return { claims, provider, audience: checkClaims(ctx, claims, known.ClientIDList ?? []) };
}

/** The claims as they stand in the token, before anything is known of it: to find who is to be asked. */
function claimsOf(token: string): Claims | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString("utf8"));
    return typeof value === "object" && value !== null ? (value as Claims) : undefined;
  } catch {
    return undefined;
  }
}

/** Answers the audience that the provider knows. */
function checkClaims(ctx: Context<any>, claims: Claims, clients: readonly string[]): string {
  const seconds = ctx.now() / 1000;
  const { exp, nbf, sub, aud, azp } = claims;
  if (typeof sub !== "string" || sub === "") throw invalidToken("Missing a required claim: sub");
  if (typeof exp !== "number") throw invalidToken("Missing a required claim: exp");
  if (exp <= seconds)
    throw new AwsError(
      "ExpiredTokenException",
      `Token expired: current date/time ${Math.floor(seconds)} must be before the expiration date/time ${exp}`,
      400,
    );
  if (nbf !== undefined && (typeof nbf !== "number" || nbf > seconds)) throw invalidToken("The token is not valid yet");
  // The party that a token was made for counts before its audiences.
  const audiences = (typeof azp === "string" ? [azp] : [aud].flat()).filter((one) => typeof one === "string");
  const audience = audiences.find((one) => clients.includes(one));
  if (audience === undefined) throw invalidToken("Incorrect token audience");
  return audience;
}

interface Asking extends Verified {
  readonly roleArn: string;
  readonly session: string | undefined;
}

function mustTrust(
  ctx: Context<any>,
  role: TrustedRole,
  { roleArn, claims, provider, audience, session }: Asking,
): void {
  const federated = arn("iam", "", ctx.account, `oidc-provider/${provider}`);
  const amr = [claims["amr"]].flat().filter((one) => typeof one === "string");
  const decision = evaluate({
    principal: { type: "federated", account: ctx.account, arn: federated, federated },
    action: ACTION,
    resource: roleArn,
    resourceAccount: ctx.account,
    identityPolicies: [],
    resourcePolicy: compilePolicy(role.trust, "trust"),
    context: {
      [`${provider}:aud`]: audience,
      [`${provider}:sub`]: String(claims["sub"]),
      ...(amr.length ? { [`${provider}:amr`]: amr } : {}),
      "sts:RoleSessionName": session,
      "aws:FederatedProvider": federated,
    },
  });
  if (decision.decision !== "allow") throw denied();
}
