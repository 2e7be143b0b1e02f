import type { Context } from "../../aws/context.ts";
import type { Route } from "../../aws/service.ts";
import { AwsError } from "../../kernel/aws-error.ts";
import { readWithin } from "../../kernel/read-within.ts";
import { CUSTOM_RESPONSE_BYTES } from "./limits.ts";
import { seal } from "./store.ts";

/** What a custom resource's function answers. */
export interface CustomResponse {
  readonly Status: string;
  readonly Reason?: string;
  readonly PhysicalResourceId?: string;
  /** Sealed, as it may hold secrets. */
  readonly Data?: string;
  readonly at: number;
}

interface Ticket {
  readonly token: string;
  readonly region: string;
  readonly end: number;
}

const PURPOSE = "cloudformation-response";
const HOST = /^cloudformation-custom-resource-response-[a-z0-9]+\.s3[.-][a-z0-9-]+\.amazonaws\.com$/;

/** The URL that a function answers to. Who has it may answer once it was asked, until the time is up. */
export function responseUrl(ctx: Context<any>, token: string, seconds: number): string {
  const ticket: Ticket = { token, region: ctx.region, end: ctx.now() + seconds * 1000 };
  const sealed = ctx.platform.vault.seal(PURPOSE, JSON.stringify(ticket));
  return `https://cloudformation-custom-resource-response-${ctx.region.replaceAll("-", "")}.s3.${ctx.region}.amazonaws.com/${sealed}`;
}

const tooLong = (): AwsError =>
  new AwsError("EntityTooLarge", `A response may have ${CUSTOM_RESPONSE_BYTES} bytes.`, 400);

/** Takes the answers of custom resources. */
export const customResponses: Route<any, { sealed: string }> = {
  name: "custom resource responses",
  match: ({ method, host, path }) => (method === "PUT" && HOST.test(host) ? { sealed: path.slice(1) } : undefined),
  async handle(ctx, { sealed }, request, response) {
    const text = ctx.platform.vault.open(PURPOSE, sealed);
    const ticket = text === undefined ? undefined : (JSON.parse(text) as Ticket);
    if (!ticket || ticket.end < ctx.now()) throw new AwsError("AccessDenied", "Request has expired", 403);
    const body = await readWithin(request, CUSTOM_RESPONSE_BYTES, tooLong);
    const answer = read(ctx, body.toString("utf8"));
    // The first answer counts.
    await ctx.inRegion(ticket.region).records.create("custom-response", ticket.token, answer);
    ctx.platform.bus.publish(`cloudformation-response:${ticket.token}`, "answered");
    response.writeHead(200, { "content-length": "0" }).end();
  },
};

function read(ctx: Context<any>, text: string): CustomResponse {
  const at = ctx.now();
  try {
    const value = JSON.parse(text) as (Partial<Omit<CustomResponse, "Data">> & { Data?: unknown }) | null;
    if (value?.Status === "SUCCESS" || value?.Status === "FAILED") {
      const Data = seal(ctx, typeof value.Data === "object" && value.Data !== null ? value.Data : {});
      const id = value.PhysicalResourceId;
      return {
        Status: value.Status,
        Reason: String(value.Reason ?? ""),
        Data,
        at,
        ...(id ? { PhysicalResourceId: String(id).slice(0, 1024) } : {}),
      };
    }
  } catch {
    // Told to the stack below: what cannot be read is a failure of the resource.
  }
  return { Status: "FAILED", Reason: "Response object is not in the form that CloudFormation expects.", at };
}
