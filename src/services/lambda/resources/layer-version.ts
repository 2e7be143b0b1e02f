import type { ResourceType } from "../../../aws/service.ts";
import { codeOf } from "../../../kernel/aws-error.ts";

const split = (layerVersionArn: string): { LayerName: string; VersionNumber: number } => {
  const at = layerVersionArn.lastIndexOf(":");
  return { LayerName: layerVersionArn.slice(0, at), VersionNumber: Number(layerVersionArn.slice(at + 1)) };
};

/** AWS::Lambda::LayerVersion. */
export const lambdaLayerVersion: ResourceType = {
  type: "AWS::Lambda::LayerVersion",
  async create(ctx, { LayerName, Content, Description, CompatibleRuntimes, CompatibleArchitectures, LicenseInfo }) {
    const made = await ctx.call("lambda", "PublishLayerVersion", {
      LayerName: LayerName ?? ctx.physicalName({ maxLength: 140 }),
      Content,
      Description,
      CompatibleRuntimes,
      CompatibleArchitectures,
      LicenseInfo,
    });
    return String(made.LayerVersionArn);
  },
  async remove(ctx, id) {
    await ctx.call("lambda", "DeleteLayerVersion", split(id));
  },
  attributes: async (_ctx, id) => ({ LayerVersionArn: id }),
};

/** AWS::Lambda::LayerVersionPermission. */
export const lambdaLayerVersionPermission: ResourceType = {
  type: "AWS::Lambda::LayerVersionPermission",
  async create(ctx, { LayerVersionArn, Action, Principal, OrganizationId }) {
    const StatementId = ctx.physicalName({ maxLength: 100 });
    try {
      await ctx.call("lambda", "AddLayerVersionPermission", {
        ...split(String(LayerVersionArn)),
        StatementId,
        Action,
        Principal: String(Principal),
        OrganizationId,
      });
    } catch (error) {
      if (codeOf(error) !== "ResourceConflictException" || !ctx.retried) throw error;
    }
    return `${LayerVersionArn}#${StatementId}`;
  },
  async remove(ctx, id, { LayerVersionArn }) {
    const StatementId = id.slice(id.lastIndexOf("#") + 1);
    await ctx
      .call("lambda", "RemoveLayerVersionPermission", { ...split(String(LayerVersionArn)), StatementId })
      .catch((error: unknown) => {
        if (codeOf(error) !== "ResourceNotFoundException") throw error;
      });
  },
  attributes: async (_ctx, id) => ({ Id: id }),
};
