import type { IncomingMessage, ServerResponse } from "node:http";
import type { Readable, Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Context } from "../../aws/context.ts";
import type { Route, RouteTarget } from "../../aws/service.ts";
import { errorText, GitFailed, startGit } from "../../compute/source/index.ts";
import { leaveUnread } from "../../aws/unread-body.ts";
import { AwsError, messageOf } from "../../kernel/aws-error.ts";
import { StorageFull } from "../../ports/database.ts";
import type { ToolSandbox } from "../../ports/sandbox.ts";
import { changingRefs } from "./announce.ts";
import { authorizeAll } from "./git-access.ts";
import { authenticateGit } from "./git-auth.ts";
import { folderOf, type Repository } from "./model.ts";
import { pipelinesOf } from "./pipelines.ts";
import { beforeFlush, errorPacket, progressPackets, readPushHead, type PushHead } from "./pkt-line.ts";

type Service = "git-upload-pack" | "git-receive-pack";

export interface GitRequest {
  readonly service: Service;
  /** The list of refs, not the exchange itself. */
  readonly info: boolean;
  readonly name: string;
  /** The repository's part of the path: what a credential helper signs. */
  readonly signedPath: string;
  readonly host: string;
  /** From the host's name; absent on a plain host. */
  readonly region?: string;
}

const PULL_MS = 30 * 60_000;
export const PUSH_MS = 30 * 60_000;
const MAX_HEAD = 64 * 1024;
/** Hosts on which users serve things of their own: nothing of ours answers there. */
const OTHERS = /(^|\.)(execute-api|lambda-url|s3|s3-website|cloudfront)[.-]/;

function matchGit(target: RouteTarget): GitRequest | undefined {
  const { host, path, method } = target;
  if (!path.startsWith("/v1/repos/")) return undefined;
  const [, signedPath = "", name = "", action] =
    /^(\/v1\/repos\/([\w.-]{1,104}?)(?:\.git)?)\/(info\/refs|git-upload-pack|git-receive-pack)$/.exec(path) ?? [];
  if (!action) return undefined;
  const region = /^git-codecommit(?:-fips)?\.([a-z0-9-]+)\./.exec(host)?.[1];
  if (!region && (OTHERS.test(host) || host.endsWith(".localhost"))) return undefined;
  const info = action === "info/refs";
  const service = info ? target.query.get("service") : action;
  if (service !== "git-upload-pack" && service !== "git-receive-pack") return undefined;
  if (method !== (info ? "GET" : "POST")) return undefined;
  return { service, info, name, signedPath, host, ...(region ? { region } : {}) };
}

/** Git over HTTP: clone, fetch and push. */
export const gitOverHttp: Route<unknown, GitRequest> = {
  name: "git",
  match: matchGit,
  async handle(ctx, git, request, response) {
    try {
      await serve(ctx, git, request, response);
    } catch (error) {
      await refuse(ctx, git, { request, response }, error);
    }
  },
};

async function serve(
  anonymous: Context<any>,
  git: GitRequest,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const here = git.region ? anonymous.inRegion(git.region) : anonymous;
  const resource = { host: git.host, path: git.signedPath, region: here.region };
  const principal = await authenticateGit(here, request.headers.authorization, resource);
  if (!principal)
    throw new AwsError("Unauthorized", "Git asks for a user name and a password: see npx starling env.", 401);
  const ctx = here.as(principal);
  const push = git.service === "git-receive-pack" && !git.info;
  if (push && request.headers["content-encoding"])
    throw new AwsError("UnsupportedMediaType", "A push must not be compressed once more.", 415);
  const head = push ? await readPushHead(request) : undefined;
  await authorizeAll(
    ctx,
    git,
    head?.commands.map((c) => c.ref),
  );
  const stored = await ctx.records.get<Repository>("repository", git.name);
  if (!stored)
    throw new AwsError("RepositoryDoesNotExistException", `repository ${git.name} not found in ${ctx.region}`, 404);
  if (!head) return exchange(ctx, stored.value, { git, request, response });
  await receive(ctx, stored.value, { git, request, response, head });
}

interface Exchange {
  readonly git: GitRequest;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

async function receive(ctx: Context<any>, repository: Repository, parts: Exchange & { head: PushHead }): Promise<void> {
  const { head, request } = parts;
  request.unshift(head.read);
  // Git asks with nothing in it whether it may, before it sends a large push.
  if (head.commands.length === 0) return exchange(ctx, repository, parts);
  // Git's answer waits before its last packet until the events of the push are on disk.
  let gitDone!: () => void;
  let gitFailed!: (error: unknown) => void;
  const worked = new Promise<void>((resolve, reject) => ([gitDone, gitFailed] = [resolve, reject]));
  worked.catch(() => undefined);
  const refs = [...new Set(head.commands.map((c) => c.ref))];
  const begun = Promise.withResolvers<void>();
  const announced = changingRefs(ctx, repository, refs, () => {
    begun.resolve();
    return worked;
  });
  announced.catch(begun.reject);
  const sideBand = head.capabilities.includes("side-band-64k");
  const last = async (): Promise<Buffer> => {
    gitDone();
    const { changes } = await announced;
    if (!sideBand || changes.length === 0) return Buffer.alloc(0);
    return progressPackets(await pipelinesOf(ctx, changes));
  };
  try {
    await begun.promise; // before that, git's work could be lost to everybody who waits for its event
    await exchange(ctx, repository, { ...parts, through: beforeFlush(last) });
  } catch (error) {
    gitFailed(error);
    await announced.catch(() => undefined);
    if (!(error instanceof StorageFull) || !sideBand || parts.response.headersSent) throw error;
    ctx.platform.log.error("a push was refused", { repository: repository.name, error });
    refusePush(parts.response, error.message);
    await leaveUnread(request);
    parts.response.end();
  }
}

/** A push's answer that git shows as an error of the other side; it shows no body of an HTTP error. */
function refusePush(response: ServerResponse, message: string): void {
  const type = "application/x-git-receive-pack-result";
  response.writeHead(200, { "content-type": type, "cache-control": "no-cache", connection: "close" });
  response.write(errorPacket(message));
}

/** One exchange with `git http-backend`, body to body. */
async function exchange(
  ctx: Context<any>,
  repository: Repository,
  parts: Exchange & { through?: ReturnType<typeof beforeFlush> },
): Promise<void> {
  const { git, request, response } = parts;
  const env: Record<string, string> = {
    REQUEST_METHOD: git.info ? "GET" : "POST",
    PATH_INFO: `/r.git/${git.info ? "info/refs" : git.service}`,
    QUERY_STRING: git.info ? `service=${git.service}` : "",
    CONTENT_TYPE: git.info ? "" : `application/x-${git.service}-request`,
    REMOTE_USER: "starling",
    REMOTE_ADDR: "127.0.0.1",
    ...(request.headers["content-encoding"] === "gzip" ? { HTTP_CONTENT_ENCODING: "gzip" } : {}),
  };
  const version = String(request.headers["git-protocol"] ?? "");
  if (/^version=[012]$/.test(version)) env["GIT_PROTOCOL"] = version;
  const tool = await startGit(ctx.platform, folderOf(ctx, repository), ["http-backend"], {
    env,
    timeoutMs: git.service === "git-receive-pack" ? PUSH_MS : PULL_MS,
  });
  const stop = (): void => void tool.stop();
  response.once("close", stop);
  try {
    const errors = errorText(tool.stderr);
    // Git may stop reading before the body ends, where it refuses it; its answer says why.
    const sent = sendBody(request, tool.stdin);
    const { status, headers, rest } = await readHead(tool);
    if (status >= 500) throw new GitFailed("http-backend", await tool.exited, await errors);
    response.writeHead(status, headers);
    await (parts.through ? pipeline(rest, parts.through, response) : pipeline(rest, response));
    if (git.info) request.resume();
    await sent;
  } finally {
    response.off("close", stop);
    await tool.stop();
  }
}

/**
 * Hands the body on. Where git reads no further, the rest is thrown away: the connection must live until its answer is
 * read, so the request is never destroyed.
 */
async function sendBody(request: IncomingMessage, stdin: Writable): Promise<void> {
  try {
    await pipeline(request.iterator({ destroyOnReturn: false }), stdin);
  } catch {
    request.resume();
  }
}

/** The head of a CGI answer, and the stream of what follows. */
async function readHead(
  tool: ToolSandbox,
): Promise<{ status: number; headers: Record<string, string>; rest: AsyncIterable<Buffer> }> {
  const iterator = (tool.stdout as Readable)[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  let head = Buffer.alloc(0);
  for (;;) {
    const { value, done } = await iterator.next();
    if (done) throw new GitFailed("http-backend", await tool.exited, "it ended without an answer");
    head = Buffer.concat([head, value]);
    const end = head.indexOf("\r\n\r\n");
    if (end < 0) {
      if (head.length > MAX_HEAD) throw new Error("git's answer has too long a head");
      continue;
    }
    const headers: Record<string, string> = {};
    let status = 200;
    for (const line of head.toString("latin1", 0, end).split("\r\n")) {
      const colon = line.indexOf(":");
      const [name, text] = [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
      if (name === "status") status = parseInt(text, 10);
      else if (/^(content-type|cache-control|expires|pragma)$/.test(name)) headers[name] = text;
    }
    return { status, headers, rest: following(head.subarray(end + 4), iterator) };
  }
}

async function* following(first: Buffer, iterator: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
  if (first.length) yield first;
  for (;;) {
    const { value, done } = await iterator.next();
    if (done) return;
    yield value;
  }
}

/** Git prints the text of a refusal as "remote: ...". */
async function refuse(
  ctx: Context<any>,
  git: GitRequest,
  { request, response }: Omit<Exchange, "git">,
  error: unknown,
): Promise<void> {
  const known = error instanceof AwsError;
  if (!known && !response.destroyed)
    ctx.platform.log.warn("git failed", { repository: git.name, service: git.service, error: messageOf(error) });
  if (response.headersSent || response.destroyed) return void response.destroy();
  const status = known
    ? error.status === 400 && /AccessDenied/.test(error.code)
      ? 403
      : /Expired|InvalidClientTokenId/.test(error.code)
        ? 401
        : error.status
    : 500;
  const challenge = status === 401 ? { "www-authenticate": 'Basic realm="Starling CodeCommit"' } : {};
  const text = known ? error.message : "Internal failure";
  response
    .writeHead(status, {
      "content-type": "text/plain; charset=utf-8",
      "cache-control": "no-cache",
      connection: "close",
      ...challenge,
    })
    .write(`${text}\n`);
  if (!request.complete) await leaveUnread(request);
  response.end();
}
