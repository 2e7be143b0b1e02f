import type * as V2 from "@aws-sdk/client-apigatewayv2";
import { operations } from "../../aws/service.ts";
import { checkedAuthorizer } from "./authorizer-model.ts";
import { stagePrefix } from "../../compute/edge/timed-results.ts";
import {
  apiOf,
  badRequest,
  changeApi,
  conflict,
  given,
  newId,
  notFound,
  on,
  type HttpApi,
  type HttpAuthorizer,
} from "./model.ts";
import { page } from "./page.ts";

const view = (a: HttpAuthorizer): V2.CreateAuthorizerResponse => ({
  AuthorizerId: a.id,
  Name: a.name,
  AuthorizerType: a.type,
  IdentitySource: [...a.identitySource],
  ...(a.jwt ? { JwtConfiguration: { Issuer: a.jwt.issuer, Audience: [...a.jwt.audience] } } : {}),
  ...(a.type === "JWT"
    ? {}
    : given({
        AuthorizerUri: a.uri,
        AuthorizerCredentialsArn: a.credentialsArn,
        AuthorizerPayloadFormatVersion: a.payloadFormatVersion,
        AuthorizerResultTtlInSeconds: a.ttlSeconds,
        EnableSimpleResponses: a.simpleResponses ?? false,
      })),
});

function authorizerOf(api: HttpApi, id: string | undefined): HttpAuthorizer {
  const found = api.authorizers?.find((a) => a.id === id);
  if (!found) throw notFound("authorizer", id);
  return found;
}

/** What an input says of an authorizer; members that it does not name are not there. */
const said = (input: V2.CreateAuthorizerCommandInput | V2.UpdateAuthorizerCommandInput): Partial<HttpAuthorizer> =>
  given({
    name: input.Name,
    type: input.AuthorizerType as HttpAuthorizer["type"] | undefined,
    identitySource: input.IdentitySource,
    jwt: input.JwtConfiguration && {
      issuer: input.JwtConfiguration.Issuer ?? "",
      audience: input.JwtConfiguration.Audience ?? [],
    },
    uri: input.AuthorizerUri,
    credentialsArn: input.AuthorizerCredentialsArn,
    payloadFormatVersion: input.AuthorizerPayloadFormatVersion,
    simpleResponses: input.EnableSimpleResponses,
    ttlSeconds: input.AuthorizerResultTtlInSeconds,
  }) as Partial<HttpAuthorizer>;

const all = (i: any): string => `/apis/${i.ApiId}/authorizers`;
const one = (i: any): string => `${all(i)}/${i.AuthorizerId}`;

export const authorizers = operations<typeof V2, any>()({
  CreateAuthorizer: {
    permissions: on("POST", all),
    async run(ctx, input) {
      const authorizer = checkedAuthorizer({
        identitySource: [],
        ttlSeconds: 0,
        ...said(input),
        id: newId(ctx, 6),
      } as unknown as HttpAuthorizer); // what is missing of it is refused
      await changeApi(ctx, input.ApiId, (api) => {
        const others = (api.authorizers ?? []).filter((a) => a.id !== authorizer.id);
        if (others.some((a) => a.name === authorizer.name))
          throw badRequest(`Authorizer name must be unique. Authorizer ${authorizer.name} already exists in this API.`);
        return { ...api, authorizers: [...others, authorizer] };
      });
      return view(authorizer);
    },
  },
  GetAuthorizer: {
    permissions: on("GET", one),
    run: async (ctx, input) => view(authorizerOf(await apiOf(ctx, input.ApiId), input.AuthorizerId)),
  },
  GetAuthorizers: {
    permissions: on("GET", all),
    run: async (ctx, input) =>
      page(((await apiOf(ctx, input.ApiId)).authorizers ?? []).map(view) as V2.Authorizer[], input),
  },
  UpdateAuthorizer: {
    permissions: on("PATCH", one),
    async run(ctx, input) {
      const api = await changeApi(ctx, input.ApiId, (before) => {
        const next = checkedAuthorizer({ ...authorizerOf(before, input.AuthorizerId), ...said(input) });
        return { ...before, authorizers: (before.authorizers ?? []).map((a) => (a.id === next.id ? next : a)) };
      });
      return view(authorizerOf(api, input.AuthorizerId));
    },
  },
  DeleteAuthorizer: {
    permissions: on("DELETE", one),
    async run(ctx, input) {
      await changeApi(ctx, input.ApiId, (api) => {
        const { id } = authorizerOf(api, input.AuthorizerId);
        if (api.routes.some((r) => r.authorizerId === id))
          throw conflict(`Cannot delete authorizer '${id}', is referenced by a route`);
        return { ...api, authorizers: (api.authorizers ?? []).filter((a) => a.id !== id) };
      });
      return {};
    },
  },
  ResetAuthorizersCache: {
    permissions: on("DELETE", (i) => `/apis/${i.ApiId}/stages/${i.StageName}/cache/authorizers`),
    async run(ctx, input) {
      if (!(await ctx.records.get("stage", `${input.ApiId}:${input.StageName}`)))
        throw notFound("stage", input.StageName);
      ctx.state.authorized.forget(stagePrefix(ctx, String(input.ApiId), String(input.StageName)));
      return {};
    },
  },
});
