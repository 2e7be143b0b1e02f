import type { Context } from "../../../aws/context.ts";
import type { ActionProvider } from "../action-run.ts";
import { jobData, jobOf, type Job } from "../jobs.ts";
import type { Ctx } from "../model.ts";

/** A call of a Lambda function; it, or another one, tells the result by PutJobSuccessResult or PutJobFailureResult. */
export const lambda: ActionProvider = {
  timeoutMinutes: 24 * 60,
  async run(action) {
    const { ctx, role } = action;
    const job = await jobOf(action);
    if (job.status !== "Ended") await invoke(ctx, role, job);
    return { status: "Pending" };
  },
};

/** Sends the job's event to its function; once more for a job that goes on with a continuation token. */
export async function invoke(ctx: Ctx, role: Context<any>, job: Job): Promise<void> {
  const event = { "CodePipeline.job": { id: job.id, accountId: ctx.account, data: await jobData(ctx, job) } };
  await role.call("lambda", "Invoke", {
    FunctionName: String(job.configuration["FunctionName"]),
    InvocationType: "Event",
    Payload: Buffer.from(JSON.stringify(event)),
  });
}
