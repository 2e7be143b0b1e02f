import { readFileSync } from "node:fs";
import { join } from "node:path";

/** What AWS has fixed for the role of a service. */
interface LinkedRole {
  /** Behind `AWSServiceRoleFor`. */
  readonly name: string;
  /**
   * Names of AWS's policies with their path. They are listed as attached; their documents are not here, and no service of
   * the platform acts by such a role.
   */
  readonly policies?: readonly string[];
  readonly description?: string;
  /** There may be several, told apart by a suffix. */
  readonly suffix?: boolean;
}

/** AWS's list does not change while the platform runs, so it is read once. */
const ROLES: Readonly<Record<string, LinkedRole>> = JSON.parse(
  readFileSync(join(import.meta.dirname, "service-linked-roles.json"), "utf8"),
);

/** The role that AWS has for a service: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_aws-services-that-work-with-iam.html */
export const linkedRole = (service: string): LinkedRole | undefined =>
  Object.hasOwn(ROLES, service) ? ROLES[service] : undefined;
