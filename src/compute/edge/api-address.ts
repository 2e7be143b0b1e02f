import type { RouteTarget } from "../../aws/service.ts";

/** Which API a request is for: by host (`<id>.execute-api.…`) or by path. */
export interface ApiAddress {
  readonly apiId: string;
  /** Path behind the host (by host), or behind `_user_request_` with the stage before it (by path); still encoded. */
  readonly path: string;
  readonly byPath: boolean;
  /** What a custom domain name put before the path. */
  readonly basePath?: string | undefined;
}

/** The kind of an API shows in its id, so that a request finds its service without a look-up. */
const REST_FIRST = "abcdefghijklm";
const HTTP_FIRST = "nopqrstuvwxyz";
const REST_OF_ID = "abcdefghijklmnopqrstuvwxyz0123456789";

export type ApiKind = "rest" | "http";

export function newApiId(kind: ApiKind, text: (length: number, alphabet: string) => string): string {
  return text(1, kind === "rest" ? REST_FIRST : HTTP_FIRST) + text(9, REST_OF_ID);
}

export const isRestApiId = (id: string): boolean => REST_FIRST.includes(id.charAt(0));

export function apiAddress(target: RouteTarget, kind: ApiKind): ApiAddress | undefined {
  // Asked for each request of the platform: most are not for an API.
  const isHost = target.host.startsWith(".execute-api.", 10);
  if (!isHost && !target.path.startsWith("/restapis/")) return undefined;
  const byHost = isHost ? /^([a-z0-9]{10})\./.exec(target.host) : undefined;
  const byPath = /^\/restapis\/([a-z0-9]{10})\/([^/]+)\/_user_request_(\/.*)?$/.exec(target.path);
  const apiId = byHost?.[1] ?? byPath?.[1];
  if (!apiId || !(kind === "rest" ? REST_FIRST : HTTP_FIRST).includes(apiId[0]!)) return undefined;
  if (byHost) return { apiId, path: target.path, byPath: false, basePath: target.basePath };
  const stage = byPath![2]!;
  const rest = byPath![3] ?? "/";
  return { apiId, path: stage === "$default" || stage === "%24default" ? rest : `/${stage}${rest}`, byPath: true };
}
