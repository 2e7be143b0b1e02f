import type { ResourceContext } from "../../../aws/service.ts";
import type { Stored } from "../../../aws/records.ts";
import { ownValue } from "../../../kernel/own-value.ts";
import type { ChangeSet, Operation, Stack } from "../model.ts";
import type { Start } from "../start-stack.ts";
import { loadTemplate } from "../store.ts";

/** What the change set that is being executed has in store for a nested stack. */
export interface PlannedStack {
  readonly stack: Stored<Stack>;
  /** The template as it was read for the change set. */
  readonly text: string;
  readonly start: Start;
}

/** The plan for the nested stack that a step is about; `undefined` where no change set covers it. */
export async function plannedStack(ctx: ResourceContext, above: Stack): Promise<PlannedStack | undefined> {
  const operation = (await ctx.records.get<Operation>("operation", above.operation ?? ""))?.value;
  const id = ownValue(operation?.children, ctx.logicalId);
  const found = id === undefined ? undefined : await ctx.records.get<ChangeSet>("change-set", id);
  if (!found?.value.revision) return undefined;
  const { value: set } = found;
  const stack = await ctx.records.get<Stack>("stack", set.stack);
  if (!stack) return undefined;
  const executed: ChangeSet = { ...set, executionStatus: "EXECUTE_COMPLETE" };
  return {
    stack,
    text: (await loadTemplate(ctx, set.stack, set.revision!.templateId)).text,
    start: {
      changeSetArn: set.arn,
      children: set.children,
      also: [ctx.records.put("change-set", found.id, executed)],
    },
  };
}
