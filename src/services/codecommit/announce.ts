import type { Context } from "../../aws/context.ts";
import { principalName, type Principal } from "../../aws/principal.ts";
import { runGit } from "../../compute/source/index.ts";
import { GuardFailed, type Statement } from "../../ports/database.ts";
import { folderOf, repositoryArn, type Repository } from "./model.ts";
import { announcePushed } from "./pull-requests.ts";
import { readRefs, type Refs } from "./refs.ts";
import { removeStaleLocks } from "./stale-locks.ts";
import type { Announced, StateChange } from "./told-refs.ts";
import { fireTriggers } from "./triggers.ts";

/** Changes of refs that somebody is about to make: on disk before git runs, gone with their announcement. */
interface Intent {
  readonly region: string;
  readonly repository: string;
  readonly repositoryId: string;
  readonly refs: readonly string[];
  readonly caller: Principal;
  readonly startedAt: number;
}

export const DETAIL_TYPE = "CodeCommit Repository State Change";
const MAX_TRIES = 50;
const CHANGES_UNTIL_GC = 50;
/** The topic of repositories that are to be packed anew. */
export const GARBAGE = "codecommit-garbage";

/**
 * Changes refs by `work` and announces what has changed, as events. A process that dies in between finds the intent at its next
 * start, so no change loses its event. `work` may fail after it has changed something: that is announced too. Whatever
 * takes git's locks goes through here, with no refs where it changes none: locks are stale where nobody else is at work.
 */
export async function changingRefs<T>(
  ctx: Context<any>,
  repository: Repository,
  refs: readonly string[],
  work: () => Promise<T>,
): Promise<{ result: T; changes: StateChange[] }> {
  const id = ctx.platform.ids.uuid();
  const { region, principal: caller } = ctx;
  const intent: Intent = {
    region,
    repository: repository.name,
    repositoryId: repository.id,
    refs,
    caller,
    startedAt: ctx.now(),
  };
  await ctx.globalRecords.write(ctx.globalRecords.put("intent", id, intent));
  let result: T;
  try {
    await removeStaleLocks(ctx, repository, refs, async () => {
      const all = await ctx.globalRecords.list<Intent>("intent");
      return all.every((other) => other.id === id || other.value.repositoryId !== repository.id);
    });
    result = await work();
  } catch (error) {
    await announce(ctx, id, intent).catch((second: unknown) =>
      ctx.platform.log.error("a push could not be announced", { error: second }),
    );
    throw error;
  }
  return { result, changes: await announce(ctx, id, intent) };
}

/** Announces what the intents of a process that was killed have changed. `olderThanMs`: leaves those that may still be at work. */
export async function announceInterrupted(ctx: Context<any>, olderThanMs = 0): Promise<void> {
  for (const { id, value } of await ctx.globalRecords.list<Intent>("intent")) {
    if (ctx.now() - value.startedAt < olderThanMs) continue;
    await announce(ctx.inRegion(value.region), id, value).catch((error: unknown) => {
      ctx.platform.log.error("an interrupted push could not be announced", { repository: value.repository, error });
    });
  }
}

async function announce(ctx: Context<any>, intentId: string, intent: Intent): Promise<StateChange[]> {
  const done = ctx.globalRecords.remove("intent", intentId);
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const repository = await find(ctx, intent);
    if (!repository) {
      await ctx.records.write(done); // deleted meanwhile
      return [];
    }
    const before = await ctx.records.get<Announced>("announced", intent.repositoryId);
    const now = intent.refs.length ? await readRefs(ctx, repository.value, intent.refs) : {};
    const changes = compare(repository.value, before?.value.refs ?? {}, { refs: now, of: intent.refs }, intent.caller);
    if (changes.length === 0) {
      await ctx.records.write(done);
      return [];
    }
    const refs: Record<string, string> = { ...before?.value.refs };
    for (const name of intent.refs) delete refs[name];
    Object.assign(refs, now);
    const count = (before?.value.changes ?? 0) + 1;
    const batch: (Statement | Statement[])[] = [
      ctx.records.put("announced", intent.repositoryId, { refs, changes: count } satisfies Announced, before?.rev ?? 0),
      done,
      count % CHANGES_UNTIL_GC === 0 ? collectGarbage(ctx, intent.repositoryId) : [],
    ];
    batch.push(
      await withDefaultBranch(ctx, repository, changes),
      ...changes.map((change) => stateChanged(ctx, change)),
      await announcePushed(ctx, repository.value, changes),
      await fireTriggers(ctx, repository.value, changes, intent.caller),
    );
    try {
      await ctx.records.write(...batch);
      return changes;
    } catch (error) {
      if (!(error instanceof GuardFailed)) throw error;
    }
  }
  throw new Error(`the refs of ${intent.repository} were changed by others ${MAX_TRIES} times in a row`);
}

/** The statements that make the repository be packed anew, once, when there is time. */
function collectGarbage(ctx: Context<any>, repositoryId: string): Statement[] {
  return ctx.enqueue(GARBAGE, { repositoryId }, { token: `gc-${repositoryId}` });
}

/** The repository of an intent, by whatever name it has now. */
async function find(ctx: Context<any>, intent: Intent) {
  const stored = await ctx.records.get<Repository>("repository", intent.repository);
  if (stored?.value.id === intent.repositoryId) return stored;
  return (await ctx.records.list<Repository>("repository")).find((r) => r.value.id === intent.repositoryId);
}

function compare(
  repository: Repository,
  before: Refs,
  now: { refs: Refs; of: readonly string[] },
  caller: Principal,
): StateChange[] {
  return now.of.flatMap((name): StateChange[] => {
    const [, kind, short = ""] = /^refs\/(heads|tags)\/(.+)$/.exec(name) ?? [];
    const [oldId, newId] = [before[name], now.refs[name]];
    if (!kind || oldId === newId) return [];
    return [
      {
        event: oldId === undefined ? "referenceCreated" : newId === undefined ? "referenceDeleted" : "referenceUpdated",
        repositoryName: repository.name,
        repositoryId: repository.id,
        referenceType: kind === "heads" ? "branch" : "tag",
        referenceName: short,
        referenceFullName: name,
        ...(newId === undefined ? {} : { commitId: newId }),
        ...(oldId === undefined ? {} : { oldCommitId: oldId }),
        callerUserArn: principalName(caller),
      },
    ];
  });
}

/** The first branch of a repository becomes its default; the repository's time moves with every change. */
async function withDefaultBranch(
  ctx: Context<any>,
  stored: { rev: number; value: Repository },
  changes: readonly StateChange[],
): Promise<Statement[]> {
  const repository = stored.value;
  const first = repository.defaultBranch
    ? undefined
    : changes.find((c) => c.referenceType === "branch" && c.event === "referenceCreated");
  if (first) await setHead(ctx, repository, first.referenceName);
  const next: Repository = {
    ...repository,
    modified: ctx.now(),
    ...(first ? { defaultBranch: first.referenceName } : {}),
  };
  return [ctx.records.put("repository", repository.name, next, stored.rev)];
}

/** Makes HEAD name the branch, so that a clone checks it out. */
export async function setHead(ctx: Context<any>, repository: Repository, branch: string): Promise<void> {
  await runGit(ctx.platform, folderOf(ctx, repository), ["symbolic-ref", "HEAD", `refs/heads/${branch}`]);
}

function stateChanged(ctx: Context<any>, change: StateChange): Statement[] {
  const arn = repositoryArn(ctx, change.repositoryName);
  const entry = {
    Source: "aws.codecommit",
    DetailType: DETAIL_TYPE,
    Resources: [arn],
    Detail: JSON.stringify(change),
    Time: new Date(ctx.now()),
  };
  return ctx.asService(arn).later("events", "PutEvents", { Entries: [entry] });
}
