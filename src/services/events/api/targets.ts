import type * as Events from "@aws-sdk/client-eventbridge";
import type { Context } from "../../../aws/context.ts";
import { operations, passRole } from "../../../aws/service.ts";
import { checkInputTransformer, readPath } from "../../../engines/event-pattern/index.ts";
import { parseArn } from "../../../kernel/arn.ts";
import { notImplemented } from "../../../kernel/aws-error.ts";
import { existingBus, existingRule, onRule } from "../access.ts";
import { MAX_TARGETS_PER_RULE } from "../limits.ts";
import { busName, DEFAULT_BUS, invalid, noRule, overLimit, ruleArn, ruleId, type Rule, type Target } from "../model.ts";
import { pageOf } from "../page.ts";
import { targetKind } from "../targets.ts";

export const targets = operations<typeof Events, any>()({
  PutTargets: {
    permissions: (input, ctx) => [
      ...onRule("PutTargets")(input, ctx).map((p) => ({
        ...p,
        conditions: { "events:TargetArn": (input.Targets ?? []).map((t) => String(t.Arn)) },
      })),
      ...(input.Targets ?? []).flatMap((t) => passRole(t.RoleArn, "events.amazonaws.com")),
    ],
    async run(ctx, input) {
      const [bus, name] = [busName(input.EventBusName), String(input.Rule)];
      const given = (input.Targets ?? []) as Target[];
      await existingRule(ctx, bus, name);
      for (const target of given) checkTarget(ctx, target);
      const put = (rule: Rule): Rule => {
        const merged = new Map(rule.targets.map((t) => [t.Id, t]));
        for (const target of given) merged.set(target.Id, target);
        if (merged.size > MAX_TARGETS_PER_RULE)
          throw overLimit("The requested resource exceeds the maximum number allowed.");
        return { ...rule, targets: [...merged.values()] };
      };
      if (!(await ctx.records.update<Rule>("rule", ruleId(bus, name), put))) throw noRule(name, bus);
      return { FailedEntryCount: 0, FailedEntries: [] };
    },
  },
  RemoveTargets: {
    permissions: onRule("RemoveTargets"),
    async run(ctx, input) {
      const [bus, name] = [busName(input.EventBusName), String(input.Rule)];
      const { targets: before } = await existingRule(ctx, bus, name);
      const ids = (input.Ids ?? []) as string[];
      const remove = (rule: Rule): Rule => ({
        ...rule,
        targets: rule.targets.filter((t) => !ids.includes(String(t.Id))),
      });
      if (!(await ctx.records.update<Rule>("rule", ruleId(bus, name), remove))) throw noRule(name, bus);
      const FailedEntries = ids
        .filter((id) => !before.some((t) => t.Id === id))
        .map((id) => ({
          TargetId: id,
          ErrorCode: "ResourceNotFoundException",
          ErrorMessage: `Rule ${name} does not have a target with the Id ${id}.`,
        }));
      return { FailedEntryCount: FailedEntries.length, FailedEntries };
    },
  },
  ListTargetsByRule: {
    permissions: onRule("ListTargetsByRule"),
    callers: ["codecommit.amazonaws.com"],
    async run(ctx, input) {
      const rule = await existingRule(ctx, busName(input.EventBusName), String(input.Rule));
      const { items, next } = pageOf(rule.targets, input);
      return { Targets: items, ...next };
    },
  },
  ListRuleNamesByTarget: {
    permissions: (_input, ctx) => [
      { action: "events:ListRuleNamesByTarget", resource: ruleArn(ctx, DEFAULT_BUS, "*") },
    ],
    async run(ctx, input) {
      const bus = busName(input.EventBusName);
      await existingBus(ctx, bus);
      const stored = await ctx.records.list<Rule>("rule", { prefix: `${bus}:` });
      const names = stored
        .filter((r) => r.value.targets.some((t) => t.Arn === input.TargetArn))
        .map((r) => r.value.name);
      const { items, next } = pageOf(names, input);
      return { RuleNames: items, ...next };
    },
  },
});

/** What a rule cannot send to is refused now, not when the first event is lost. */
function checkTarget(ctx: Context<any>, target: Target): void {
  const arn = parseArn(String(target.Arn));
  if (!arn) throw invalid(`Parameter ${target.Arn} is not valid. Reason: Provided Arn is not in correct format.`);
  const kind = targetKind(arn);
  const [service, operation] = kind?.needs ?? [];
  if (!kind || !service || !operation || !ctx.registry.service(service)?.operations[operation]) {
    throw notImplemented(`the target ${target.Arn} of an EventBridge rule`);
  }
  if (kind.asRole && !target.RoleArn) throw invalid(`RoleArn is required for target ${target.Arn}.`);
  if (arn.service === "sqs" && arn.resource.endsWith(".fifo") && !target.SqsParameters?.MessageGroupId)
    throw invalid(`Parameter(s) SqsParameters must be specified for target: ${target.Id}.`);
  const inputs = [target.Input, target.InputPath, target.InputTransformer].filter((one) => one !== undefined);
  if (inputs.length > 1)
    throw invalid(`Only one of Input, InputPath, or InputTransformer must be provided for target ${target.Id}.`);
  if (target.Input !== undefined && !isJson(target.Input))
    throw invalid(`JSON syntax error in input for target ${target.Id}.`);
  if (target.InputPath) readPath(target.InputPath, {});
  const transformer = target.InputTransformer;
  if (transformer) {
    const { InputPathsMap: inputPathsMap, InputTemplate } = transformer;
    checkInputTransformer(
      { inputTemplate: String(InputTemplate), ...(inputPathsMap ? { inputPathsMap } : {}) },
      String(target.Id),
    );
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
