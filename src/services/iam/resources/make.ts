import type { ResourceContext } from "../../../aws/service.ts";
import { codeOf } from "../../../kernel/aws-error.ts";

/** Makes it, or finds what an earlier try of this step has made. */
export async function make(ctx: ResourceContext, work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (codeOf(error) !== "EntityAlreadyExists" || !ctx.retried) throw error;
  }
}
