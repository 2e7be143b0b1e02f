import type * as CodePipeline from "@aws-sdk/client-codepipeline";
import type { PipelineDeclaration } from "@aws-sdk/client-codepipeline";
import { operations, passRole, type Permission } from "../../../aws/service.ts";
import { AwsError, codeOf, messageOf, notImplemented } from "../../../kernel/aws-error.ts";
import { CONDITION_TYPES, validatePipeline, type ActionDefinition } from "../../../engines/pipeline/index.ts";
import { GuardFailed } from "../../../ports/database.ts";
import { ActionFailure } from "../action-run.ts";
import { providerOf } from "../actions/index.ts";
import { rulesOf } from "../declared-run.ts";
import { customTypes, limitsOfCustom } from "../custom-types.ts";
import {
  existingPipeline,
  fault,
  onAll,
  onPipeline,
  pipelineArn,
  versionKey,
  type Ctx,
  type Pipeline,
} from "../model.ts";
import { startPolling } from "../poll.ts";
import { newExecution } from "../start.ts";
import type { PipelineState } from "../state.ts";

const PAGE = 1000;
const MAX_PIPELINES = 1000;
const MAX_TRIES = 20;
const MAX_TAGS = 50;

type Declared = Pipeline["declaration"];

/** Checks a declaration; what is wrong, or cannot be done, is named. */
async function checked(ctx: Ctx, given: PipelineDeclaration | undefined): Promise<Declared> {
  const declaration = { ...given } as unknown as Declared;
  const custom = await customTypes(ctx);
  const [found] = validatePipeline(declaration, (type) => limitsOfCustom(custom, type));
  if (found)
    throw found.code === "NotImplemented"
      ? new AwsError("NotImplemented", found.message, 501)
      : fault(found.code, found.message);
  if (declaration.triggers?.length) throw notImplemented("triggers of pipelines (EventBridge rules start them)");
  for (const stage of declaration.stages)
    for (const action of [...stage.actions, ...CONDITION_TYPES.flatMap((type) => rulesOf(stage, type))])
      checkProvider(action);
  const withDefaults = {
    ...declaration,
    stages: declaration.stages.map((stage) => ({
      ...stage,
      actions: (stage.actions ?? []).map((a) => ({
        ...a,
        runOrder: a.runOrder ?? 1,
        configuration: a.configuration ?? {},
        inputArtifacts: a.inputArtifacts ?? [],
        outputArtifacts: a.outputArtifacts ?? [],
      })),
    })),
    executionMode: declaration.executionMode ?? "SUPERSEDED",
    pipelineType: declaration.pipelineType ?? "V1",
  };
  return withDefaults as unknown as Declared;
}

/** Refuses an action or a rule that cannot be run, or not as it is configured. */
function checkProvider(action: ActionDefinition): void {
  const { category, owner, provider } = action.actionTypeId;
  const implementation = providerOf(action.actionTypeId);
  if (!implementation)
    throw notImplemented(`the provider ${provider} (${category}, ${owner}) of ${action.name} in pipelines`);
  try {
    implementation.check?.(action);
  } catch (error) {
    if (!(error instanceof ActionFailure)) throw error;
    throw error.code === "NotImplemented"
      ? new AwsError("NotImplemented", error.message, 501)
      : fault("InvalidActionDeclarationException", error.message);
  }
}

async function checkRoles(ctx: Ctx, declaration: Declared): Promise<void> {
  const roles = new Set([
    declaration.roleArn,
    ...declaration.stages.flatMap((s) => s.actions.flatMap((a) => (a.roleArn ? [a.roleArn] : []))),
  ]);
  for (const roleArn of roles) {
    try {
      // An action's own role is assumed by the pipeline's role on AWS; either trust is good here.
      if (roleArn === declaration.roleArn)
        await ctx.platform.identity.assumeRoleFor("codepipeline.amazonaws.com", String(roleArn), {
          sessionName: "check",
          sourceArn: pipelineArn(ctx, declaration.name),
        });
    } catch (error) {
      if (!(error instanceof AwsError)) throw error;
      const what =
        codeOf(error) === "AccessDenied"
          ? "CodePipeline is not authorized to perform AssumeRole on role"
          : "The role does not exist:";
      throw fault("InvalidStructureException", `${what} ${roleArn} (${messageOf(error)})`);
    }
  }
}

const roles = (input: { pipeline?: PipelineDeclaration | undefined }, ctx: Ctx) => {
  const { roleArn, stages = [], name } = input.pipeline ?? {};
  const all = new Set([
    roleArn,
    ...stages.flatMap((s) => (s.actions ?? []).flatMap((a) => (a.roleArn ? [a.roleArn] : []))),
  ]);
  return [...all].flatMap((one) => passRole(one, "codepipeline.amazonaws.com", pipelineArn(ctx, String(name))));
};

const tagMap = (
  tags: readonly { key?: string | undefined; value?: string | undefined }[] | undefined,
): Record<string, string> =>
  Object.fromEntries((tags ?? []).map(({ key, value }) => [String(key), String(value ?? "")]));
const tagList = (tags: Readonly<Record<string, string>>) =>
  Object.entries(tags).map(([key, value]) => ({ key, value }));

const shown = ({ declaration, version }: Pipeline): PipelineDeclaration => ({
  ...(declaration as unknown as PipelineDeclaration),
  version,
});

export const pipelines = operations<typeof CodePipeline, PipelineState>()({
  CreatePipeline: {
    permissions: (input, ctx) => [...onPipeline("CreatePipeline")(input, ctx), ...roles(input, ctx)],
    async run(ctx, input) {
      const declaration = await checked(ctx, input.pipeline);
      const { name } = declaration;
      if (await ctx.records.get("pipeline", name)) throw nameInUse(ctx, name);
      if ((await ctx.records.count("pipeline")) >= MAX_PIPELINES)
        throw fault("LimitExceededException", `An account has at most ${MAX_PIPELINES} pipelines`);
      await checkRoles(ctx, declaration);
      const now = ctx.now();
      const pipeline: Pipeline = {
        declaration,
        version: 1,
        created: now,
        updated: now,
        tags: checkedTags(tagMap(input.tags), pipelineArn(ctx, name)),
        disabled: {},
      };
      const first = (declaration.variables ?? []).some((v) => v.defaultValue === undefined)
        ? []
        : (await newExecution(ctx, pipeline, { trigger: { type: "CreatePipeline", detail: callerOf(ctx) } }))
            .statements;
      if (
        !(await ctx.records.create(
          "pipeline",
          name,
          pipeline,
          ctx.records.put("version", versionKey(name, 1), declaration),
          ...first,
          ...startPolling(ctx, pipeline),
        ))
      )
        throw nameInUse(ctx, name);
      return { pipeline: shown(pipeline), tags: tagList(pipeline.tags) };
    },
  },
  UpdatePipeline: {
    permissions: (input, ctx) => [...onPipeline("UpdatePipeline")(input, ctx), ...roles(input, ctx)],
    async run(ctx, input) {
      const declaration = await checked(ctx, input.pipeline);
      const { name } = declaration;
      if (!(await ctx.records.get("pipeline", name))) throw notIncluded(ctx, name);
      await checkRoles(ctx, declaration);
      for (let tries = 0; tries < MAX_TRIES; tries++) {
        const stored = await ctx.records.get<Pipeline>("pipeline", name);
        if (!stored) throw notIncluded(ctx, name);
        const version = stored.value.version + 1;
        const stages = new Set(declaration.stages.map((s) => s.name));
        const disabled = Object.fromEntries(
          Object.entries(stored.value.disabled).filter(([stage]) => stages.has(stage)),
        );
        const pipeline: Pipeline = { ...stored.value, declaration, version, updated: ctx.now(), disabled };
        try {
          await ctx.records.write(
            ctx.records.put("pipeline", name, pipeline, stored.rev),
            ctx.records.put("version", versionKey(name, version), declaration),
            startPolling(ctx, pipeline),
          );
          return { pipeline: shown(pipeline) };
        } catch (error) {
          if (!(error instanceof GuardFailed)) throw error;
        }
      }
      throw fault("ConcurrentModificationException", `The pipeline ${name} is being changed by others: try again`);
    },
  },
  GetPipeline: {
    permissions: onPipeline("GetPipeline"),
    async run(ctx, input) {
      const pipeline = await existingPipeline(ctx, input.name);
      const metadata = {
        pipelineArn: pipelineArn(ctx, pipeline.declaration.name),
        created: new Date(pipeline.created),
        updated: new Date(pipeline.updated),
      };
      if (input.version === undefined || input.version === pipeline.version)
        return { pipeline: shown(pipeline), metadata };
      const old = await ctx.records.get<Declared>("version", versionKey(pipeline.declaration.name, input.version));
      if (!old)
        throw fault("PipelineVersionNotFoundException", `The pipeline ${input.name} has no version ${input.version}`);
      return { pipeline: { ...(old.value as unknown as PipelineDeclaration), version: input.version }, metadata };
    },
  },
  ListPipelines: {
    permissions: onAll("ListPipelines"),
    async run(ctx, input) {
      const limit = input.maxResults ?? PAGE;
      const found = await ctx.records.list<Pipeline>("pipeline", {
        limit: limit + 1,
        ...(input.nextToken ? { after: input.nextToken } : {}),
      });
      const page = found.slice(0, limit);
      return {
        pipelines: page.map(({ value }) => ({
          name: value.declaration.name,
          version: value.version,
          created: new Date(value.created),
          updated: new Date(value.updated),
          pipelineType: value.declaration.pipelineType,
          executionMode: value.declaration.executionMode,
        })) as CodePipeline.PipelineSummary[],
        ...(found.length > limit ? { nextToken: page.at(-1)!.id } : {}),
      };
    },
  },
  DeletePipeline: {
    permissions: onPipeline("DeletePipeline"),
    async run(ctx, input) {
      const name = String(input.name);
      const gone = async (kind: string) =>
        (await ctx.records.list(kind, { prefix: `${name}/` })).map(({ id }) => ctx.records.remove(kind, id));
      const all = await Promise.all(["version", "execution", "active", "order"].map(gone));
      await ctx.records.write(
        ctx.records.remove("pipeline", name),
        ctx.records.remove("progress", name),
        ctx.records.remove("polling", name),
        ...all,
      );
      return {};
    },
  },
  TagResource: {
    permissions: onNamed("TagResource"),
    run: (ctx, input) =>
      changeTags(ctx, input.resourceArn, (tags) => checkedTags({ ...tags, ...tagMap(input.tags) }, input.resourceArn)),
  },
  UntagResource: {
    permissions: onNamed("UntagResource"),
    run: (ctx, input) =>
      changeTags(ctx, input.resourceArn, (tags) =>
        Object.fromEntries(Object.entries(tags).filter(([key]) => !input.tagKeys?.includes(key))),
      ),
  },
  ListTagsForResource: {
    permissions: onNamed("ListTagsForResource"),
    async run(ctx, input) {
      const stored = await ctx.records.get<Pipeline>("pipeline", nameIn(input.resourceArn));
      if (!stored) throw notIncluded(ctx, nameIn(input.resourceArn));
      return { tags: tagList(stored.value.tags) };
    },
  },
});

/** The permission for an action on the pipeline that an ARN names: as policies name it, whatever stands before the name. */
function onNamed(action: string) {
  return (input: { resourceArn?: string | undefined }, ctx: Ctx): Permission[] => [
    { action: `codepipeline:${action}`, resource: pipelineArn(ctx, nameIn(input.resourceArn)) },
  ];
}

const nameIn = (arn: string | undefined): string => String(arn).split(":").at(-1) ?? "";

function checkedTags(tags: Record<string, string>, arn: string | undefined): Record<string, string> {
  if (Object.keys(tags).some((key) => /^aws:/i.test(key)))
    throw fault(
      "InvalidTagsException",
      "Not allowed to modify system tags. System tags start with 'aws:'. msg=[Caller is an end user and not allowed to mutate system tags]",
    );
  if (Object.keys(tags).length > MAX_TAGS)
    throw fault("TooManyTagsException", `Tag limit exceeded for resource [${arn}].`);
  return tags;
}

async function changeTags(
  ctx: Ctx,
  arn: string | undefined,
  change: (tags: Pipeline["tags"]) => Pipeline["tags"],
): Promise<object> {
  const found = await ctx.records.update<Pipeline>("pipeline", nameIn(arn), (p) => ({ ...p, tags: change(p.tags) }));
  if (!found) throw notIncluded(ctx, nameIn(arn));
  return {};
}

const nameInUse = (ctx: Ctx, name: string): AwsError =>
  fault("PipelineNameInUseException", `A pipeline with the name '${name}' already exists in account '${ctx.account}'`);

/** What UpdatePipeline and the calls for tags answer where there is no pipeline. */
const notIncluded = (ctx: Ctx, name: string): AwsError =>
  fault(
    "ResourceNotFoundException",
    `The account with id '${ctx.account}' does not include a pipeline with the name '${name}'`,
  );

/** The ARN that triggers and approvals show. */
export const callerOf = (ctx: Ctx): string =>
  "arn" in ctx.principal
    ? ctx.principal.arn
    : ctx.principal.kind === "service"
      ? ctx.principal.service
      : ctx.principal.kind;
