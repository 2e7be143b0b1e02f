import { hash } from "node:crypto";

/** S3's second id of a request, which says the same of each answer to it. */
export function hostIdOf(requestId: string): string {
  return hash("sha512", requestId, "base64").slice(0, 76);
}
