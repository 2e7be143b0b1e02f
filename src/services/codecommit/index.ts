import type * as CodeCommit from "@aws-sdk/client-codecommit";
import { defineService } from "../../aws/service.ts";
import { announceInterrupted } from "./announce.ts";
import { approvals } from "./api/approvals.ts";
import { branches } from "./api/branches.ts";
import { changes } from "./api/changes.ts";
import { comments } from "./api/comments.ts";
import { contents } from "./api/contents.ts";
import { merges } from "./api/merges.ts";
import { pullRequests } from "./api/pull-requests.ts";
import { repositories } from "./api/repositories.ts";
import { ruleTemplates } from "./api/rule-templates.ts";
import { tags } from "./api/tags.ts";
import { garbageWorker } from "./garbage.ts";
import { codecommitRepository } from "./resources/repository.ts";
import { gitOverHttp, PUSH_MS } from "./routes.ts";
import { triggers } from "./triggers.ts";
import { refused } from "./refused-members.ts";

const SWEEP_MS = 5 * 60_000;

/** CodeCommit: git repositories, by git and by API. */
export const codecommit = defineService<typeof CodeCommit>({
  name: "codecommit",
  operations: {
    ...repositories,
    ...branches,
    ...contents,
    ...changes,
    ...tags,
    ...pullRequests,
    ...approvals,
    ...merges,
    ...comments,
    ...triggers,
    ...ruleTemplates,
  },
  refuses: refused,
  resources: [codecommitRepository],
  routes: [gitOverHttp],
  workers: [garbageWorker],
  periodic: [
    { name: "announce interrupted pushes", everyMs: SWEEP_MS, run: (ctx) => announceInterrupted(ctx, PUSH_MS * 2) },
  ],
  async start(platform, caller) {
    await announceInterrupted(caller.context(platform.settings.account, platform.settings.region));
    return undefined;
  },
});
