import type { Route } from "../../aws/service.ts";
import { AwsError } from "../../kernel/aws-error.ts";
import { sendStream } from "../../kernel/send-stream.ts";
import type { LambdaState } from "./state.ts";

const PREFIX = "/_starling/code/";

/** The download that GetFunction's `Code.Location` names: whoever has the link may, for ten minutes, as with a presigned URL. */
export const codeDownload: Route<LambdaState, { token: string }> = {
  name: "lambda code",
  match: ({ method, path }) =>
    method === "GET" && path.startsWith(PREFIX) ? { token: path.slice(PREFIX.length) } : undefined,
  async handle(ctx, { token }, _request, response) {
    const text = ctx.platform.vault.open("lambda-code", token);
    const { d: digest, e: end } = text === undefined ? { d: "", e: 0 } : (JSON.parse(text) as { d: string; e: number });
    if (end < ctx.now() || !(await ctx.platform.blobs.has(digest)))
      throw new AwsError("AccessDenied", "This link has expired or is not valid.", 403);
    response.writeHead(200, {
      "content-type": "application/zip",
      "content-disposition": 'attachment; filename="function.zip"',
    });
    await sendStream(ctx.platform.blobs.open(digest), response);
  },
};
