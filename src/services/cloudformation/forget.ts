import type { Context } from "../../aws/context.ts";
import type { Periodic } from "../../aws/service.ts";
import type { CustomResponse } from "./custom-responses.ts";
import type { Statement } from "../../ports/database.ts";
import type { Detection } from "./drift/detect.ts";
import { DELETED_STACK_DAYS } from "./limits.ts";
import type { Operation, Stack } from "./model.ts";
import type { SetOperation, StackSet } from "./stack-sets/model.ts";
import { OPERATIONS, SETS, TURNS } from "./stack-sets/store.ts";

const DAY_MS = 86_400_000;
const BATCH = 500;

async function driftRecords(ctx: Context<any>, { uuid }: Stack): Promise<Statement[]> {
  const found = await ctx.records.get<Detection>("drift", uuid);
  return found ? [ctx.records.remove("drift", uuid), ctx.records.remove("drift-detection", found.value.id)] : [];
}

/** Forgets stacks that were deleted long ago, with all that belongs to them, and answers of custom resources. */
export const forget: Periodic<any> = {
  name: "forget deleted stacks",
  everyMs: 6 * 60 * 60_000,
  async run(ctx) {
    const { records } = ctx;
    const old = (await records.list<Stack>("stack")).filter(
      ({ value }) => value.deleted !== undefined && value.deleted < ctx.now() - DELETED_STACK_DAYS * DAY_MS,
    );
    const operations = await records.list<Operation>("operation");
    for (const { value: stack } of old) {
      for (const kind of ["event", "resource", "template", "leftover", "resource-drift", "change-set"]) {
        const rows = await records.list(kind, { prefix: `${stack.uuid}/` });
        for (let i = 0; i < rows.length; i += BATCH)
          await records.write(rows.slice(i, i + BATCH).map((r) => records.remove(kind, r.id)));
      }
      const own = operations.filter((o) => o.value.stack === stack.uuid);
      await records.write(
        own.flatMap((o) => [records.remove("operation", o.id), records.remove("cancel", o.id)]),
        records.remove("stack", stack.uuid),
        ...(await driftRecords(ctx, stack)),
      );
    }
    const latest = new Set((await records.list<Stack>("stack")).map((s) => s.value.operation));
    const ended = operations.filter((o) => o.value.phase === "done" && !latest.has(o.id));
    for (let i = 0; i < ended.length; i += BATCH)
      await records.write(
        ended.slice(i, i + BATCH).flatMap((o) => [records.remove("operation", o.id), records.remove("cancel", o.id)]),
      );
    const answers = (await records.list<CustomResponse>("custom-response")).filter(
      (a) => a.value.at < ctx.now() - DAY_MS,
    );
    await records.write(answers.map((a) => records.remove("custom-response", a.id)));
    await forgetStackSets(ctx);
  },
};

/** Forgets stack sets that were deleted long ago, and operations that ended long ago. */
async function forgetStackSets(ctx: Context<any>): Promise<void> {
  const { records } = ctx;
  const isOld = (time: number | undefined): boolean =>
    time !== undefined && time < ctx.now() - DELETED_STACK_DAYS * DAY_MS;
  const sets = (await records.list<StackSet>(SETS)).filter(({ value }) => isOld(value.deleted));
  const ended = (await records.list<SetOperation>(OPERATIONS)).filter(({ value }) => isOld(value.ended));
  const gone = [
    ...sets.flatMap(({ id }) => [records.remove(SETS, id), records.remove(TURNS, id)]),
    ...ended.map(({ id }) => records.remove(OPERATIONS, id)),
  ];
  for (let i = 0; i < gone.length; i += BATCH) await records.write(gone.slice(i, i + BATCH));
}
