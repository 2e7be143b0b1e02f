import type * as Gateway from "@aws-sdk/client-api-gateway";
import { stringify } from "yaml";
import { operations } from "../../../aws/service.ts";
import type { DocumentationVersion } from "../documentation.ts";
import { exportOpenApi, versionOf } from "../export-openapi.ts";
import { apiOf, badRequest, notFound, on, type Deployment } from "../model.ts";
import { stageOf } from "../stage-model.ts";

const EXTENSIONS = ["apigateway", "integrations", "authorizers", "documentation", "postman", "validators"];

/** `integrations,authorizers` as a set. */
function extensionsOf(given: string | undefined): Set<string> {
  const all = (given ?? "").split(",").filter(Boolean);
  const strange = all.find((one) => !EXTENSIONS.includes(one));
  if (strange !== undefined) throw badRequest(`Invalid extensions specified: ${strange}`);
  return new Set(all);
}

const TYPES: Readonly<Record<string, "json" | "yaml">> = { "application/json": "json", "application/yaml": "yaml" };

export const exports = operations<typeof Gateway, any>()({
  GetExport: {
    permissions: on("GET", (i) => `/restapis/${i.restApiId}/stages/${i.stageName}/exports/${i.exportType}`),
    async run(ctx, input) {
      const api = await apiOf(ctx, input.restApiId);
      const format = input.exportType;
      if (format !== "swagger" && format !== "oas30") throw badRequest(`No API exporter for type '${format}'`);
      const stage = await stageOf(ctx, input.restApiId, input.stageName);
      const kind = TYPES[input.accepts || "application/json"];
      if (!kind) throw badRequest(`Unsupported content type: ${input.accepts}`);
      const stored = await ctx.records.get<Deployment>("deployment", `${api.id}:${stage.deploymentId}`);
      if (!stored) throw notFound("Invalid Deployment identifier specified");
      const { documentationVersion } = stage;
      const documentation = documentationVersion
        ? await ctx.records.get<DocumentationVersion>("documentation-version", `${api.id}/${documentationVersion}`)
        : undefined;
      const { protocol, host } = new URL(ctx.platform.settings.publicUrl);
      const document = exportOpenApi({
        api,
        deployment: stored.value,
        stage: stage.name,
        endpoint: new URL(`${protocol}//${api.id}.execute-api.${host}`),
        format,
        documentation: documentation?.value,
        extensions: extensionsOf(input.parameters?.["extensions"]),
      });
      const text = kind === "json" ? JSON.stringify(document, undefined, 2) : stringify(document);
      return {
        body: Buffer.from(text),
        contentType: "application/octet-stream",
        contentDisposition: `attachment; filename="${format}_${versionOf({ api }).replaceAll(/[^\w.: +-]/g, "")}.${kind}"`,
      };
    },
  },
});
