import { randomBytes, scrypt, timingSafeEqual } from "node:crypto";
import { AwsError } from "../../kernel/aws-error.ts";

/** What the account asks of its users' passwords: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_passwords_account-policy.html */
export interface PasswordPolicy {
  readonly minimumLength: number;
  readonly symbols: boolean;
  readonly numbers: boolean;
  readonly uppercase: boolean;
  readonly lowercase: boolean;
  readonly usersMayChange: boolean;
  /** Days; without it passwords do not expire. */
  readonly maxAge?: number;
  /** How many former passwords may not come again. */
  readonly reusePrevention?: number;
  readonly hardExpiry?: boolean;
}

/** A user's password for the console: only its hash is kept. */
export interface Login {
  readonly hash: string;
  readonly created: number;
  readonly changed: number;
  readonly resetRequired: boolean;
  /** Hashes of former passwords, the newest first. */
  readonly former: readonly string[];
}

/** AWS keeps no more than the largest value of PasswordReusePrevention. */
export const MAX_FORMER = 24;
const HASH_BYTES = 32;
const MIN_KINDS = 3;
const DEFAULT_LENGTH = 8;
const SYMBOLS = /[!@#$%^&*()_+\-=[\]{}|']/;

const violation = (message: string): AwsError => new AwsError("PasswordPolicyViolation", message, 400);

/** Refuses a password that the account's policy, or AWS's own where there is none, does not let pass. */
export function checkPassword(password: string, policy: PasswordPolicy | undefined): void {
  const length = policy?.minimumLength ?? DEFAULT_LENGTH;
  if (password.length < length) throw violation(`Password should have a minimum length of ${length}`);
  const kinds = [
    { word: "uppercase letter", has: /[A-Z]/.test(password), isAsked: policy?.uppercase },
    { word: "lowercase letter", has: /[a-z]/.test(password), isAsked: policy?.lowercase },
    { word: "number", has: /\d/.test(password), isAsked: policy?.numbers },
    { word: "symbol", has: SYMBOLS.test(password), isAsked: policy?.symbols },
  ];
  const missing = kinds.find(({ has, isAsked }) => isAsked && !has);
  if (missing) throw violation(`Password should have at least one ${missing.word}`);
  if (!policy && kinds.filter(({ has }) => has).length < MIN_KINDS)
    throw violation(
      `Password should have at least ${MIN_KINDS} of the following: uppercase letters, lowercase letters, numbers, and symbols`,
    );
}

/** Salt and hash of a password, as one text. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(16);
  return `${salt.toString("base64")}:${(await derive(password, salt)).toString("base64")}`;
}

/** Whether `hash` is of this password. */
export async function isPassword(password: string, hash: string): Promise<boolean> {
  const [salt = "", expected = ""] = hash.split(":");
  return timingSafeEqual(await derive(password, Buffer.from(salt, "base64")), Buffer.from(expected, "base64"));
}

function derive(password: string, salt: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) =>
    scrypt(password, salt, HASH_BYTES, (error, key) => (error ? reject(error) : resolve(key))),
  );
}

/** The login after a change of its password; refuses one that was had before, as far as the policy asks. */
export async function nextLogin(
  login: Login,
  password: string,
  policy: PasswordPolicy | undefined,
  now: number,
): Promise<Login> {
  const known = [login.hash, ...login.former];
  for (const hash of known.slice(0, policy?.reusePrevention ?? 0))
    if (await isPassword(password, hash)) throw violation("Policy constraint violation with password reuse prevention");
  return { ...login, hash: await hashPassword(password), changed: now, former: known.slice(0, MAX_FORMER) };
}
