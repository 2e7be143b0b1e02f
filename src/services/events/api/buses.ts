import type * as Events from "@aws-sdk/client-eventbridge";
import type { Context } from "../../../aws/context.ts";
import { operations } from "../../../aws/service.ts";
import { compilePolicy } from "../../../engines/policy/index.ts";
import { AwsError, messageOf, notImplemented } from "../../../kernel/aws-error.ts";
import { existingBus, findBus, onBus } from "../access.ts";
import { MAX_BUS_POLICY, MAX_BUSES } from "../limits.ts";
import { busArn, busName, DEFAULT_BUS, invalid, noBus, overLimit, type Bus, type Rule } from "../model.ts";
import { pageOf } from "../page.ts";
import { tagsFrom } from "./tags.ts";

interface Statement {
  readonly Sid?: string;
  readonly [key: string]: unknown;
}

export const buses = operations<typeof Events, any>()({
  CreateEventBus: {
    permissions: onBus("CreateEventBus"),
    async run(ctx, input) {
      const name = busName(input.Name);
      if (input.EventSourceName)
        throw new AwsError("ResourceNotFoundException", `Event source ${input.EventSourceName} does not exist.`, 400);
      checkSettings(input);
      if (name.includes("/"))
        throw invalid(`Parameter Name is not valid. Reason: Custom event bus names cannot contain the / character.`);
      if ((await ctx.records.count("bus")) >= MAX_BUSES)
        throw overLimit("The requested resource exceeds the maximum number allowed.");
      const bus: Bus = {
        name,
        created: ctx.now(),
        ...(input.Description ? { description: input.Description } : {}),
        ...(input.Tags?.length ? { tags: tagsFrom(input.Tags) } : {}),
      };
      if (name === DEFAULT_BUS || !(await ctx.records.create("bus", name, bus))) {
        throw new AwsError("ResourceAlreadyExistsException", `Event bus ${name} already exists.`, 400);
      }
      return { EventBusArn: busArn(ctx, name), ...(bus.description ? { Description: bus.description } : {}) };
    },
  },
  UpdateEventBus: {
    permissions: onBus("UpdateEventBus"),
    async run(ctx, input) {
      checkSettings(input);
      const name = busName(input.Name);
      await mustBeStored(ctx, name);
      // What is not given is taken away.
      const changed = await ctx.records.update<Bus>("bus", name, ({ description: _old, ...bus }) => ({
        ...bus,
        modified: ctx.now(),
        ...(input.Description ? { description: input.Description } : {}),
      }));
      if (!changed) throw noBus(name);
      const { description: Description } = changed;
      return { Arn: busArn(ctx, name), Name: name, ...(Description === undefined ? {} : { Description }) };
    },
  },
  DescribeEventBus: {
    permissions: onBus("DescribeEventBus"),
    run: async (ctx, input) => view(ctx, await existingBus(ctx, busName(input.Name))),
  },
  ListEventBuses: {
    permissions: (_input, ctx) => [{ action: "events:ListEventBuses", resource: busArn(ctx, "*") }],
    async run(ctx, input) {
      const stored = (await ctx.records.list<Bus>("bus")).map((b) => b.value);
      const all = [(await findBus(ctx, DEFAULT_BUS))!, ...stored.filter((b) => b.name !== DEFAULT_BUS)];
      const { items, next } = pageOf(
        all.filter((b) => b.name.startsWith(input.NamePrefix ?? "")),
        input,
      );
      return { EventBuses: items.map((b) => view(ctx, b)), ...next };
    },
  },
  DeleteEventBus: {
    permissions: onBus("DeleteEventBus"),
    async run(ctx, input) {
      const name = busName(input.Name);
      if (name === DEFAULT_BUS) throw invalid("Cannot delete event bus default.");
      if (!(await ctx.records.get("bus", name))) return {}; // as AWS: what is not there is deleted
      const rules = await ctx.records.list<Rule>("rule", { prefix: `${name}:`, limit: 1 });
      if (rules.length) throw invalid("Event bus can't be deleted since it has rules.");
      await ctx.records.write(ctx.records.remove("bus", name));
      return {};
    },
  },
  PutPermission: {
    permissions: onBus("PutPermission"),
    async run(ctx, input) {
      const bus = busName(input.EventBusName);
      await existingBus(ctx, bus);
      if (input.Policy) checkPolicy(input.Policy);
      else if (!input.StatementId || !input.Action || !input.Principal)
        throw invalid("Parameter StatementId, Action and Principal are required where there is no Policy.");
      else if (input.Action !== "events:PutEvents")
        throw invalid("Provided value in parameter 'action' is not supported.");
      const statement = input.Policy ? undefined : statementOf(ctx, bus, input);
      await changePolicy(ctx, bus, (before) => {
        if (input.Policy) return input.Policy;
        return policyOf([...before.filter((s) => s.Sid !== statement!.Sid), statement!]);
      });
      return {};
    },
  },
  RemovePermission: {
    permissions: onBus("RemovePermission"),
    async run(ctx, input) {
      await changePolicy(ctx, busName(input.EventBusName), (before) => {
        if (input.RemoveAllPermissions) return undefined;
        const after = before.filter((s) => s.Sid !== input.StatementId);
        if (after.length === before.length)
          throw new AwsError("ResourceNotFoundException", "Statement with the provided id does not exist.", 400);
        return after.length ? policyOf(after) : undefined;
      });
      return {};
    },
  },
});

interface Settings {
  readonly KmsKeyIdentifier?: string | undefined;
  readonly LogConfig?: { readonly Level?: string | undefined } | undefined;
}

/** What a bus cannot do is refused, so that nobody relies on it. */
function checkSettings({ KmsKeyIdentifier, LogConfig }: Settings): void {
  if (KmsKeyIdentifier) throw notImplemented("keys of the customer's for event buses");
  if (LogConfig?.Level && LogConfig.Level !== "OFF") throw notImplemented("logs of event buses");
}

/** The default bus is there without a record: it gets one when something is set of it. Throws for a bus that is not there. */
async function mustBeStored(ctx: Context<any>, name: string): Promise<void> {
  const existing = await existingBus(ctx, name);
  if (name === DEFAULT_BUS) await ctx.records.create("bus", name, { ...existing, created: ctx.now() });
}

type PermissionInput = {
  StatementId?: string | undefined;
  Action?: string | undefined;
  Principal?: string | undefined;
  Condition?: { Type?: string | undefined; Key?: string | undefined; Value?: string | undefined } | undefined;
};

function statementOf(ctx: Context<any>, bus: string, input: PermissionInput): Statement {
  const { Condition: condition } = input;
  const principal = input.Principal === "*" ? "*" : { AWS: `arn:aws:iam::${input.Principal}:root` };
  return {
    Sid: String(input.StatementId),
    Effect: "Allow",
    Principal: principal,
    Action: input.Action,
    Resource: busArn(ctx, bus),
    ...(condition ? { Condition: { [String(condition.Type)]: { [String(condition.Key)]: condition.Value } } } : {}),
  };
}

const policyOf = (statements: readonly Statement[]): string =>
  JSON.stringify({ Version: "2012-10-17", Statement: statements });

function checkPolicy(text: string): void {
  try {
    compilePolicy(text, "resource");
  } catch (error) {
    throw invalid(`Parameter Policy is not valid. Reason: ${messageOf(error)}`);
  }
}

async function changePolicy(
  ctx: Context<any>,
  name: string,
  make: (before: readonly Statement[]) => string | undefined,
): Promise<void> {
  await mustBeStored(ctx, name);
  await ctx.records.update<Bus>("bus", name, ({ policy: before, ...bus }) => {
    const statements = before ? ((JSON.parse(before) as { Statement?: Statement | Statement[] }).Statement ?? []) : [];
    const policy = make([statements].flat());
    if (policy && Buffer.byteLength(policy) > MAX_BUS_POLICY)
      throw new AwsError(
        "PolicyLengthExceededException",
        `The event bus policy is longer than ${MAX_BUS_POLICY} characters.`,
        400,
      );
    return policy ? { ...bus, policy } : bus;
  });
}

function view(ctx: Context<any>, bus: Bus) {
  return {
    Name: bus.name,
    Arn: busArn(ctx, bus.name),
    ...(bus.description ? { Description: bus.description } : {}),
    ...(bus.policy ? { Policy: bus.policy } : {}),
    ...(bus.created
      ? { CreationTime: new Date(bus.created), LastModifiedTime: new Date(bus.modified ?? bus.created) }
      : {}),
  };
}
