import type { Context } from "../../aws/context.ts";
import type { Arn } from "../../kernel/arn.ts";
import { AwsError } from "../../kernel/aws-error.ts";
import { sendToApi } from "./api-destination-target.ts";
import { MAX_HOPS } from "./limits.ts";
import { publish, type Delivery } from "./publish.ts";
import type { EventsState } from "./state.ts";

/** One event for one target. */
interface Sending {
  readonly delivery: Delivery;
  readonly target: Arn;
  /** What the target gets, as its own input, path or transformer makes it. */
  readonly input: string;
}

/** A kind of target. */
interface TargetKind {
  /** The operation that brings the event there: such targets are refused while the platform does not have it. */
  readonly needs: readonly [service: string, operation: string];
  /** It is called as the target's RoleArn. */
  readonly asRole?: true;
  send(ctx: Context<EventsState>, sending: Sending): Promise<void>;
}

const lambda: TargetKind = {
  needs: ["lambda", "Invoke"],
  async send(ctx, { delivery, input }) {
    const call = { FunctionName: delivery.target.Arn, InvocationType: "Event", Payload: input };
    await ctx.asService(delivery.ruleArn).call("lambda", "Invoke", call);
  },
};

const codepipeline: TargetKind = {
  needs: ["codepipeline", "StartPipelineExecution"],
  asRole: true,
  async send(ctx, { delivery, target }) {
    // The event's id as token: a second delivery of the same event starts nothing.
    await (
      await withRole(ctx, delivery)
    ).call("codepipeline", "StartPipelineExecution", { name: target.resource, clientRequestToken: delivery.event.id });
  },
};

const codebuild: TargetKind = {
  needs: ["codebuild", "StartBuild"],
  asRole: true,
  async send(ctx, { delivery, target, input }) {
    const own = delivery.target.Input !== undefined || delivery.target.InputTransformer;
    const overrides = own ? (JSON.parse(input) as object) : {};
    const call = {
      ...overrides,
      projectName: target.resource.replace(/^project\//, ""),
      idempotencyToken: delivery.event.id,
    };
    await (await withRole(ctx, delivery)).call("codebuild", "StartBuild", call);
  },
};

const logGroup: TargetKind = {
  needs: ["logs", "PutLogEvents"],
  async send(ctx, { delivery, target, input }) {
    const logGroupName = target.resource.replace(/^log-group:/, "").replace(/:\*$/, "");
    const logStreamName = ctx.platform.ids.uuid();
    const caller = ctx.asService(delivery.ruleArn);
    await caller.call("logs", "CreateLogStream", { logGroupName, logStreamName });
    await caller.call("logs", "PutLogEvents", {
      logGroupName,
      logStreamName,
      logEvents: [{ timestamp: ctx.now(), message: input }],
    });
  },
};

const eventBus: TargetKind = {
  needs: ["events", "PutEvents"],
  async send(ctx, { delivery, target }) {
    if (target.account !== ctx.account)
      throw new AwsError("AccessDeniedException", `The event bus ${delivery.target.Arn} is of another account.`, 400);
    if (delivery.hops >= MAX_HOPS)
      throw new AwsError("EventLoop", `The event has passed ${MAX_HOPS} event buses.`, 400);
    const statements = await publish(ctx, target.resource.replace(/^event-bus\//, ""), delivery.event, {
      hops: delivery.hops + 1,
    });
    if (statements.length) await ctx.records.write(statements);
  },
};

const sqs: TargetKind = {
  needs: ["sqs", "SendMessage"],
  async send(ctx, { delivery, target, input }) {
    const QueueUrl = `${ctx.platform.settings.publicUrl}/${target.account}/${target.resource}`;
    const group = delivery.target.SqsParameters?.MessageGroupId;
    const call = { QueueUrl, MessageBody: input, ...(group ? { MessageGroupId: group } : {}) };
    await ctx.asService(delivery.ruleArn).call("sqs", "SendMessage", call);
  },
};

const sns: TargetKind = {
  needs: ["sns", "Publish"],
  async send(ctx, { delivery, input }) {
    await ctx.asService(delivery.ruleArn).call("sns", "Publish", { TopicArn: delivery.target.Arn, Message: input });
  },
};

const apiDestination: TargetKind = {
  needs: ["events", "DescribeApiDestination"],
  asRole: true,
  async send(ctx, { delivery, input }) {
    await sendToApi(ctx, await withRole(ctx, delivery), delivery, input);
  },
};

/** Every kind of target, by the service and the start of the resource in its ARN. */
const KINDS: readonly (readonly [service: string, resource: string, kind: TargetKind])[] = [
  ["lambda", "function:", lambda],
  ["codepipeline", "", codepipeline],
  ["codebuild", "project/", codebuild],
  ["logs", "log-group:", logGroup],
  ["events", "event-bus/", eventBus],
  ["events", "api-destination/", apiDestination],
  ["sqs", "", sqs],
  ["sns", "", sns],
];

/** The kind of target that an ARN names; `undefined` where Starling has none such. */
export function targetKind(target: Arn): TargetKind | undefined {
  return KINDS.find(([service, resource]) => target.service === service && target.resource.startsWith(resource))?.[2];
}

function withRole(ctx: Context<EventsState>, { target, rule }: Delivery): Promise<Context<EventsState>> {
  if (!target.RoleArn) throw new AwsError("ValidationException", `RoleArn is required for target ${target.Arn}.`, 400);
  return ctx.asRole(target.RoleArn, rule);
}
