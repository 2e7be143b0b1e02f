import { createPrivateKey, X509Certificate, type KeyObject } from "node:crypto";
import { AwsError } from "../../kernel/aws-error.ts";

// Base64 has no dash: looking further would make a megabyte of beginnings take minutes.
const PEM = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;
const MAX_CHAIN = 10;

const malformed = (message: string): AwsError => new AwsError("MalformedCertificate", message, 400);

/** One X.509 certificate in PEM form. */
export function certificateOf(pem: string): X509Certificate {
  try {
    if (pem.match(PEM)?.length === 1) return new X509Certificate(pem);
  } catch {
    // refused below
  }
  throw malformed("Unable to parse certificate. Please ensure the certificate is in PEM format.");
}

/** Refuses a key that is not the certificate's. */
export function checkPrivateKey(certificate: X509Certificate, pem: string): void {
  let key: KeyObject;
  try {
    key = createPrivateKey(pem);
  } catch {
    throw malformed("Unable to parse key; if the key is encrypted it must be decrypted first.");
  }
  if (!certificate.checkPrivateKey(key))
    throw new AwsError("KeyPairMismatch", "Private key doesn't match with the certificate.", 400);
}

/** Refuses a chain whose first certificate did not issue this one, or one of whose did not issue that before it. */
export function checkChain(certificate: X509Certificate, chain: string): void {
  const parts = chain.match(PEM) ?? [];
  if (parts.length === 0 || parts.length > MAX_CHAIN) throw malformed("Unable to parse certificate chain.");
  let before = certificate;
  for (const part of parts) {
    const issuer = certificateOf(part);
    if (!before.checkIssued(issuer) || !before.verify(issuer.publicKey))
      throw malformed(
        "Unable to validate certificate chain. The certificate chain must start with the immediate signing certificate, followed by any intermediaries in order.",
      );
    before = issuer;
  }
}
