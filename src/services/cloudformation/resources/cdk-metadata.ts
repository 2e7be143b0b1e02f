import type { ResourceType } from "../../../aws/service.ts";

/** AWS::CDK::Metadata: says which CDK made a template, and makes nothing, on AWS as here. */
export const cdkMetadata: ResourceType = {
  type: "AWS::CDK::Metadata",
  create: async (ctx) => ctx.physicalName(),
  update: async () => undefined,
  remove: async () => undefined,
};
