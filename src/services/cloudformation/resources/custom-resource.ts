import { AwsError } from "../../../kernel/aws-error.ts";
import type { Properties, ResourceContext, ResourceType } from "../../../aws/service.ts";
import { cancellation } from "../cancel.ts";
import { responseUrl, type CustomResponse } from "../custom-responses.ts";
import { CUSTOM_RESOURCE_SECONDS } from "../limits.ts";
import { StepCancelled, StepFailed } from "../operation/failure.ts";
import { unseal } from "../store.ts";
import type { StepContext } from "../operation/step-context.ts";

/** AWS::CloudFormation::CustomResource and Custom::*: a function does the work and answers to a URL. */
export const customResource: ResourceType = {
  type: "AWS::CloudFormation::CustomResource",
  async create(ctx, properties) {
    const answer = await ask(ctx, "Create", properties, {});
    return String(answer.PhysicalResourceId);
  },
  async update(ctx, id, next, previous) {
    const answer = await ask(ctx, "Update", next, { PhysicalResourceId: id, OldResourceProperties: texts(previous) });
    return String(answer.PhysicalResourceId ?? id);
  },
  async remove(ctx, id, properties) {
    await ask(ctx, "Delete", properties, { PhysicalResourceId: id });
  },
  async attributes(ctx) {
    const found = await ctx.records.get<CustomResponse>("custom-response", ctx.token);
    return found?.value.Data ? unseal<Record<string, unknown>>(ctx, found.value.Data) : {};
  },
  replaceOn: ["ServiceToken"],
};

/** Calls the function and waits for its answer. A try that was killed finds the answer that came meanwhile, or asks again with the same id. */
async function ask(
  ctx: ResourceContext,
  RequestType: string,
  properties: Properties,
  more: object,
): Promise<CustomResponse> {
  const FunctionName = String(properties["ServiceToken"] ?? "");
  if (!/^arn:[^:]+:lambda:/.test(FunctionName))
    throw new StepFailed(
      `Starling invokes custom resources of Lambda functions only: ServiceToken is ${FunctionName || "missing"}.`,
    );
  const seconds = Math.min(
    Number(properties["ServiceTimeout"] ?? CUSTOM_RESOURCE_SECONDS) || CUSTOM_RESOURCE_SECONDS,
    CUSTOM_RESOURCE_SECONDS,
  );
  const held = ctx.retried ? await ctx.records.get<CustomResponse>("custom-response", ctx.token) : undefined;
  // Whatever becomes of it, it is known by this name until the function gives it another.
  if (RequestType === "Create") ctx.physicalName();
  if (!held) {
    const event = {
      RequestType,
      ServiceToken: FunctionName,
      ResponseURL: responseUrl(ctx, ctx.token, seconds),
      StackId: ctx.stackId,
      RequestId: ctx.token,
      LogicalResourceId: ctx.logicalId,
      ResourceType: (ctx as StepContext).typeName ?? "AWS::CloudFormation::CustomResource",
      ResourceProperties: texts(properties),
      ...more,
    };
    await ctx.call("lambda", "Invoke", {
      FunctionName,
      InvocationType: "Event",
      Payload: Buffer.from(JSON.stringify(event)),
    });
  }
  const answer = held?.value ?? (await answerOf(ctx as StepContext, seconds, CANCELLED[RequestType]));
  if (answer.PhysicalResourceId && RequestType === "Create") (ctx as StepContext).made(answer.PhysicalResourceId);
  if (answer.Status === "SUCCESS" && (answer.PhysicalResourceId || RequestType !== "Create")) return answer;
  if (answer.Status === "SUCCESS") throw new StepFailed("Invalid PhysicalResourceId");
  throw new StepFailed(
    `Received response status [${answer.Status}] from custom resource. Message returned: ${answer.Reason ?? ""} (RequestId: ${ctx.token})`,
  );
}

/** What is said of a request that is given up because the stack's operation is; a removal never is. */
const CANCELLED: Readonly<Record<string, string>> = {
  Create: "Resource creation cancelled",
  Update: "Resource update cancelled",
};

async function answerOf(ctx: StepContext, seconds: number, cancelled: string | undefined): Promise<CustomResponse> {
  const { bus, clock } = ctx.platform;
  const end = ctx.now() + seconds * 1000;
  while (ctx.now() < end) {
    const woken = new AbortController();
    const topics = [`cloudformation-response:${ctx.token}`, cancellation(ctx.stackId)];
    const unsubscribe = topics.map((topic) => bus.subscribe(topic, () => woken.abort()));
    try {
      const found = await ctx.records.get<CustomResponse>("custom-response", ctx.token);
      if (found) return found.value;
      if (cancelled !== undefined && (await ctx.cancelled())) throw new StepCancelled(cancelled);
      const pause = (): Promise<void> =>
        clock.sleep(Math.min(5_000, end - ctx.now()), AbortSignal.any([ctx.signal, woken.signal]));
      await ctx.waits(() => pause().catch(() => undefined));
      if (ctx.signal.aborted) throw new AwsError("ServiceUnavailable", "The platform is stopping.", 503);
    } finally {
      for (const leave of unsubscribe) leave();
    }
  }
  throw new StepFailed(
    "CloudFormation did not receive a response from your Custom Resource. Please check your logs for requestId [" +
      ctx.token +
      "]. If you are using the Python cfn-response module, you may need to update your Lambda function code so that CloudFormation can attach the updated version.",
  );
}

/** Functions get every number and boolean as text, as CloudFormation sends them. */
function texts(value: any): any {
  if (Array.isArray(value)) return value.map(texts);
  if (value !== null && typeof value === "object")
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, texts(item)]));
  return value === null || value === undefined ? value : String(value);
}
