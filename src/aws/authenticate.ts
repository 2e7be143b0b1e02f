import { createHash } from "node:crypto";
import { AwsError } from "../kernel/aws-error.ts";
import type { Protocol } from "./model-pack.ts";
import type { Platform } from "./platform.ts";
import type { Principal } from "./principal.ts";
import type { SignedRequest } from "./sigv4-canonical.ts";
import { parseOldSignature, verifyOldSignature } from "./sigv2.ts";
import {
  parseSignature,
  verifySignature,
  type Signature,
  type SigningKeyCache,
  type VerifiedSignature,
} from "./sigv4.ts";

/** Who sent a request. */
export interface Authenticated {
  readonly principal: Principal;
  /** Absent where the request is not signed: the principal is anonymous then. */
  readonly signature?: VerifiedSignature;
}

export interface AuthenticateOptions {
  /** How a refusal is spelled. */
  readonly protocol: Protocol;
  /** The service that the signature must be for. */
  readonly signingName?: string;
  body(): Promise<Buffer>;
  readonly keys?: SigningKeyCache;
  /** What `parseSignature` has said of the request, where it was asked already. */
  readonly claimed?: Signature | undefined;
}

/** Verifies the signature of a request, header or presigned, and tells whose it is. Throws in the protocol's words. */
export async function authenticate(
  platform: Platform,
  request: SignedRequest,
  options: AuthenticateOptions,
): Promise<Authenticated> {
  const { protocol } = options;
  const claimed = options.claimed ?? parseSignature(request, protocol);
  let principal: Principal | undefined;
  const secretFor = async (accessKeyId: string, token: string | undefined) => {
    const found = await platform.identity.credentials(accessKeyId, token);
    principal = found?.principal;
    return found;
  };
  if (!claimed) {
    const old = options.signingName === "s3" ? parseOldSignature(request) : undefined;
    if (old) {
      const { region, publicHost } = platform.settings;
      const now = platform.clock.now();
      const signature = await verifyOldSignature(request, old, { now, region, publicHost, secretFor });
      return { principal: principal!, signature };
    }
    if (request.headers["authorization"] !== undefined) throw unsupportedScheme(protocol);
    return { principal: { kind: "anonymous", account: platform.settings.account } };
  }
  const signature = await verifySignature(request, claimed, {
    protocol,
    now: platform.clock.now(),
    body: options.body,
    ...(options.signingName === undefined ? {} : { signingName: options.signingName }),
    ...(options.keys ? { keys: options.keys } : {}),
    secretFor,
  });
  if (!principal)
    throw new Error(`no principal for ${createHash("sha256").update(claimed.accessKeyId).digest("hex").slice(0, 12)}`);
  platform.identity.noteUse(claimed.accessKeyId, claimed.service, claimed.region, principal);
  return { principal, signature };
}

function unsupportedScheme(protocol: Protocol): AwsError {
  return protocol === "restXml"
    ? new AwsError("InvalidArgument", "Unsupported Authorization Type", 400)
    : new AwsError("IncompleteSignature", "Authorization header requires the algorithm AWS4-HMAC-SHA256.", 403);
}
