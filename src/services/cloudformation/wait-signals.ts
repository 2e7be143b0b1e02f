import type { Context } from "../../aws/context.ts";
import type { Route } from "../../aws/service.ts";
import { AwsError } from "../../kernel/aws-error.ts";
import { readWithin } from "../../kernel/read-within.ts";
import { WAIT_SIGNAL_BYTES, WAIT_SIGNALS } from "./limits.ts";
import { seal, unseal } from "./store.ts";

/** What was sent to a wait condition's URL. */
export interface WaitSignal {
  readonly Status: "SUCCESS" | "FAILURE";
  readonly UniqueId: string;
  readonly Reason: string;
  readonly Data: string;
}

interface Ticket {
  readonly handle: string;
  readonly region: string;
}

const PURPOSE = "cloudformation-wait";
const KIND = "wait-signal";
const HOST = /^cloudformation-waitcondition-[a-z0-9-]+\.s3[a-z0-9.-]*\.amazonaws\.com$/;

/** The URL of a handle: who has it may signal. */
export function waitUrl(ctx: Context<any>, handle: string): string {
  const ticket: Ticket = { handle, region: ctx.region };
  return `https://cloudformation-waitcondition-${ctx.region}.s3.${ctx.region}.amazonaws.com/${ctx.platform.vault.seal(PURPOSE, JSON.stringify(ticket))}`;
}

/** The handle that a URL of ours stands for. */
export function handleOf(ctx: Context<any>, url: string): string | undefined {
  const text = ctx.platform.vault.open(PURPOSE, url.slice(url.lastIndexOf("/") + 1));
  return text === undefined ? undefined : (JSON.parse(text) as Ticket).handle;
}

/** What a handle has received, one signal for each unique id. */
export async function signalsOf(ctx: Context<any>, handle: string): Promise<WaitSignal[]> {
  const rows = await ctx.records.list<string>(KIND, { prefix: `${handle}/` });
  return rows.map((row) => unseal<WaitSignal>(ctx, row.value));
}

export async function forgetSignals(ctx: Context<any>, handle: string): Promise<void> {
  const rows = await ctx.records.list(KIND, { prefix: `${handle}/` });
  await ctx.records.write(...rows.map((row) => ctx.records.remove(KIND, row.id)));
}

const tooLong = (): AwsError => new AwsError("EntityTooLarge", `A signal may have ${WAIT_SIGNAL_BYTES} bytes.`, 400);

/** Takes signals: `curl -T signal.json <the URL>`. */
export const waitSignals: Route<any, { sealed: string }> = {
  name: "wait condition signals",
  match: ({ method, host, path }) => (method === "PUT" && HOST.test(host) ? { sealed: path.slice(1) } : undefined),
  async handle(ctx, { sealed }, request, response) {
    const text = ctx.platform.vault.open(PURPOSE, sealed);
    if (text === undefined) throw new AwsError("AccessDenied", "Access Denied", 403);
    const { handle, region } = JSON.parse(text) as Ticket;
    const body = await readWithin(request, WAIT_SIGNAL_BYTES, tooLong);
    const here = ctx.inRegion(region);
    const signal = read(body.toString("utf8"));
    if ((await signalsOf(here, handle)).length >= WAIT_SIGNALS)
      throw new AwsError("InvalidRequest", `A wait condition takes ${WAIT_SIGNALS} signals.`, 400);
    await here.records.write(here.records.put(KIND, `${handle}/${signal.UniqueId}`, seal(here, signal)));
    response.writeHead(200, { "content-length": "0" }).end();
  },
};

function read(text: string): WaitSignal {
  const { Status, UniqueId, Reason = "", Data = "" } = parsed(text);
  if (
    (Status !== "SUCCESS" && Status !== "FAILURE") ||
    typeof UniqueId !== "string" ||
    !/^[\x21-\x7e]{1,256}$/.test(UniqueId)
  )
    throw new AwsError("InvalidRequest", "A signal is JSON with Status (SUCCESS or FAILURE) and UniqueId.", 400);
  return { Status, UniqueId, Reason: String(Reason), Data: String(Data) };
}

/** What is no JSON has nothing in it. */
function parsed(text: string): Partial<Record<keyof WaitSignal, unknown>> {
  try {
    return (JSON.parse(text) as Partial<Record<keyof WaitSignal, unknown>> | null) ?? {};
  } catch {
    return {};
  }
}
