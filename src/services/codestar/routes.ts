import type { Context } from "../../aws/context.ts";
import { forward } from "../../aws/forward.ts";
import { AWS_ZONE, belowZone } from "../../aws/host-zones.ts";
import { isSignedForS3 } from "../../aws/route-s3.ts";
import type { Route } from "../../aws/service.ts";
import { applicationStack, type Project } from "./model.ts";
import { projectPage } from "./project-page.ts";
import { asServiceRole } from "./service-role.ts";
import { resourcesOf } from "./stacks.ts";
import type { CodeStarState } from "./state.ts";

/** `http://<project>.localhost:4566/`, or below the host of the platform's URLs: one label, as a project's id is. */
const LABEL = /^[a-z][a-z0-9-]{0,13}[a-z0-9]$/;
const NOT_PROJECTS = new Set(["console", "s3"]);
/** How long an address is believed: a request may come thousands of times a second, a deployment does not. */
const KEEP_MS = 1_000;
const MAX_KEPT = 1_000;

/** A project's application, at a name that people can remember. */
export const projectRoute: Route<CodeStarState, { id: string }> = {
  name: "project page",
  match(target) {
    const { name: id = "", zone } = belowZone(target.host, target.publicHost) ?? {};
    if (zone === AWS_ZONE || !LABEL.test(id) || NOT_PROJECTS.has(id)) return undefined;
    // SDKs call a bucket so where they were given the platform as S3's endpoint.
    return isSignedForS3(target) ? undefined : { id };
  },
  async handle(ctx, { id }, request, response) {
    const found = await addressOf(ctx, id);
    const target = typeof found === "object" ? found : undefined;
    if (target && (await forward(ctx, request, response, target))) return;
    // Forms and preflights say nothing of S3 in their heads: they are a bucket's where no project has the name.
    if (found === "unknown" && (await forward(ctx, request, response, { host: `${id}.s3.localhost`, prefix: "" })))
      return;
    request.resume();
    projectPage(response, { id, is: typeof found === "object" ? "deploying" : found });
  },
};

type Found = { readonly host: string; readonly prefix: string } | "unknown" | "deploying" | "pageless";

/** Where the application of a project is served, once it is deployed. */
async function addressOf(ctx: Context<CodeStarState>, id: string): Promise<Found> {
  const { addresses } = ctx.state;
  const kept = addresses.get(id);
  if (kept && kept.until > ctx.now()) return kept.found;
  const found = await lookUp(ctx, id);
  if (addresses.size >= MAX_KEPT) addresses.delete(addresses.keys().next().value as string);
  // What is not there yet may be there the next moment.
  if (typeof found === "object") addresses.set(id, { found, until: ctx.now() + KEEP_MS });
  return found;
}

async function lookUp(ctx: Context<any>, id: string): Promise<Found> {
  const project = await ctx.records.get<Project>("project", id);
  if (!project) return "unknown";
  if (!project.value.stackId) return "deploying";
  const resources = await resourcesOf(await asServiceRole(ctx, id), applicationStack(id));
  const live = resources.filter((r) => r.PhysicalResourceId && !String(r.ResourceStatus).startsWith("DELETE"));
  const idOf = (type: string): string | undefined => live.find((r) => r.ResourceType === type)?.PhysicalResourceId;
  const restApi = idOf("AWS::ApiGateway::RestApi");
  const stages = live
    .filter((r) => r.ResourceType === "AWS::ApiGateway::Stage")
    .map((r) => String(r.PhysicalResourceId));
  // SAM makes a second stage called "Stage" beside the one that is meant.
  const stage = stages.find((name) => name === "Prod") ?? stages.find((name) => name !== "Stage") ?? stages[0];
  if (restApi && stage) return { host: `${restApi}.execute-api.localhost`, prefix: `/${encodeURIComponent(stage)}` };
  const httpApi = idOf("AWS::ApiGatewayV2::Api");
  if (!httpApi) {
    const settled = live.length > 0 && live.every((r) => String(r.ResourceStatus).endsWith("_COMPLETE"));
    return settled ? "pageless" : "deploying";
  }
  const httpStage = idOf("AWS::ApiGatewayV2::Stage");
  return {
    host: `${httpApi}.execute-api.localhost`,
    prefix: httpStage && httpStage !== "$default" ? `/${encodeURIComponent(httpStage)}` : "",
  };
}
