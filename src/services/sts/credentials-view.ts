import type { Credentials } from "../../aws/identity.ts";

/** Temporary credentials as STS answers them. */
export const credentialsView = (c: Credentials) => ({
  AccessKeyId: c.accessKeyId,
  SecretAccessKey: c.secretAccessKey,
  SessionToken: c.sessionToken,
  Expiration: new Date(c.expiration),
});
