import type { ActionProvider } from "../action-run.ts";
import { jobOf } from "../jobs.ts";

/** An action whose work somebody's own worker takes by PollForJobs. */
export const customJob: ActionProvider = {
  timeoutMinutes: 24 * 60,
  async run(action) {
    const { category, provider, version } = action.action.actionTypeId;
    await jobOf(action, `${category}:${provider}:${version}`);
    return { status: "Pending" };
  },
};
