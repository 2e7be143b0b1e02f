import type { Context } from "../../aws/context.ts";
import { compileEventPattern, matchEventPattern } from "../../engines/event-pattern/index.ts";
import { messageOf } from "../../kernel/aws-error.ts";
import { DETAIL_TYPE } from "./announce.ts";
import { repositoryArn } from "./model.ts";
import type { StateChange } from "./told-refs.ts";

const MAX_RULES = 300;
const MAX_LINES = 10;

/** What to tell somebody who has just pushed: the pipelines that the changes start, by the account's rules. */
export async function pipelinesOf(ctx: Context<any>, changes: readonly StateChange[]): Promise<string[]> {
  try {
    const service = ctx.asService();
    const rules = [];
    let NextToken: string | undefined;
    do {
      const page = await service.call("events", "ListRules", { Limit: 100, ...(NextToken ? { NextToken } : {}) });
      rules.push(...(page.Rules ?? []));
      ({ NextToken } = page);
    } while (NextToken && rules.length < MAX_RULES);
    const lines = new Set<string>();
    for (const rule of rules) {
      if (rule.State === "DISABLED" || !rule.EventPattern) continue;
      const pattern = compileEventPattern(rule.EventPattern);
      if (!changes.some((change) => matchEventPattern(pattern, eventOf(ctx, change) as never))) continue;
      const { Targets = [] } = await service.call("events", "ListTargetsByRule", { Rule: rule.Name });
      for (const { Arn = "" } of Targets) {
        const pipeline = /^arn:aws:codepipeline:[^:]+:\d+:([^:/]+)$/.exec(Arn)?.[1];
        if (pipeline)
          lines.add(
            `Starling: starting the pipeline ${pipeline} (follow: npx starling logs ${pipeline.replace(/-Pipeline$/, "")} --follow)`,
          );
      }
    }
    return [...lines].slice(0, MAX_LINES);
  } catch (error) {
    // The push is done and its events are on disk: a word about it is not worth failing.
    ctx.platform.log.warn("the pipelines of a push could not be named", { error: messageOf(error) });
    return [];
  }
}

const eventOf = (ctx: Context<any>, change: StateChange) => ({
  version: "0",
  id: "",
  "detail-type": DETAIL_TYPE,
  source: "aws.codecommit",
  account: ctx.account,
  time: new Date(ctx.now()).toISOString(),
  region: ctx.region,
  resources: [repositoryArn(ctx, change.repositoryName)],
  detail: change,
});
