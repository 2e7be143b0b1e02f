import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createContext } from "../aws/context.ts";
import { codeOf, messageOf } from "../kernel/aws-error.ts";
import { callerOf, type Caller } from "./caller.ts";
import type { Running } from "./embedded.ts";
import { ADMIN_USER, rootContext } from "./first-start.ts";
import { createProject, type Place } from "./new-project.ts";
import { projectFacts, untilCreated, untilLive, type ProjectFacts } from "./project-status.ts";

const ID = "sample";
const TEMPLATE = "nodejs-web-application";
/** There once the sample's page has been live: it is made once, and not again when somebody has removed it. */
const MARK = "sample-project.json";

/**
 * The sample project: made by the first start, which waits until its page is live and says how far it is. Answers what is
 * known of it, or undefined where there is none (any more). Never throws: the platform is there without it.
 */
export async function sampleProject(running: Running, say: (line: string) => void): Promise<ProjectFacts | undefined> {
  const { platform } = running;
  const mark = join(platform.settings.data, MARK);
  const call = await administrator(running);
  try {
    const exists = await isThere(call);
    if (!existsSync(mark)) {
      await make(call, platform.settings, exists, { say, signal: platform.signal });
      writeFileSync(mark, `${JSON.stringify({ id: ID, template: TEMPLATE })}\n`, { mode: 0o600 });
    } else if (!exists) return undefined;
    return await projectFacts(call, platform.settings, ID);
  } catch (error) {
    if (platform.signal.aborted) return undefined;
    say(`The sample project is not live: ${messageOf(error)}`);
    return undefined;
  }
}

async function make(
  call: Caller,
  place: Place,
  exists: boolean,
  options: { say: (line: string) => void; signal: AbortSignal },
): Promise<void> {
  const { say, signal } = options;
  const started = performance.now();
  const progress = (line: string): void =>
    say(`  ${((performance.now() - started) / 1000).toFixed(1).padStart(5)} s  ${line}`);
  say(`Making the sample project "${ID}" (${TEMPLATE}) ...`);
  if (!exists) {
    await createProject(call, place, {
      id: ID,
      name: "Sample",
      description: "Made by the first start: change public/index.html and push.",
      from: { template: TEMPLATE },
    });
  }
  progress("Project repository, build, pipeline, buckets and roles are being made");
  await untilCreated(call, ID, { progress, signal });
  progress("Project made");
  await untilLive(call, place, ID, { progress, signal });
  progress("Page    live");
}

async function isThere(call: Caller): Promise<boolean> {
  try {
    const { status } = await call("codestar", "DescribeProject", { id: ID });
    return status.state !== "CreateFailed";
  } catch (error) {
    if (codeOf(error) === "ProjectNotFoundException") return false;
    throw error;
  }
}

/** Calls as the first administrator, so that the sample is made exactly as `starling new` would make it. */
async function administrator({ platform, registry }: Running): Promise<Caller> {
  const root = rootContext(platform, registry);
  const { account, region } = platform.settings;
  const { User } = await root.call("iam", "GetUser", { UserName: ADMIN_USER });
  const principal = {
    kind: "user",
    account,
    arn: String(User?.Arn),
    id: String(User?.UserId),
    name: ADMIN_USER,
  } as const;
  return callerOf(createContext(platform, registry, { service: "codestar", account, region, principal }));
}
