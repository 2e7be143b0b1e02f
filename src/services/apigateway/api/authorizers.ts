import type * as Gateway from "@aws-sdk/client-api-gateway";
import { operations } from "../../../aws/service.ts";
import { checkedAuthorizer } from "../authorizer-model.ts";
import { isRefusal } from "../gateway-responses.ts";
import { stagePrefix } from "../../../compute/edge/timed-results.ts";
import { askAuthorizer, testEvent } from "../lambda-authorizer.ts";
import {
  apiOf,
  badRequest,
  changeApi,
  conflict,
  given,
  newId,
  notFound,
  on,
  type Authorizer,
  type RestApi,
} from "../model.ts";
import { patched } from "../patch.ts";
import { page } from "./apis.ts";

const DEFAULT_TTL_S = 300;
const FIELDS = [
  "name",
  "type",
  "authorizerUri",
  "authorizerCredentials",
  "authType",
  "identitySource",
  "identityValidationExpression",
  "authorizerResultTtlInSeconds",
] as const;

const view = (authorizer: Authorizer): Gateway.Authorizer => ({ authType: "custom", ...authorizer });

export function authorizerOf(api: RestApi, id: string | undefined): Authorizer {
  const found = api.authorizers?.[String(id)];
  if (!found) throw notFound("Invalid Authorizer identifier specified");
  return found;
}

const all = (i: any): string => `/restapis/${i.restApiId}/authorizers`;
const one = (i: any): string => `${all(i)}/${i.authorizerId}`;

export const authorizers = operations<typeof Gateway, any>()({
  CreateAuthorizer: {
    permissions: on("POST", all),
    async run(ctx, input) {
      const { name, type, providerARNs: _pools, restApiId: _api, ...rest } = input;
      const authorizer = checkedAuthorizer(
        given({
          identitySource: type === "TOKEN" ? "method.request.header.Authorization" : undefined,
          ...rest,
          id: newId(ctx),
          name: String(name),
          type: String(type),
          authorizerResultTtlInSeconds: input.authorizerResultTtlInSeconds ?? DEFAULT_TTL_S,
        }) as Authorizer,
      );
      await changeApi(ctx, input.restApiId, (api) => {
        const known = Object.values(api.authorizers ?? {}).find((a) => a.name === authorizer.name);
        if (known && known.id !== authorizer.id)
          throw badRequest(
            `Authorizer name must be unique. Authorizer ${authorizer.name} already exists in this RestApi.`,
          );
        return { ...api, authorizers: { ...api.authorizers, [authorizer.id]: authorizer } };
      });
      return view(authorizer);
    },
  },
  GetAuthorizer: {
    permissions: on("GET", one),
    run: async (ctx, input) => view(authorizerOf(await apiOf(ctx, input.restApiId), input.authorizerId)),
  },
  GetAuthorizers: {
    permissions: on("GET", all),
    async run(ctx, input) {
      const api = await apiOf(ctx, input.restApiId);
      const { items, ...rest } = page(Object.values(api.authorizers ?? {}), input);
      return { items: items.map(view), ...rest };
    },
  },
  UpdateAuthorizer: {
    permissions: on("PATCH", one),
    async run(ctx, input) {
      const api = await changeApi(ctx, input.restApiId, (before) => {
        const known = authorizerOf(before, input.authorizerId);
        const next = checkedAuthorizer(patched(known, input.patchOperations, FIELDS));
        return { ...before, authorizers: { ...before.authorizers, [known.id]: next } };
      });
      return view(authorizerOf(api, input.authorizerId));
    },
  },
  DeleteAuthorizer: {
    permissions: on("DELETE", one),
    async run(ctx, input) {
      await changeApi(ctx, input.restApiId, (api) => {
        const { id } = authorizerOf(api, input.authorizerId);
        const used = Object.values(api.resources).some((r) =>
          Object.values(r.methods).some((m) => m.authorizerId === id),
        );
        if (used) throw conflict("Cannot delete authorizer, is referenced in method");
        const { [id]: _gone, ...kept } = api.authorizers ?? {};
        return { ...api, authorizers: kept };
      });
      return {};
    },
  },
  TestInvokeAuthorizer: {
    permissions: on("POST", one),
    async run(ctx, input) {
      const api = await apiOf(ctx, input.restApiId);
      const authorizer = authorizerOf(api, input.authorizerId);
      const variables = input.stageVariables ?? {};
      const started = performance.now();
      const event = testEvent(ctx, api, authorizer, input);
      const answer = await askAuthorizer(ctx, authorizer, { apiId: api.id, variables, event });
      const facts = { latency: Math.round(performance.now() - started), log: "" };
      if (isRefusal(answer)) return { ...facts, clientStatus: answer.refused === "UNAUTHORIZED" ? 401 : 500 };
      return {
        ...facts,
        clientStatus: 0,
        principalId: answer.principalId,
        policy: answer.policyText,
        authorization: Object.fromEntries(Object.entries(answer.context).map(([k, v]) => [k, [v]])),
      };
    },
  },
  FlushStageAuthorizersCache: {
    permissions: on("DELETE", (i) => `/restapis/${i.restApiId}/stages/${i.stageName}/cache/authorizers`),
    async run(ctx, input) {
      const known = await ctx.records.get("stage", `${input.restApiId}:${input.stageName}`);
      if (!known) throw notFound("Invalid stage identifier specified");
      ctx.state.authorized.forget(stagePrefix(ctx, String(input.restApiId), String(input.stageName)));
      return {};
    },
  },
});
