import type { ActionProvider } from "../action-run.ts";
import { pipelineArn } from "../model.ts";

/** Approval by a person: PutApprovalResult ends it. */
export const approval: ActionProvider = {
  timeoutMinutes: 7 * 24 * 60,
  async run(action) {
    const { ctx, configuration, declaration, execution, run, role } = action;
    if (run.token) return { status: "Pending" };
    const token = ctx.platform.ids.uuid();
    await action.save({ token, ...(configuration["CustomData"] ? { summary: configuration["CustomData"] } : {}) });
    const TopicArn = configuration["NotificationArn"];
    if (TopicArn) {
      const message = {
        region: ctx.region,
        approval: {
          pipelineName: declaration.name,
          stageName: run.stage,
          actionName: run.action,
          token,
          expires: new Date(
            run.started + (action.action.timeoutInMinutes ?? approval.timeoutMinutes) * 60_000,
          ).toISOString(),
          externalEntityLink: configuration["ExternalEntityLink"] ?? null,
          customData: configuration["CustomData"] ?? null,
          pipelineExecutionId: execution.id,
          pipelineArn: pipelineArn(ctx, declaration.name),
        },
      };
      await role.call("sns", "Publish", {
        TopicArn,
        Subject: `APPROVAL NEEDED: AWS CodePipeline ${declaration.name} for action ${run.action}`.slice(0, 100),
        Message: JSON.stringify(message),
      });
    }
    return { status: "Pending" };
  },
};
