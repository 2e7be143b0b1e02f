import type * as Gateway from "@aws-sdk/client-api-gateway";
import type { Context } from "../../../aws/context.ts";
import { operations } from "../../../aws/service.ts";
import { GuardFailed } from "../../../ports/database.ts";
import {
  checkCount,
  checkedPartProperties,
  documentedParts,
  fullLocation,
  noPart,
  noVersion,
  partsOf,
  putParts,
  sameLocation,
  type DocumentationPart,
  type DocumentationVersion,
} from "../documentation.ts";
import { apiOf, badRequest, conflict, newId, notFound, on, type Stage } from "../model.ts";
import { readDocument } from "../openapi.ts";
import { patched } from "../patch.ts";
import { stageId, stageOf } from "../stage-model.ts";
import { page } from "./apis.ts";

const partView = ({ id, location, properties }: DocumentationPart): Gateway.DocumentationPart => ({
  id,
  location: { ...location } as Gateway.DocumentationPartLocation,
  properties,
});

const versionView = ({ version, description, created }: DocumentationVersion): Gateway.DocumentationVersion => ({
  version,
  createdDate: new Date(created),
  ...(description === undefined ? {} : { description }),
});

const parts = (i: any): string => `/restapis/${i.restApiId}/documentation/parts`;
const part = (i: any): string => `${parts(i)}/${i.documentationPartId}`;
const versions = (i: any): string => `/restapis/${i.restApiId}/documentation/versions`;
const version = (i: any): string => `${versions(i)}/${i.documentationVersion}`;

const partId = (i: { restApiId?: string | undefined; documentationPartId?: string | undefined }): string =>
  `${i.restApiId}/${i.documentationPartId}`;
const versionId = (i: { restApiId?: string | undefined; documentationVersion?: string | undefined }): string =>
  `${i.restApiId}/${i.documentationVersion}`;

export const documentationParts = operations<typeof Gateway, any>()({
  CreateDocumentationPart: {
    permissions: on("POST", parts),
    async run(ctx, input) {
      const { id: apiId } = await apiOf(ctx, input.restApiId);
      const location = fullLocation(input.location ?? {});
      const made = { id: newId(ctx), location, properties: checkedPartProperties(input.properties) };
      const before = await partsOf(ctx, apiId);
      const there = before.find((one) => sameLocation(one.location, location));
      if (there && ctx.once !== undefined && there.id === made.id) return partView(there);
      if (there) throw conflict("Documentation part already exists for the specified location");
      checkCount(before.length + 1);
      await ctx.records.write(ctx.records.put("documentation-part", `${apiId}/${made.id}`, made));
      return partView(made);
    },
  },
  GetDocumentationPart: {
    permissions: on("GET", part),
    async run(ctx, input) {
      const stored = await ctx.records.get<DocumentationPart>("documentation-part", partId(input));
      if (!stored) throw noPart();
      return partView(stored.value);
    },
  },
  GetDocumentationParts: {
    permissions: on("GET", parts),
    async run(ctx, input) {
      const { id } = await apiOf(ctx, input.restApiId);
      if (input.locationStatus === "UNDOCUMENTED") return { items: [] };
      const wanted = (await partsOf(ctx, id)).filter(
        ({ location }) =>
          (input.type === undefined || location.type === input.type) &&
          (input.path === undefined || location.path === input.path) &&
          (input.nameQuery === undefined || (location.name ?? "").includes(input.nameQuery)),
      );
      const { items, ...rest } = page(wanted, input);
      return { items: items.map(partView), ...rest };
    },
  },
  UpdateDocumentationPart: {
    permissions: on("PATCH", part),
    async run(ctx, input) {
      const changed = await ctx.records.update<DocumentationPart>("documentation-part", partId(input), (before) => {
        const next = patched(before, input.patchOperations, ["properties"], ["replace"]);
        return { ...next, properties: checkedPartProperties(next.properties) };
      });
      if (!changed) throw noPart();
      return partView(changed);
    },
  },
  DeleteDocumentationPart: {
    permissions: on("DELETE", part),
    async run(ctx, input) {
      await apiOf(ctx, input.restApiId);
      if (!(await ctx.records.get("documentation-part", partId(input)))) throw noPart();
      await ctx.records.write(ctx.records.remove("documentation-part", partId(input)));
      return {};
    },
  },
  ImportDocumentationParts: {
    permissions: on("PUT", parts),
    async run(ctx, input) {
      const { id } = await apiOf(ctx, input.restApiId);
      return { ids: await putParts(ctx, id, givenParts(input.body), input.mode === "overwrite") };
    },
  },
});

function givenParts(body: Uint8Array | undefined) {
  try {
    return documentedParts(readDocument(body ?? Buffer.alloc(0)));
  } catch {
    throw badRequest("Unable to build importer with provided input.");
  }
}

export const documentationVersions = operations<typeof Gateway, any>()({
  CreateDocumentationVersion: {
    permissions: on("POST", versions),
    async run(ctx, input) {
      const { id } = await apiOf(ctx, input.restApiId);
      const made: DocumentationVersion = {
        version: String(input.documentationVersion),
        created: ctx.now(),
        parts: await partsOf(ctx, id),
        ...(input.description === undefined ? {} : { description: input.description }),
      };
      if (made.parts.length === 0)
        throw badRequest("Cannot create a documentation version of an API without documentation parts");
      if (input.stageName) await stageOf(ctx, id, input.stageName);
      const stage = input.stageName ? stageId(id, input.stageName) : undefined;
      if (!(await keepVersion(ctx, versionId(input), made, stage)))
        throw conflict(`Documentation version ${made.version} already exists`);
      return versionView(made);
    },
  },
  GetDocumentationVersion: {
    permissions: on("GET", version),
    async run(ctx, input) {
      const stored = await ctx.records.get<DocumentationVersion>("documentation-version", versionId(input));
      if (!stored) throw noVersion();
      return versionView(stored.value);
    },
  },
  GetDocumentationVersions: {
    permissions: on("GET", versions),
    async run(ctx, input) {
      const { id } = await apiOf(ctx, input.restApiId);
      const all = await ctx.records.list<DocumentationVersion>("documentation-version", { prefix: `${id}/` });
      const { items, ...rest } = page(all, input);
      return { items: items.map((row) => versionView(row.value)), ...rest };
    },
  },
  UpdateDocumentationVersion: {
    permissions: on("PATCH", version),
    async run(ctx, input) {
      const change = (before: DocumentationVersion): DocumentationVersion =>
        patched(before, input.patchOperations, ["description"], ["replace"]);
      const next = await ctx.records.update<DocumentationVersion>("documentation-version", versionId(input), change);
      if (!next) throw noVersion();
      return versionView(next);
    },
  },
  DeleteDocumentationVersion: {
    permissions: on("DELETE", version),
    async run(ctx, input) {
      if (!(await ctx.records.get("documentation-version", versionId(input)))) throw noVersion();
      await ctx.records.write(ctx.records.remove("documentation-version", versionId(input)));
      return {};
    },
  },
});

/** Writes a new version, and at once that the stage has it; false where there is one of that name. */
async function keepVersion(
  ctx: Context<any>,
  id: string,
  made: DocumentationVersion,
  stage: string | undefined,
): Promise<boolean> {
  if (stage === undefined) return ctx.records.create("documentation-version", id, made);
  const published = (before: Stage): Stage => ({ ...before, documentationVersion: made.version });
  try {
    const put = ctx.records.put("documentation-version", id, made, 0);
    if (!(await ctx.records.update<Stage>("stage", stage, published, put)))
      throw notFound("Invalid stage identifier specified");
    return true;
  } catch (error) {
    if (error instanceof GuardFailed) return false;
    throw error;
  }
}
