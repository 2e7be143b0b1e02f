import { AwsError } from "../../kernel/aws-error.ts";
import { GuardFailed, type Statement } from "../../ports/database.ts";
import type { Ctx } from "./model.ts";

const MAX_TRIES = 50;
const MAX_LISTED = 10 ** 15;

/** What is numbered within its project, and listed by the time of its start and by its number: builds, and batches. */
export interface Numbered<T> {
  readonly kind: string;
  readonly counter: string;
  readonly order: string;
  readonly projectOrder: string;
  /** What several of them are called. */
  readonly name: string;
  existing(ctx: Ctx, id: string): Promise<T>;
}

interface Started {
  readonly id: string;
  readonly projectName: string;
  readonly startTime: number;
}

const orderId = ({ id, startTime }: Started): string => `${MAX_LISTED + startTime}/${id}`;
const projectOrderId = ({ projectName }: Started, number: number): string =>
  `${projectName}/${String(number).padStart(12, "0")}`;

/** What a call with the same token has started. */
export async function startedBefore<T>(ctx: Ctx, what: Numbered<T>, token: string | undefined): Promise<T | undefined> {
  const earlier = token === undefined ? undefined : await ctx.records.get<string>("token", token);
  return earlier && (await what.existing(ctx, earlier.value));
}

/** Stores what `make` makes for the project's next number, once for each token. */
export async function startNumbered<T>(
  ctx: Ctx,
  what: Numbered<T>,
  project: string,
  token: string | undefined,
  make: (id: string, number: number) => { started: Started; stored: T; also: Statement[] },
): Promise<T> {
  const id = `${project}:${ctx.platform.ids.uuid()}`;
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const counter = await ctx.records.get<number>(what.counter, project);
    const number = (counter?.value ?? 0) + 1;
    const { started, stored, also } = make(id, number);
    try {
      await ctx.records.write(
        ctx.records.put(what.counter, project, number, counter?.rev ?? 0),
        ctx.records.put(what.kind, id, stored, 0),
        ctx.records.put(what.order, orderId(started), id),
        ctx.records.put(what.projectOrder, projectOrderId(started, number), id),
        token === undefined ? [] : ctx.records.put("token", token, id, 0),
        also,
      );
      return stored;
    } catch (error) {
      if (!(error instanceof GuardFailed)) throw error;
      const other = await startedBefore(ctx, what, token);
      if (other) return other;
    }
  }
  throw new AwsError(
    "InternalServiceError",
    `${what.name} of ${project} are started faster than they can be numbered; try again`,
    500,
  );
}

/** Takes away what `startNumbered` has stored. */
export const removeNumbered = (ctx: Ctx, what: Numbered<unknown>, started: Started, number = 0): Statement[] => [
  ctx.records.remove(what.kind, started.id),
  ctx.records.remove(what.order, orderId(started)),
  ctx.records.remove(what.projectOrder, projectOrderId(started, number)),
];
