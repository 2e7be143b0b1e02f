import type * as Sqs from "@aws-sdk/client-sqs";
import { operations } from "../../../aws/service.ts";
import { AwsError } from "../../../kernel/aws-error.ts";
import { MAX_POLICY_LABELS } from "../limits.ts";
import { invalidParameter, missing, onQueue, queueArn, QUEUE, queueOf, type Ctx, type Queue } from "../model.ts";
import type { SqsState } from "../state.ts";

interface Policy {
  readonly Version: string;
  readonly Id?: string;
  readonly Statement: readonly { readonly Sid?: string; readonly [member: string]: unknown }[];
}

/** Actions that a permission may give: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_AddPermission.html */
const ACTIONS = [
  "*",
  "SendMessage",
  "ReceiveMessage",
  "DeleteMessage",
  "ChangeMessageVisibility",
  "GetQueueAttributes",
  "GetQueueUrl",
  "ListDeadLetterSourceQueues",
  "PurgeQueue",
];

async function changePolicy(ctx: Ctx, url: string | undefined, make: (policy: Policy) => Policy): Promise<object> {
  const { name } = await queueOf(ctx, url);
  const empty: Policy = {
    Version: "2008-10-17",
    Id: `${queueArn(ctx, name)}/SQSDefaultPolicy`,
    Statement: [],
  };
  await ctx.records.update<Queue>(QUEUE, name, (queue) => {
    const { Policy: text, ...others } = queue.attributes;
    const next = make(text ? (JSON.parse(text) as Policy) : empty);
    const attributes = next.Statement.length ? { ...others, Policy: JSON.stringify(next) } : others;
    return { ...queue, attributes, modified: ctx.now() };
  });
  return {};
}

const statementsOf = (policy: Policy): Policy["Statement"] =>
  Array.isArray(policy.Statement) ? policy.Statement : [policy.Statement as never];

const one = <T>(list: readonly T[]): T | readonly T[] => (list.length === 1 ? list[0]! : list);

export const permissions = operations<typeof Sqs, SqsState>()({
  AddPermission: {
    permissions: onQueue("AddPermission"),
    async run(ctx, input) {
      const label = String(input.Label);
      const [accounts, actions] = [input.AWSAccountIds ?? [], input.Actions ?? []];
      if (!/^[\w-]{1,80}$/.test(label))
        throw invalidParameter(
          "Label",
          label.slice(0, 200),
          "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length",
        );
      if (actions.length === 0) throw missing("Actions");
      if (accounts.length === 0) throw missing("AWSAccountIds");
      const account = accounts.find((id) => !/^\d{12}$/.test(id));
      if (account !== undefined) throw invalidParameter("PrincipalId", account, "Unable to verify.");
      const action = actions.find((name) => !ACTIONS.includes(name));
      if (action !== undefined)
        throw invalidParameter("ActionName", `SQS:${action}`, "Only the queue owner is allowed to invoke this action.");
      const { name } = await queueOf(ctx, input.QueueUrl);
      return changePolicy(ctx, input.QueueUrl, (policy) => {
        const before = statementsOf(policy);
        if (before.some(({ Sid }) => Sid === label)) throw invalidParameter("Label", label, "Already exists.");
        if (before.length >= MAX_POLICY_LABELS)
          throw new AwsError(
            "OverLimit",
            `${before.length} statements were found, maximum allowed is ${MAX_POLICY_LABELS}.`,
            403,
          );
        const statement = {
          Sid: label,
          Effect: "Allow",
          Principal: { AWS: one(accounts.map((id) => `arn:aws:iam::${id}:root`)) },
          Action: one(actions.map((each) => `SQS:${each}`)),
          Resource: queueArn(ctx, name),
        };
        return { ...policy, Statement: [...before, statement] };
      });
    },
  },
  RemovePermission: {
    permissions: onQueue("RemovePermission"),
    run: (ctx, input) =>
      changePolicy(ctx, input.QueueUrl, (policy) => {
        const before = statementsOf(policy);
        const after = before.filter(({ Sid }) => Sid !== input.Label);
        if (after.length === before.length) throw invalidParameter("Label", input.Label, "can't find label.");
        return { ...policy, Statement: after };
      }),
  },
});
