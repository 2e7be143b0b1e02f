import { gitSignature } from "../aws/git-signature.ts";

/**
 * Answers what git asks a credential helper (`key=value` lines): a user name and password that prove the keys of the environment
 * for this one repository, for 15 minutes. Throws where something is missing.
 */
export function gitCredential(question: string, env: NodeJS.ProcessEnv, now: number): string {
  const asked: Record<string, string> = {};
  for (const line of question.split("\n")) {
    const equals = line.indexOf("=");
    if (equals > 0) asked[line.slice(0, equals)] = line.slice(equals + 1).replace(/\r$/, "");
  }
  const { AWS_ACCESS_KEY_ID: id, AWS_SECRET_ACCESS_KEY: secret, AWS_SESSION_TOKEN: token } = env;
  if (!id || !secret)
    throw new Error('git needs AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY: run eval "$(npx starling env)" first');
  if (!asked["host"] || !asked["path"])
    throw new Error("git did not name the repository: set credential.useHttpPath to true");
  const host = asked["host"].replace(/:\d+$/, "").toLowerCase();
  const region =
    /^git-codecommit(?:-fips)?\.([a-z0-9-]+)\./.exec(host)?.[1] ??
    (env["AWS_REGION"] || env["AWS_DEFAULT_REGION"] || "us-east-1");
  const timestamp = new Date(now).toISOString().slice(0, 19).replace(/[-:]/g, "");
  const path = `/${asked["path"].replace(/^\/+/, "")}`;
  const password = `${timestamp}Z${gitSignature(secret, timestamp, { host, path, region })}`;
  return `username=${id}${token ? `%${token}` : ""}\npassword=${password}\n`;
}
