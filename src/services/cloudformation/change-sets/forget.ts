import type { Context } from "../../../aws/context.ts";
import type { Stored } from "../../../aws/records.ts";
import type { Statement } from "../../../ports/database.ts";
import type { ChangeSet, Stack } from "../model.ts";

/** Statements that forget a change set that is not to be executed, with those of its nested stacks. */
export async function forgotten(ctx: Context<any>, { id, value: set }: Stored<ChangeSet>): Promise<Statement[]> {
  const { records } = ctx;
  const template =
    set.revision && set.executionStatus !== "EXECUTE_COMPLETE"
      ? [records.remove("template", `${set.stack}/${set.revision.templateId}`)]
      : [];
  return [records.remove("change-set", id), ...template, ...(await unusedChildren(ctx, set.children))];
}

/** Statements that end the change sets of a stack that is about to change without them. */
export async function obsoleted(ctx: Context<any>, stack: Stack): Promise<Statement[]> {
  const { records } = ctx;
  const sets = await records.list<ChangeSet>("change-set", { prefix: `${stack.uuid}/` });
  return sets
    .filter(({ value }) => value.executionStatus === "AVAILABLE")
    .map(({ id, value, rev }) =>
      records.put("change-set", id, { ...value, executionStatus: "OBSOLETE" } satisfies ChangeSet, rev),
    );
}

/** Statements that forget change sets of nested stacks that were not executed, and the stacks that they alone are for. */
export async function unusedChildren(ctx: Context<any>, children: ChangeSet["children"]): Promise<Statement[]> {
  const { records } = ctx;
  const statements: Statement[] = [];
  for (const id of Object.values(children ?? {})) {
    const found = await records.get<ChangeSet>("change-set", id);
    if (!found || found.value.executionStatus === "EXECUTE_COMPLETE") continue;
    statements.push(...(await forgotten(ctx, found)));
    const stack = (await records.get<Stack>("stack", found.value.stack))?.value;
    if (stack?.status !== "REVIEW_IN_PROGRESS") continue;
    const events = await records.list("event", { prefix: `${stack.uuid}/` });
    statements.push(
      records.remove("stack-name", stack.name),
      records.remove("stack", stack.uuid),
      ...events.map((event) => records.remove("event", event.id)),
    );
  }
  return statements;
}
