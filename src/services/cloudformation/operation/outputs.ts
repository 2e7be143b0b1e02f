import type { Context } from "../../../aws/context.ts";
import { resolveOutputs, type Scope, type Template } from "../../../engines/cloudformation/index.ts";
import type { Statement } from "../../../ports/database.ts";
import type { Export, StackOutput } from "../model.ts";
import { allExports, importersOf } from "../store.ts";
import { StepFailed } from "./failure.ts";
import type { StackRun } from "./stack-run.ts";

/** The outputs that the stack now has, and what must be written for its exports. Throws StepFailed where an export cannot be as it is to be. */
export async function finishOutputs(
  run: StackRun,
  template: Template,
  scope: Scope,
): Promise<{ outputs: StackOutput[]; statements: Statement[] }> {
  const { ctx, stack } = run;
  const outputs = resolveOutputs(template, { ...scope, partial: false });
  const known = await allExports(ctx);
  const wanted = new Map<string, string>();
  for (const { exportName, value } of outputs) {
    if (exportName === undefined) continue;
    const other = known.get(exportName);
    if (other && other.stack !== stack.uuid)
      throw new StepFailed(`Export with name ${exportName} is already exported by stack ${other.stackName}`);
    if (wanted.has(exportName))
      throw new StepFailed(`Duplicate Export names. More than 1 output is using ${exportName} for Export names`);
    if (other && other.value !== value) await refuseWhereUsed(ctx, exportName, "updated");
    wanted.set(exportName, value);
  }
  const statements: Statement[] = [];
  for (const e of known.values()) {
    if (e.stack !== stack.uuid || wanted.has(e.name)) continue;
    await refuseWhereUsed(ctx, e.name, "deleted");
    statements.push(ctx.records.remove("export", e.name));
  }
  for (const [name, value] of wanted) {
    const row: Export = { name, value, stack: stack.uuid, stackArn: stack.arn, stackName: stack.name };
    statements.push(ctx.records.put("export", name, row, ...(known.has(name) ? [] : [0])));
  }
  const shown = outputs.map((o): StackOutput => ({
    OutputKey: o.name,
    OutputValue: o.value,
    ...(o.description === undefined ? {} : { Description: o.description }),
    ...(o.exportName === undefined ? {} : { ExportName: o.exportName }),
  }));
  return { outputs: shown, statements };
}

async function refuseWhereUsed(ctx: Context<any>, name: string, verb: "updated" | "deleted"): Promise<void> {
  const users = await importersOf(ctx, name);
  if (users.length > 0)
    throw new StepFailed(`Export ${name} cannot be ${verb} as it is in use by ${users.join(" and ")}`);
}

/** Statements that forget all exports of a stack that is going; throws StepFailed where one is in use. */
export async function dropExports(run: StackRun): Promise<Statement[]> {
  const { ctx, stack } = run;
  const own = [...(await allExports(ctx)).values()].filter((e) => e.stack === stack.uuid);
  for (const e of own) {
    const users = await importersOf(ctx, e.name);
    if (users.length > 0)
      throw new StepFailed(
        `Delete canceled. Cannot delete export ${e.name} as it is in use by ${users.join(" and ")}.`,
      );
  }
  return own.map((e) => ctx.records.remove("export", e.name));
}

/** Statements that set which exports a stack uses; with `addOnly` what it used before stays. */
export async function setImports(run: StackRun, names: ReadonlySet<string>, addOnly = false): Promise<Statement[]> {
  const { ctx, stack } = run;
  const held = (await ctx.records.list<{ uuid: string }>("import")).filter((r) => r.value.uuid === stack.uuid);
  const key = (name: string): string => `${name}\n${stack.uuid}`;
  const wanted = new Set([...names].map(key));
  return [
    ...held.filter((r) => !addOnly && !wanted.has(r.id)).map((r) => ctx.records.remove("import", r.id)),
    ...[...names]
      .filter((name) => !held.some((r) => r.id === key(name)))
      .map((name) => ctx.records.put("import", key(name), { name: stack.name, uuid: stack.uuid })),
  ];
}
