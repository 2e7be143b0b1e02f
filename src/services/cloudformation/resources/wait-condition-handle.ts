import type { ResourceType } from "../../../aws/service.ts";

/** AWS::CloudFormation::WaitConditionHandle: templates that need one resource, and no more, use it as a placeholder. */
export const waitConditionHandle: ResourceType = {
  type: "AWS::CloudFormation::WaitConditionHandle",
  create: async (ctx) => `${ctx.platform.settings.publicUrl}/_starling/cloudformation/wait/${ctx.physicalName()}`,
  update: async () => undefined,
  remove: async () => undefined,
};
