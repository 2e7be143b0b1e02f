import type { ResourceContext } from "../../../aws/service.ts";
import { isObject, type JsonObject, type JsonValue } from "../../../engines/yaml/index.ts";
import { READY_MS } from "../limits.ts";
import { StepCancelled, StepFailed } from "./failure.ts";
import type { StackRun } from "./stack-run.ts";

const FIRST_PAUSE_MS = 20;
const LONGEST_PAUSE_MS = 1_000;

/**
 * Moves an alias to another version by CodeDeploy, as the UpdatePolicy `CodeDeployLambdaAliasUpdate` asks: the update of
 * the alias is done when the deployment is. A step that was killed goes on with the deployment that it had begun.
 */
export async function shiftAlias(
  run: StackRun,
  ctx: ResourceContext,
  updatePolicy: JsonValue | undefined,
  next: JsonObject,
  previous: JsonObject,
): Promise<void> {
  const policy = isObject(updatePolicy ?? null) ? (updatePolicy as JsonObject).CodeDeployLambdaAliasUpdate : undefined;
  if (!isObject(policy ?? null) || String(next.FunctionVersion) === String(previous.FunctionVersion)) return;
  const { ApplicationName, DeploymentGroupName, BeforeAllowTrafficHook, AfterAllowTrafficHook } = policy as JsonObject;
  const group = { applicationName: String(ApplicationName), deploymentGroupName: String(DeploymentGroupName) };
  const FunctionName = String(next.FunctionName);
  const Name = String(next.Name);
  const alias = await ctx.call("lambda", "GetAlias", { FunctionName, Name });
  if (alias.FunctionVersion === String(next.FunctionVersion)) {
    // All traffic is there already; hooks of the deployment that a killed try began may still be at work.
    const begun = ctx.retried ? await running(ctx, group) : undefined;
    return begun === undefined ? undefined : untilDeployed(run, ctx, begun);
  }
  const appSpec = {
    version: 0,
    Resources: [
      {
        [ctx.logicalId]: {
          Type: "AWS::Lambda::Function",
          Properties: {
            Name: FunctionName,
            Alias: Name,
            CurrentVersion: alias.FunctionVersion,
            TargetVersion: String(next.FunctionVersion),
          },
        },
      },
    ],
    Hooks: [
      ...(BeforeAllowTrafficHook ? [{ BeforeAllowTraffic: BeforeAllowTrafficHook }] : []),
      ...(AfterAllowTrafficHook ? [{ AfterAllowTraffic: AfterAllowTrafficHook }] : []),
    ],
  };
  await untilDeployed(run, ctx, await deploy(ctx, group, JSON.stringify(appSpec)));
}

async function running(
  ctx: ResourceContext,
  group: { applicationName: string; deploymentGroupName: string },
): Promise<string | undefined> {
  const includeOnlyStatuses = ["Created", "Queued", "InProgress", "Ready"];
  const { deployments = [] } = await ctx.call("codedeploy", "ListDeployments", { ...group, includeOnlyStatuses });
  return deployments[0];
}

async function deploy(ctx: ResourceContext, group: object, content: string): Promise<string> {
  const revision = { revisionType: "AppSpecContent", appSpecContent: { content } };
  const made = await ctx.call("codedeploy", "CreateDeployment", { ...group, revision });
  return String(made.deploymentId);
}

async function untilDeployed(run: StackRun, ctx: ResourceContext, deploymentId: string): Promise<void> {
  const end = ctx.now() + READY_MS;
  let stopped = false;
  for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
    const { deploymentInfo } = await ctx.call("codedeploy", "GetDeployment", { deploymentId });
    const { status, errorInformation } = deploymentInfo ?? {};
    if (status === "Succeeded") return;
    if (status === "Stopped" && stopped) throw new StepCancelled("Resource update cancelled");
    if (status === "Failed" || status === "Stopped") {
      throw new StepFailed(
        `CodeDeploy deployment ${deploymentId} ${status === "Failed" ? "failed" : "was stopped"}${errorInformation?.message ? `: ${errorInformation.message}` : "."}`,
      );
    }
    if (!stopped && (run.halt.signal.aborted || ctx.now() > end || (await run.cancelled()))) {
      stopped = true;
      await ctx.call("codedeploy", "StopDeployment", { deploymentId, autoRollbackEnabled: true });
    }
    if (ctx.now() > end + 60_000)
      throw new StepFailed(`CodeDeploy deployment ${deploymentId} did not end within ${READY_MS / 60_000} minutes.`);
    await run.turn.without(() => ctx.platform.clock.sleep(pause, ctx.signal));
  }
}
