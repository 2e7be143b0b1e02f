import type * as Lambda from "@aws-sdk/client-lambda";
import type { Context } from "../../../aws/context.ts";
import { operations, type Permission } from "../../../aws/service.ts";
import {
  layerArn,
  layerNumber,
  layerOf,
  parseLayerArn,
  versionKey,
  type LayerHead,
  type LayerVersion,
} from "../layers.ts";
import { conflict, invalidParameter, resourceNotFound, staleRevision, type PolicyRecord } from "../model.ts";
import { storePackage } from "../package.ts";
import type { LambdaState } from "../state.ts";

type Ctx = Context<LambdaState>;
type Named = { LayerName?: string | undefined; VersionNumber?: number | undefined };

/** The name of a layer given by name or ARN. */
function nameOf(text: string | undefined): string {
  const name = /^(?:arn:[\w-]+:lambda:[\w-]+:\d{12}:layer:)?([\w-]{1,140})$/.exec(text ?? "")?.[1];
  if (!name) throw invalidParameter(`The layer name ${text} is not valid.`);
  return name;
}

const onLayer =
  (action: string) =>
  (input: Named, ctx: Ctx): Permission[] => [
    { action: `lambda:${action}`, resource: layerArn(ctx, nameOf(input.LayerName)) },
  ];

const onVersion =
  (action: string) =>
  (input: Named, ctx: Ctx): Permission[] => [
    { action: `lambda:${action}`, resource: layerArn(ctx, nameOf(input.LayerName), input.VersionNumber ?? 0) },
  ];

const view = (ctx: Ctx, v: LayerVersion) => ({
  LayerVersionArn: layerArn(ctx, v.name, v.version),
  Version: v.version,
  Description: v.description,
  CreatedDate: new Date(v.created).toISOString().replace("Z", "+0000"),
  ...(v.runtimes.length ? { CompatibleRuntimes: [...v.runtimes] as Lambda.Runtime[] } : {}),
  ...(v.architectures.length ? { CompatibleArchitectures: [...v.architectures] as Lambda.Architecture[] } : {}),
  ...(v.license ? { LicenseInfo: v.license } : {}),
  ...Object.fromEntries((v.empty ?? []).map((name) => [name, []])),
});

const withContent = (ctx: Ctx, v: LayerVersion) => ({
  LayerArn: layerArn(ctx, v.name),
  ...view(ctx, v),
  Content: {
    Location: `${ctx.platform.settings.publicUrl}/_starling/code/${ctx.platform.vault.seal("lambda-code", JSON.stringify({ d: v.digest, e: ctx.now() + 600_000 }))}`,
    CodeSha256: Buffer.from(v.digest, "hex").toString("base64"),
    CodeSize: v.size,
  },
});

const DEFAULT_PAGE = 50;

/** Whether a version suits a runtime and an architecture; one that names none of them suits none that is asked for. */
function fits(
  { runtimes, architectures }: LayerVersion,
  wanted: { CompatibleRuntime?: string | undefined; CompatibleArchitecture?: string | undefined },
): boolean {
  const { CompatibleRuntime: runtime, CompatibleArchitecture: architecture } = wanted;
  return (!runtime || runtimes.includes(runtime)) && (!architecture || architectures.includes(architecture));
}

/** The version that an earlier try of a CloudFormation step has published. */
async function madeFor(ctx: Ctx, name: string, once: string): Promise<LayerVersion | undefined> {
  const all = await ctx.records.list<LayerVersion>("layer-version", { prefix: `${name}:` });
  return all.find((v) => v.value.once === once)?.value;
}

export const layers = operations<typeof Lambda, LambdaState>()({
  PublishLayerVersion: {
    permissions: onLayer("PublishLayerVersion"),
    async run(ctx, input) {
      const name = nameOf(input.LayerName);
      const { codeDigest, codeSize } = await storePackage(
        ctx,
        (input.Content ?? {}) as Parameters<typeof storePackage>[1],
      );
      for (let tries = 0; tries < 20; tries++) {
        const head = await ctx.records.get<LayerHead>("layer", name);
        const made = ctx.once ? await madeFor(ctx, name, ctx.once) : undefined;
        if (made) return withContent(ctx, made);
        const version: LayerVersion = {
          name,
          version: (head?.value.lastVersion ?? 0) + 1,
          description: input.Description ?? "",
          created: ctx.now(),
          digest: codeDigest,
          size: codeSize,
          runtimes: input.CompatibleRuntimes ?? [],
          architectures: input.CompatibleArchitectures ?? [],
          empty: (["CompatibleRuntimes", "CompatibleArchitectures"] as const).filter(
            (list) => input[list]?.length === 0,
          ),
          ...(input.LicenseInfo ? { license: input.LicenseInfo } : {}),
          ...(ctx.once ? { once: ctx.once } : {}),
        };
        try {
          await ctx.records.write(
            ctx.records.put("layer", name, { name, lastVersion: version.version }, head?.rev ?? 0),
            ctx.records.put("layer-version", versionKey(name, version.version), version, 0),
          );
          return withContent(ctx, version);
        } catch (error) {
          if ((error as Error).name !== "GuardFailed") throw error;
        }
      }
      throw conflict(`The layer ${name} is being published by others: try again.`);
    },
  },
  GetLayerVersion: {
    permissions: onVersion("GetLayerVersion"),
    run: async (ctx, input) =>
      withContent(ctx, await layerOf(ctx, nameOf(input.LayerName), layerNumber(input.VersionNumber))),
  },
  GetLayerVersionByArn: {
    permissions: (input) => [{ action: "lambda:GetLayerVersion", resource: String(input.Arn) }],
    async run(ctx, input) {
      const { name, version } = parseLayerArn(String(input.Arn));
      if (layerArn(ctx, name, version) !== input.Arn)
        throw resourceNotFound(`Layer version ${input.Arn} does not exist.`);
      return withContent(ctx, await layerOf(ctx, name, version));
    },
  },
  ListLayerVersions: {
    permissions: onLayer("ListLayerVersions"),
    async run(ctx, input) {
      const all = await ctx.records.list<LayerVersion>("layer-version", {
        prefix: `${nameOf(input.LayerName)}:`,
        reverse: true,
      });
      const fitting = all.filter((v) => fits(v.value, input));
      const start = Number(input.Marker ?? 0);
      const end = start + (input.MaxItems ?? DEFAULT_PAGE);
      return {
        LayerVersions: fitting.slice(start, end).map((v) => view(ctx, v.value)),
        ...(end < fitting.length ? { NextMarker: String(end) } : {}),
      };
    },
  },
  ListLayers: {
    permissions: () => [{ action: "lambda:ListLayers", resource: "*" }],
    async run(ctx, input) {
      const latest = new Map<string, LayerVersion>();
      for (const { value } of await ctx.records.list<LayerVersion>("layer-version"))
        if (fits(value, input)) latest.set(value.name, value);
      const limit = input.MaxItems ?? DEFAULT_PAGE;
      const names = [...latest.keys()].toSorted();
      const rest = input.Marker === undefined ? names : names.filter((name) => name > input.Marker!);
      const page = rest.slice(0, limit);
      return {
        Layers: page.map((name) => ({
          LayerName: name,
          LayerArn: layerArn(ctx, name),
          LatestMatchingVersion: view(ctx, latest.get(name)!),
        })),
        ...(rest.length > limit ? { NextMarker: page.at(-1)! } : {}),
      };
    },
  },
  DeleteLayerVersion: {
    permissions: onVersion("DeleteLayerVersion"),
    async run(ctx, input) {
      const key = versionKey(nameOf(input.LayerName), layerNumber(input.VersionNumber));
      await ctx.records.write(ctx.records.remove("layer-version", key), ctx.records.remove("layer-policy", key));
      return {};
    },
  },
  AddLayerVersionPermission: {
    permissions: onVersion("AddLayerVersionPermission"),
    async run(ctx, input) {
      const key = await permittedVersion(ctx, input);
      const statement = statementOf(ctx, input);
      const stored = await ctx.records.get<PolicyRecord>("layer-policy", key);
      checkPolicyRevision(stored?.value, input.RevisionId);
      const statements = stored?.value.statements ?? [];
      if (statements.some((s) => s.Sid === statement.Sid))
        throw conflict(
          `The statement id (${statement.Sid}) provided already exists. Please provide a new statement id, or remove the existing statement.`,
        );
      const record: PolicyRecord = { revisionId: ctx.platform.ids.uuid(), statements: [...statements, statement] };
      await ctx.records.write(ctx.records.put("layer-policy", key, record, stored?.rev ?? 0));
      return { Statement: JSON.stringify(statement), RevisionId: record.revisionId };
    },
  },
  RemoveLayerVersionPermission: {
    permissions: onVersion("RemoveLayerVersionPermission"),
    async run(ctx, input) {
      const key = await permittedVersion(ctx, input);
      const changed = await ctx.records.update<PolicyRecord>("layer-policy", key, (p) => {
        if (!p.statements.some((s) => s.Sid === input.StatementId))
          throw resourceNotFound(`Statement ${input.StatementId} is not found in resource policy.`);
        checkPolicyRevision(p, input.RevisionId);
        return {
          revisionId: ctx.platform.ids.uuid(),
          statements: p.statements.filter((s) => s.Sid !== input.StatementId),
        };
      });
      if (!changed) throw resourceNotFound("No policy is associated with the given resource.");
      return {};
    },
  },
  GetLayerVersionPolicy: {
    permissions: onVersion("GetLayerVersionPolicy"),
    async run(ctx, input) {
      const stored = await ctx.records.get<PolicyRecord>("layer-policy", await permittedVersion(ctx, input));
      if (!stored || stored.value.statements.length === 0)
        throw resourceNotFound("No policy is associated with the given resource.");
      return {
        Policy: JSON.stringify({ Version: "2012-10-17", Id: "default", Statement: stored.value.statements }),
        RevisionId: stored.value.revisionId,
      };
    },
  },
});

/** The key of the version whose policy is asked for, which must be there. */
async function permittedVersion(ctx: Ctx, input: Named): Promise<string> {
  const name = nameOf(input.LayerName);
  const key = versionKey(name, Number(input.VersionNumber));
  if (!(await ctx.records.get("layer-version", key)))
    throw resourceNotFound(`Layer version ${layerArn(ctx, name, input.VersionNumber)} does not exist.`);
  return key;
}

function statementOf(ctx: Ctx, input: Lambda.AddLayerVersionPermissionRequest): PolicyRecord["statements"][number] {
  const principal = String(input.Principal);
  return {
    Sid: String(input.StatementId),
    Effect: "Allow",
    Principal: principal === "*" ? "*" : { AWS: `arn:aws:iam::${principal}:root` },
    Action: input.Action,
    Resource: layerArn(ctx, nameOf(input.LayerName), input.VersionNumber),
    ...(input.OrganizationId ? { Condition: { StringEquals: { "aws:PrincipalOrgID": input.OrganizationId } } } : {}),
  };
}

function checkPolicyRevision(policy: PolicyRecord | undefined, revisionId: string | undefined): void {
  if (revisionId !== undefined && revisionId !== policy?.revisionId) throw staleRevision("GetLayerPolicy");
}
