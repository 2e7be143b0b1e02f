import type * as Lambda from "@aws-sdk/client-lambda";
import type { Context } from "../../../aws/context.ts";
import { operations, passRole } from "../../../aws/service.ts";
import { parseArn } from "../../../kernel/arn.ts";
import { AwsError, codeOf } from "../../../kernel/aws-error.ts";
import { ACCOUNT_CONCURRENCY } from "../../../compute/lambda/invoker.ts";
import { configurationView, listedView } from "../configuration.ts";
import {
  conflict,
  functionArn,
  functionNotFound,
  invalidParameter,
  LATEST,
  onFunction,
  parseName,
  revisionOf,
  staleRevision,
  versionId,
  type AliasRecord,
  type FunctionHead,
  type FunctionRecord,
  type PolicyRecord,
} from "../model.ts";
import { EVENT_INVOKE } from "../event-invoke-config.ts";
import { URL_PLACES, URLS, type UrlRecord } from "../function-url.ts";
import { layerContents, type LayerVersion } from "../layers.ts";
import { storePackage, type CodeInput } from "../package.ts";
import { checkSignature } from "../code-signing.ts";
import { checkDeadLetterRole } from "../dead-letter.ts";
import { forgetProvisioned, unreservedConcurrency } from "../provisioned.ts";
import { publish } from "../publish.ts";
import { MAX_NAME } from "../limits.ts";
import { RUNTIME_MANAGEMENT } from "../runtime-management.ts";
import type { LambdaState } from "../state.ts";
import { headOf, versionOf } from "../store.ts";
import { checkedTags } from "../tags.ts";
import { settingsOf } from "../validate.ts";

type Ctx = Context<LambdaState>;

/** The role must exist and let Lambda assume it. */
async function checkRole(ctx: Ctx, role: string): Promise<void> {
  const { service, account } = parseArn(role) ?? {};
  if (service === "iam" && account !== ctx.account)
    throw new AwsError("AccessDeniedException", "Cross-account pass role is not allowed.", 403);
  try {
    await ctx.platform.identity.assumeRoleFor("lambda.amazonaws.com", role, { sessionName: "check" });
  } catch (error) {
    if (codeOf(error) === "NoSuchEntity" || codeOf(error) === "AccessDenied")
      throw invalidParameter("The role defined for the function cannot be assumed by Lambda.");
    throw error;
  }
}

function checkRevision(record: FunctionRecord, revisionId: string | undefined): void {
  if (revisionId !== undefined && revisionId !== revisionOf(record)) throw staleRevision();
}

/** The answer to a change, of the revision before Lambda has carried it out: on Lambda that is a revision of its own. */
const changing = ({ shownRevision: _later, ...record }: FunctionRecord): FunctionRecord => record;

/** Changes `$LATEST` and ends what still runs its former state. */
async function changeLatest(
  ctx: Ctx,
  name: string,
  change: (record: FunctionRecord) => FunctionRecord,
): Promise<FunctionRecord> {
  const revisionId = ctx.platform.ids.uuid();
  const shownRevision = ctx.platform.ids.uuid();
  const modified = ctx.now();
  const record = await ctx.records.update<FunctionRecord>("version", versionId(name, LATEST), (r) => ({
    ...change(r),
    revisionId,
    shownRevision,
    modified,
  }));
  if (!record) throw functionNotFound(ctx, name);
  void ctx.state.invoker.retire(
    (v) => v.arn === functionArn(ctx, name) && v.version === LATEST && !v.key.endsWith(revisionId),
  );
  return record;
}

const codeInput = (input: object): CodeInput => input as CodeInput;

export const functions = operations<typeof Lambda, LambdaState>()({
  CreateFunction: {
    permissions: async (input, ctx) => [
      ...(await onFunction("CreateFunction")(input, ctx)),
      ...passRole(input.Role, "lambda.amazonaws.com", functionArn(ctx, parseName(input.FunctionName).name)),
    ],
    async run(ctx, input) {
      const { name } = parseName(input.FunctionName);
      if (name.length > MAX_NAME)
        throw invalidParameter(
          `1 validation error detected: Value '${name}' at 'functionName' failed to satisfy constraint: Member must have length less than or equal to ${MAX_NAME}`,
        );
      const settings = { ...settingsOf(ctx, name, input), ...(await layerContents(ctx, input.Layers ?? [])) };
      if (await ctx.records.get("function", name)) throw conflict(`Function already exist: ${name}`);
      await checkRole(ctx, settings.role);
      await checkDeadLetterRole(ctx, settings.deadLetterArn, settings.role, name);
      await checkSignature(ctx, name, input.CodeSigningConfigArn);
      const code = await storePackage(ctx, codeInput(input.Code ?? {}));
      const now = ctx.now();
      const record: FunctionRecord = {
        name,
        version: LATEST,
        ...settings,
        ...code,
        revisionId: ctx.platform.ids.uuid(),
        shownRevision: ctx.platform.ids.uuid(),
        modified: now,
      };
      const tags = input.Tags ? { tags: checkedTags(input.Tags) } : {};
      const signing = input.CodeSigningConfigArn ? { codeSigning: input.CodeSigningConfigArn } : {};
      const head: FunctionHead = { name, created: now, lastVersion: 0, ...tags, ...signing };
      const first = ctx.records.put("version", versionId(name, LATEST), record);
      if (!(await ctx.records.create("function", name, head, first))) throw conflict(`Function already exist: ${name}`);
      if (!input.Publish) return configurationView(ctx, changing(record), { fresh: "create" });
      const published = configurationView(ctx, await publish(ctx, name, {}), { fresh: "create" });
      return { ...published, FunctionArn: functionArn(ctx, name) };
    },
  },
  GetFunction: {
    permissions: onFunction("GetFunction"),
    async run(ctx, input) {
      const { name, qualifier } = parseName(input.FunctionName, input.Qualifier);
      const record = await versionOf(ctx, name, qualifier);
      const head = await headOf(ctx, name);
      return {
        Configuration: configurationView(ctx, record, { qualifier }),
        Code: {
          RepositoryType: "S3",
          Location: `${ctx.platform.settings.publicUrl}/_starling/code/${downloadToken(ctx, record)}`,
        },
        // Tags are the function's: its versions have none.
        ...(record.version === "$LATEST" && head.tags && Object.keys(head.tags).length
          ? { Tags: { ...head.tags } }
          : {}),
        ...(head.reservedConcurrency === undefined
          ? {}
          : { Concurrency: { ReservedConcurrentExecutions: head.reservedConcurrency } }),
      };
    },
  },
  GetFunctionConfiguration: {
    permissions: onFunction("GetFunctionConfiguration"),
    async run(ctx, input) {
      const { name, qualifier } = parseName(input.FunctionName, input.Qualifier);
      return configurationView(ctx, await versionOf(ctx, name, qualifier), { qualifier });
    },
  },
  ListFunctions: {
    permissions: () => [{ action: "lambda:ListFunctions", resource: "*" }],
    async run(ctx, input) {
      if (input.MasterRegion !== undefined) {
        if (input.FunctionVersion !== "ALL")
          throw invalidParameter("FunctionVersion must be set to ALL if MasterRegion is specified.");
        return { Functions: [] }; // replicas of Lambda@Edge, which are none here
      }
      const limit = input.MaxItems ?? 50;
      const after = input.Marker === undefined ? {} : { after: input.Marker };
      const heads = await ctx.records.list<FunctionHead>("function", { ...after, limit: limit + 1 });
      const page = heads.slice(0, limit);
      const all = input.FunctionVersion === "ALL";
      const records = await Promise.all(
        page.map(async (h) =>
          all
            ? (await ctx.records.list<FunctionRecord>("version", { prefix: `${h.id}:` })).map((v) => v.value)
            : [await versionOf(ctx, h.id)],
        ),
      );
      return {
        Functions: records.flat().map((record) => listedView(ctx, record, all ? { qualifier: record.version } : {})),
        ...(heads.length > limit ? { NextMarker: page.at(-1)!.id } : {}),
      };
    },
  },
  UpdateFunctionCode: {
    permissions: onFunction("UpdateFunctionCode"),
    async run(ctx, input) {
      const { name } = parseName(input.FunctionName);
      const before = await versionOf(ctx, name);
      checkRevision(before, input.RevisionId);
      await checkSignature(ctx, name, (await headOf(ctx, name)).codeSigning);
      const code = await storePackage(ctx, codeInput(input));
      const architectures = input.Architectures ? { architectures: input.Architectures } : {};
      if (input.DryRun) return configurationView(ctx, { ...before, ...code, ...architectures });
      const record = await changeLatest(ctx, name, (r) => {
        checkRevision(r, input.RevisionId);
        return { ...r, ...code, ...architectures };
      });
      if (input.Publish) return configurationView(ctx, await publish(ctx, name, {}), { fresh: "create" });
      return configurationView(ctx, changing(record), { fresh: "update" });
    },
  },
  UpdateFunctionConfiguration: {
    permissions: async (input, ctx) => [
      ...(await onFunction("UpdateFunctionConfiguration")(input, ctx)),
      ...passRole(input.Role, "lambda.amazonaws.com", functionArn(ctx, parseName(input.FunctionName).name)),
    ],
    async run(ctx, input) {
      const { name } = parseName(input.FunctionName);
      const before = await versionOf(ctx, name);
      checkRevision(before, input.RevisionId);
      if (input.Role && input.Role !== before.role) await checkRole(ctx, input.Role);
      await checkDeadLetterRole(ctx, input.DeadLetterConfig?.TargetArn, input.Role ?? before.role, name);
      const layers = input.Layers ? await layerContents(ctx, input.Layers) : {};
      const record = await changeLatest(ctx, name, (r) => {
        checkRevision(r, input.RevisionId);
        const { sealedEnvironment: _e, deadLetterArn: _d, ...kept } = r;
        return { ...kept, ...settingsOf(ctx, name, input, r), ...layers };
      });
      return configurationView(ctx, changing(record), { fresh: "update" });
    },
  },
  DeleteFunction: {
    permissions: onFunction("DeleteFunction"),
    async run(ctx, input) {
      const { name, qualifier } = parseName(input.FunctionName, input.Qualifier);
      if (qualifier === LATEST)
        throw invalidParameter("$LATEST version cannot be deleted without deleting the function.");
      await headOf(ctx, name);
      const aliases = await ctx.records.list<AliasRecord>("alias", { prefix: `${name}:` });
      if (qualifier !== undefined) {
        if (!/^\d+$/.test(qualifier)) throw invalidParameter("Deletion of aliases is not currently supported.");
        const users = aliases.filter(
          (a) => a.value.version === qualifier || a.value.weights?.[qualifier] !== undefined,
        );
        if (users.length) throw conflict(`Version ${qualifier} is referenced by alias ${users[0]!.value.name}`);
        await ctx.records.write(
          ctx.records.remove("version", versionId(name, qualifier)),
          ctx.records.remove("policy", `${name}:${qualifier}`),
          ctx.records.remove(EVENT_INVOKE, `${name}:${qualifier}`),
          ctx.records.remove(RUNTIME_MANAGEMENT, `${name}:${qualifier}`),
          await forgetProvisioned(ctx, name, qualifier),
        );
      } else {
        const versions = await ctx.records.list<FunctionRecord>("version", { prefix: `${name}:` });
        const policies = await ctx.records.list<PolicyRecord>("policy", { prefix: `${name}:` });
        const invokeConfigs = await ctx.records.list(EVENT_INVOKE, { prefix: `${name}:` });
        const runtimes = await ctx.records.list(RUNTIME_MANAGEMENT, { prefix: `${name}:` });
        const urls = await ctx.records.list<UrlRecord>(URLS, { prefix: `${name}:` });
        const gone = (kind: string, all: readonly { id: string }[]) => all.map((s) => ctx.records.remove(kind, s.id));
        await ctx.records.write(
          ctx.records.remove("function", name),
          gone("version", versions),
          gone("alias", aliases),
          gone("policy", policies),
          gone(EVENT_INVOKE, invokeConfigs),
          gone(RUNTIME_MANAGEMENT, runtimes),
          await forgetProvisioned(ctx, name),
          gone(URLS, urls),
          urls.map((s) => ctx.globalRecords.remove(URL_PLACES, s.value.id)),
        );
      }
      void ctx.state.invoker.retire(
        (v) => v.arn === functionArn(ctx, name) && (qualifier === undefined || v.version === qualifier),
      );
      return { StatusCode: 204 };
    },
  },
  GetAccountSettings: {
    permissions: () => [{ action: "lambda:GetAccountSettings", resource: "*" }],
    async run(ctx) {
      const versions = await ctx.records.list<FunctionRecord>("version");
      const heads = await ctx.records.list<FunctionHead>("function");
      const layers = await ctx.records.list<LayerVersion>("layer-version");
      return {
        AccountLimit: {
          TotalCodeSize: 80_530_636_800,
          CodeSizeUnzipped: 262_144_000,
          CodeSizeZipped: 52_428_800,
          ConcurrentExecutions: ACCOUNT_CONCURRENCY,
          UnreservedConcurrentExecutions: await unreservedConcurrency(ctx),
        },
        AccountUsage: {
          TotalCodeSize: codeSize(versions) + layers.reduce((sum, layer) => sum + layer.value.size, 0),
          FunctionCount: heads.length,
        },
      };
    },
  },
});

const codeSize = (versions: readonly { value: FunctionRecord }[]): number =>
  versions.reduce((sum, { value }) => sum + value.codeSize, 0);

/** A sealed, short-lived name for the download of a version's package. */
function downloadToken(ctx: Ctx, record: FunctionRecord): string {
  return ctx.platform.vault.seal("lambda-code", JSON.stringify({ d: record.codeDigest, e: ctx.now() + 600_000 }));
}
