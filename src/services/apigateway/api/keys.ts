import type * as Gateway from "@aws-sdk/client-api-gateway";
import type { Context } from "../../../aws/context.ts";
import { operations } from "../../../aws/service.ts";
import { badRequest, conflict, given, newId, notFound, on } from "../model.ts";
import { patched } from "../patch.ts";
import { KEY_PURPOSE, keyDigest, keyOf, keyValue, type ApiKey, type UsagePlan } from "../usage-model.ts";
import { page } from "./apis.ts";

const ALPHABET = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
const VALUE_LENGTH = 40;

export function keyView(key: ApiKey, value?: string): Gateway.ApiKey {
  const { sealed: _sealed, created, updated, stageKeys, tags, ...rest } = key;
  return {
    ...rest,
    ...(value === undefined ? {} : { value }),
    createdDate: new Date(created),
    lastUpdatedDate: new Date(updated),
    stageKeys: [...stageKeys],
    ...(tags ? { tags: { ...tags } } : {}),
  };
}

function checkedValue(value: string): string {
  if (value.length < 20) throw badRequest("API Key value should be at least 20 characters");
  if (value.length > 128) throw badRequest("API Key value exceeds maximum size of 128 characters");
  return value;
}

function checkTexts({ name, description }: { name?: string | undefined; description?: string | undefined }): void {
  if ((name ?? "").length > 1024) throw badRequest("Invalid API Key name, can be at most 1024 characters.");
  if ((description ?? "").length > 125_000) throw badRequest("Invalid API Key description specified.");
}

const one = (i: any): string => `/apikeys/${i.apiKey}`;

export const keys = operations<typeof Gateway, any>()({
  CreateApiKey: {
    permissions: on("POST", () => "/apikeys"),
    async run(ctx, input) {
      const id = newId(ctx, 10);
      const made = ctx.once ? await ctx.records.get<ApiKey>("key", id) : undefined;
      if (made) return keyView(made.value, keyValue(ctx, made.value));
      checkTexts(input);
      const value = checkedValue(input.value || ctx.platform.ids.text(VALUE_LENGTH, ALPHABET));
      const key = given({
        id,
        name: input.name || undefined,
        description: input.description,
        customerId: input.customerId,
        enabled: input.enabled ?? false,
        sealed: ctx.platform.vault.seal(KEY_PURPOSE, value),
        stageKeys: (input.stageKeys ?? []).map((k) => `${k.restApiId}/${k.stageName}`),
        created: ctx.now(),
        updated: ctx.now(),
        tags: input.tags,
      }) as ApiKey;
      if (!(await ctx.records.create("key-value", keyDigest(value), id, ctx.records.put("key", id, key, 0))))
        throw conflict("API Key already exists");
      return keyView(key, value);
    },
  },
  GetApiKey: {
    permissions: on("GET", one),
    async run(ctx, input) {
      const key = await keyOf(ctx, input.apiKey);
      return { tags: {}, ...keyView(key, input.includeValue ? keyValue(ctx, key) : undefined) };
    },
  },
  GetApiKeys: {
    permissions: on("GET", () => "/apikeys"),
    async run(ctx, input) {
      const all = (await ctx.records.list<ApiKey>("key"))
        .map((s) => s.value)
        .toReversed()
        .sort((a, b) => b.created - a.created);
      const { nameQuery, customerId } = input;
      const wanted = all.filter(
        (key) =>
          (nameQuery === undefined || key.name?.startsWith(nameQuery)) &&
          (customerId === undefined || key.customerId === customerId),
      );
      const { items, ...rest } = page(wanted, input);
      return { items: items.map((key) => keyView(key, input.includeValues ? keyValue(ctx, key) : undefined)), ...rest };
    },
  },
  UpdateApiKey: {
    permissions: on("PATCH", one),
    async run(ctx, input) {
      const stages = stageChanges(input.patchOperations ?? []);
      const others = (input.patchOperations ?? []).filter(
        (p) => p.path !== "/stages" && !p.path?.startsWith("/stages/"),
      );
      const next = await ctx.records.update<ApiKey>("key", String(input.apiKey), (before) => {
        const changed = patched(before, others, ["description", "enabled", "name", "customerId"]);
        checkTexts(changed);
        const kept = before.stageKeys.filter((stage) => !stages.removed.includes(stage));
        return {
          ...changed,
          enabled: String(changed.enabled) === "true",
          stageKeys: [...new Set([...kept, ...stages.added])],
          updated: ctx.now(),
        };
      });
      if (!next) throw notFound("Invalid API Key identifier specified");
      return { tags: {}, ...keyView(next) };
    },
  },
  DeleteApiKey: {
    permissions: on("DELETE", one),
    async run(ctx, input) {
      const key = await keyOf(ctx, input.apiKey);
      const plans = await ctx.records.list("key-plan", { prefix: `${key.id}:` });
      await ctx.records.write(
        ctx.records.remove("key", key.id),
        ctx.records.remove("key-value", keyDigest(keyValue(ctx, key))),
        ...plans.map(({ id }) => unlink(ctx, id.split(":")[1]!, key.id)),
      );
      return {};
    },
  },
});

/** Statements that take a key out of a plan, with what was counted for it. */
export function unlink(ctx: Context<any>, planId: UsagePlan["id"], keyId: string) {
  return [
    ctx.records.remove("key-plan", `${keyId}:${planId}`),
    ctx.records.remove("plan-key", `${planId}:${keyId}`),
    ctx.records.remove("usage", `${planId}:${keyId}`),
  ];
}

function stageChanges(patches: readonly Gateway.PatchOperation[]): { added: string[]; removed: string[] } {
  const of = (op: string): string[] =>
    patches.filter((p) => p.path === "/stages" && p.op === op).map((p) => String(p.value));
  return { added: of("add"), removed: of("remove") };
}
