import type { Properties, ResourceType } from "../../../aws/service.ts";
import { codeOf, ignoring } from "../../../kernel/aws-error.ts";
import { text } from "./patches.ts";

const ignoreGone = ignoring("NotFoundException");

function locationOf(properties: Properties) {
  const { Type, Path, Method, StatusCode, Name } = (properties["Location"] ?? {}) as Properties;
  return { type: Type, path: Path, method: Method, statusCode: StatusCode, name: Name };
}

/** AWS::ApiGateway::DocumentationPart. */
export const documentationPart: ResourceType = {
  type: "AWS::ApiGateway::DocumentationPart",
  async create(ctx, properties) {
    const made = await ctx.call("apigateway", "CreateDocumentationPart", {
      restApiId: properties["RestApiId"],
      location: locationOf(properties),
      properties: properties["Properties"],
    });
    return String(made.id);
  },
  async update(ctx, id, next, previous) {
    const patchOperations = text("/properties", next["Properties"], previous["Properties"]);
    const where = { restApiId: next["RestApiId"], documentationPartId: id };
    if (patchOperations.length) await ctx.call("apigateway", "UpdateDocumentationPart", { ...where, patchOperations });
  },
  async remove(ctx, id, { RestApiId }) {
    const where = { restApiId: RestApiId, documentationPartId: id };
    await ctx.call("apigateway", "DeleteDocumentationPart", where).catch(ignoreGone);
  },
  attributes: async (_ctx, id) => ({ DocumentationPartId: id }),
};

/** AWS::ApiGateway::DocumentationVersion. */
export const documentationVersion: ResourceType = {
  type: "AWS::ApiGateway::DocumentationVersion",
  async create(ctx, { RestApiId, DocumentationVersion, Description }) {
    try {
      await ctx.call("apigateway", "CreateDocumentationVersion", {
        restApiId: RestApiId,
        documentationVersion: DocumentationVersion,
        description: Description,
      });
    } catch (error) {
      if (codeOf(error) !== "ConflictException" || !ctx.retried) throw error;
    }
    return String(DocumentationVersion);
  },
  async update(ctx, id, next, previous) {
    const patchOperations = text("/description", next["Description"] ?? "", previous["Description"] ?? "");
    const where = { restApiId: next["RestApiId"], documentationVersion: id };
    if (patchOperations.length)
      await ctx.call("apigateway", "UpdateDocumentationVersion", { ...where, patchOperations });
  },
  async remove(ctx, id, { RestApiId }) {
    const where = { restApiId: RestApiId, documentationVersion: id };
    await ctx.call("apigateway", "DeleteDocumentationVersion", where).catch(ignoreGone);
  },
};
