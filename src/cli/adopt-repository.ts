import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describeRepository, type Generation } from "../app/describe-repository.ts";
import { gitEnvironment } from "./git-settings.ts";
import type { Connection } from "./platform.ts";
import { plain } from "./terminal.ts";

const CLONE_LIMIT_MS = 10 * 60_000;
const MAX_FILE = 2 * 1024 * 1024;

/** A repository of somewhere else, cloned into a temporary folder to be pushed to a project's own. */
export interface Adopted {
  readonly generation: Generation;
  /** What the user should know of how it is built. */
  readonly note?: string;
  /** Pushes its current branch as `master`. */
  push(connection: Connection, cloneUrl: string): void;
  remove(): void;
}

/** Clones a repository with this user's own git, and reads what its files ask of a toolchain. */
export function adoptRepository(url: string, parameters: Readonly<Record<string, string>>): Adopted {
  if (url.startsWith("-")) throw new Error(`${url} is not a git URL`);
  const folder = mkdtempSync(join(tmpdir(), "starling-adopt-"));
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  try {
    const bare = join(folder, "repository.git");
    git(["clone", "--quiet", "--bare", "--single-branch", "--no-tags", "--", url, bare], { GIT_TERMINAL_PROMPT: "0" });
    if (output(bare, ["rev-parse", "--verify", "--quiet", "HEAD^{commit}"]) === undefined)
      throw new Error(`${url} is empty: it has no commit on its default branch`);
    const description = describeRepository({
      text: (path) => output(bare, ["show", `HEAD:${path}`]),
      paths: () => (output(bare, ["ls-tree", "-r", "-z", "--name-only", "HEAD"]) ?? "").split("\0"),
    });
    if (description.refusal !== undefined) throw new Error(`${url} ${description.refusal}`);
    const { note } = description;
    const generation = withParameters(url, description.generation, parameters);
    return {
      generation,
      ...(note === undefined ? {} : { note }),
      push: (connection, cloneUrl) => push(connection, bare, cloneUrl),
      remove,
    };
  } catch (error) {
    remove();
    throw error;
  }
}

function withParameters(url: string, generation: Generation, parameters: Readonly<Record<string, string>>): Generation {
  const missing = (generation.neededParameters ?? []).filter((name) => !(name in parameters));
  if (missing.length > 0)
    throw new Error(
      `the template of ${url} has parameters without a default: give values to ${missing.join(", ")} (--parameter ${missing[0]}=VALUE)`,
    );
  return Object.keys(parameters).length > 0 ? { ...generation, parameters } : generation;
}

/** What git prints, or nothing where it fails. */
function output(bare: string, args: readonly string[]): string | undefined {
  const { status, stdout } = spawnSync("git", ["-C", bare, ...args], { encoding: "utf8", maxBuffer: MAX_FILE });
  return status === 0 ? stdout : undefined;
}

function push({ place, credentials }: Connection, bare: string, cloneUrl: string): void {
  const keys = {
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    AWS_REGION: place.region,
    ...(credentials.sessionToken ? { AWS_SESSION_TOKEN: credentials.sessionToken } : {}),
  };
  git(["-C", bare, "push", "--quiet", cloneUrl, "HEAD:refs/heads/master"], {
    ...keys,
    ...gitEnvironment(place.publicUrl),
    GIT_TERMINAL_PROMPT: "0",
  });
}

function git(args: readonly string[], env: Record<string, string>): void {
  const { status, stderr, error } = spawnSync("git", args, {
    encoding: "utf8",
    env: { ...process.env, ...env },
    timeout: CLONE_LIMIT_MS,
  });
  if (error) throw new Error(`git cannot be run: ${error.message}`);
  if (status !== 0)
    throw new Error(`git ${args.find((a) => a === "clone" || a === "push")} failed: ${plain(stderr).trim()}`);
}
