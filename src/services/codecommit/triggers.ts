import type * as CodeCommit from "@aws-sdk/client-codecommit";
import type { Context } from "../../aws/context.ts";
import { principalName, type Principal } from "../../aws/principal.ts";
import { operations } from "../../aws/service.ts";
import { messageOf, notImplemented } from "../../kernel/aws-error.ts";
import type { Statement } from "../../ports/database.ts";
import { bad, existingRepository, onRepository, repositoryArn, type Repository } from "./model.ts";
import type { StateChange } from "./told-refs.ts";

const MAX_TRIGGERS = 10;
const MAX_BRANCHES = 10;
const KINDS: Readonly<Record<StateChange["event"], CodeCommit.RepositoryTriggerEventEnum>> = {
  referenceCreated: "createReference",
  referenceUpdated: "updateReference",
  referenceDeleted: "deleteReference",
};

/** A trigger that was checked. */
interface Trigger extends CodeCommit.RepositoryTrigger {
  readonly name: string;
  readonly destinationArn: string;
  readonly events: CodeCommit.RepositoryTriggerEventEnum[];
}

interface StoredTriggers {
  readonly id: string;
  readonly triggers: readonly Trigger[];
}

type Ctx = Context<any>;
type GivenTrigger = {
  name?: string | undefined;
  destinationArn?: string | undefined;
  customData?: string | undefined;
  branches?: string[] | undefined;
  events?: string[] | undefined;
};

export const triggers = operations<typeof CodeCommit, any>()({
  PutRepositoryTriggers: {
    permissions: onRepository("PutRepositoryTriggers"),
    async run(ctx, input) {
      const repository = await existingRepository(ctx, input.repositoryName);
      const stored: StoredTriggers = { id: ctx.platform.ids.uuid(), triggers: checked(ctx, input.triggers) };
      await ctx.records.write(ctx.records.put("triggers", repository.id, stored));
      return { configurationId: stored.id };
    },
  },
  GetRepositoryTriggers: {
    permissions: onRepository("GetRepositoryTriggers"),
    async run(ctx, input) {
      const repository = await existingRepository(ctx, input.repositoryName);
      const stored = await ctx.records.get<StoredTriggers>("triggers", repository.id);
      return stored ? { configurationId: stored.value.id, triggers: [...stored.value.triggers] } : { triggers: [] };
    },
  },
  TestRepositoryTriggers: {
    permissions: onRepository("TestRepositoryTriggers"),
    async run(ctx, input) {
      const repository = await existingRepository(ctx, input.repositoryName);
      const successfulExecutions: string[] = [];
      const failedExecutions: { trigger: string; failureMessage: string }[] = [];
      for (const trigger of checked(ctx, input.triggers)) {
        const change: StateChange = {
          event: "referenceUpdated",
          repositoryName: repository.name,
          repositoryId: repository.id,
          referenceType: "branch",
          referenceName: repository.defaultBranch ?? "main",
          referenceFullName: `refs/heads/${repository.defaultBranch ?? "main"}`,
          commitId: "0".repeat(40),
          callerUserArn: principalName(ctx.principal),
        };
        const id = ctx.platform.ids.uuid();
        const Payload = payload(ctx, repository, { trigger, id, changes: [change], caller: ctx.principal });
        try {
          const call = { FunctionName: trigger.destinationArn, InvocationType: "Event", Payload };
          await ctx.asService(repositoryArn(ctx, repository.name)).call("lambda", "Invoke", call);
          successfulExecutions.push(trigger.name);
        } catch (error) {
          failedExecutions.push({ trigger: trigger.name, failureMessage: messageOf(error) });
        }
      }
      return { successfulExecutions, failedExecutions };
    },
  },
});

function checked(ctx: Ctx, given: readonly GivenTrigger[] | undefined): Trigger[] {
  if (!given)
    throw bad(
      "RepositoryTriggersListRequiredException",
      "The list of triggers for the repository is required, but was not specified.",
    );
  if (given.length > MAX_TRIGGERS)
    throw bad(
      "MaximumRepositoryTriggersExceededException",
      `The number of triggers allowed for the repository was exceeded: ${MAX_TRIGGERS}.`,
    );
  const names = given.map((t) => t.name);
  if (new Set(names).size !== names.length)
    throw bad("InvalidRepositoryTriggerNameException", "The name of the trigger is not valid: names must be unique.");
  return given.map((trigger) => checkTrigger(ctx, trigger));
}

function checkTrigger(
  ctx: Ctx,
  { name, destinationArn, customData, branches = [], events = [] }: GivenTrigger,
): Trigger {
  if (!name)
    throw bad("RepositoryTriggerNameRequiredException", "A name for the trigger is required, but was not specified.");
  if (!/^[\w.-]{1,100}$/.test(name))
    throw bad("InvalidRepositoryTriggerNameException", "The name of the trigger is not valid.");
  if (!destinationArn)
    throw bad(
      "RepositoryTriggerDestinationArnRequiredException",
      "A destination ARN for the target service for the trigger is required, but was not specified.",
    );
  const [, , service, region] = destinationArn.split(":");
  if (service === "sns") throw notImplemented("topics as destinations of a repository's triggers");
  if (service !== "lambda")
    throw bad(
      "InvalidRepositoryTriggerDestinationArnException",
      `The Amazon Resource Name (ARN) for the trigger is not valid for the specified destination: ${destinationArn}`,
    );
  if (region !== ctx.region)
    throw bad(
      "InvalidRepositoryTriggerRegionException",
      "The AWS Region for the trigger target does not match the AWS Region for the repository.",
    );
  if (events.length === 0)
    throw bad(
      "RepositoryTriggerEventsListRequiredException",
      "At least one event for the trigger is required, but was not specified.",
    );
  const known = ["all", ...Object.values(KINDS)];
  if (!events.every((e) => known.includes(e)) || (events.includes("all") && events.length > 1))
    throw bad("InvalidRepositoryTriggerEventsException", "One or more events specified for the trigger is not valid.");
  if (branches.length > MAX_BRANCHES)
    throw bad(
      "MaximumBranchesExceededException",
      `The number of branches for the trigger was exceeded: ${MAX_BRANCHES}.`,
    );
  if ((customData?.length ?? 0) > 1000)
    throw bad("InvalidRepositoryTriggerCustomDataException", "The custom data provided for the trigger is not valid.");
  return {
    name,
    destinationArn,
    ...(customData === undefined ? {} : { customData }),
    branches,
    events: events as CodeCommit.RepositoryTriggerEventEnum[],
  };
}

/** The statements that call the functions that want to know of the changes. */
export async function fireTriggers(
  ctx: Ctx,
  repository: Repository,
  changes: readonly StateChange[],
  caller: Principal,
): Promise<Statement[]> {
  const stored = await ctx.records.get<StoredTriggers>("triggers", repository.id);
  if (!stored) return [];
  const service = ctx.asService(repositoryArn(ctx, repository.name));
  return stored.value.triggers.flatMap((trigger) => {
    const { branches = [], events } = trigger;
    const wanted = changes.filter(
      (change) =>
        (events.includes("all") || events.includes(KINDS[change.event])) &&
        (branches.length === 0 || branches.includes(change.referenceName)),
    );
    if (wanted.length === 0) return [];
    const Payload = payload(ctx, repository, { trigger, id: stored.value.id, changes: wanted, caller });
    const call = { FunctionName: trigger.destinationArn, InvocationType: "Event", Payload };
    return service.later("lambda", "Invoke", call);
  });
}

interface Firing {
  readonly trigger: Trigger;
  readonly id: string;
  readonly changes: readonly StateChange[];
  readonly caller: Principal;
}

/** https://docs.aws.amazon.com/lambda/latest/dg/services-codecommit.html */
function payload(ctx: Ctx, repository: Repository, { trigger, id, changes, caller }: Firing): string {
  const record = {
    awsRegion: ctx.region,
    codecommit: {
      references: changes.map((change) => ({
        commit: change.commitId ?? change.oldCommitId,
        ...(change.event === "referenceCreated" ? { created: true } : {}),
        ...(change.event === "referenceDeleted" ? { deleted: true } : {}),
        ref: change.referenceFullName,
      })),
    },
    ...(trigger.customData === undefined ? {} : { customData: trigger.customData }),
    eventId: ctx.platform.ids.uuid(),
    eventName: "ReferenceChanges",
    eventPartNumber: 1,
    eventSource: "aws:codecommit",
    eventSourceARN: repositoryArn(ctx, repository.name),
    eventTime: new Date(ctx.now()).toISOString().replace("Z", "+0000"),
    eventTotalParts: 1,
    eventTriggerConfigId: id,
    eventTriggerName: trigger.name,
    eventVersion: "1.0",
    userIdentityARN: principalName(caller),
  };
  return JSON.stringify({ Records: [record] });
}
