import { authenticate } from "../../aws/authenticate.ts";
import type { Context } from "../../aws/context.ts";
import type { Principal } from "../../aws/principal.ts";
import type { RouteRequest } from "../../aws/route-answer.ts";
import { splitUrl, type EdgeRequest } from "./edge-request.ts";

/** Who signed a request to a user's endpoint for a service; nobody who is known where it is not signed. Throws as AWS's APIs do. */
export async function signerOf(
  ctx: Context<any>,
  signingName: "execute-api" | "lambda",
  { incoming, request }: { incoming: RouteRequest; request: EdgeRequest },
): Promise<Principal> {
  const [path, rawQuery] = splitUrl(incoming.url ?? "/");
  const { headers, rawHeaders } = incoming;
  const wire = { method: request.method, path, rawQuery, headers, rawHeaders };
  const options = { protocol: "restJson1", signingName, body: async () => request.body } as const;
  return (await authenticate(ctx.platform, wire, options)).principal;
}
