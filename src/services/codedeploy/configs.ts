import type { Context } from "../../aws/context.ts";
import { noConfig, type Config, type Traffic } from "./model.ts";

const PREFIX = "CodeDeployDefault.";
export const DEFAULT_CONFIG = `${PREFIX}LambdaAllAtOnce`;

function predefined(name: string, traffic: Traffic): Config {
  return {
    name: `${PREFIX}${name}`,
    id: `00000000-0000-0000-0000-${Buffer.from(name).toString("hex").padStart(12, "0").slice(-12)}`,
    platform: "Lambda",
    traffic,
    created: 0,
  };
}

/** https://docs.aws.amazon.com/codedeploy/latest/userguide/deployment-configurations.html */
export const PREDEFINED: readonly Config[] = [
  predefined("LambdaAllAtOnce", { type: "AllAtOnce" }),
  ...[5, 10, 15, 30].map((minutes) =>
    predefined(`LambdaCanary10Percent${minutes}Minutes`, { type: "TimeBasedCanary", percentage: 10, minutes }),
  ),
  ...[1, 2, 3, 10].map((minutes) =>
    predefined(`LambdaLinear10PercentEvery${minutes}Minute${minutes === 1 ? "" : "s"}`, {
      type: "TimeBasedLinear",
      percentage: 10,
      minutes,
    }),
  ),
];

/** A deployment configuration, AWS's own or the account's. */
export async function findConfig(ctx: Context<any>, name: string): Promise<Config> {
  const own =
    PREDEFINED.find((config) => config.name === name) ?? (await ctx.records.get<Config>("config", name))?.value;
  if (!own) throw noConfig(name);
  return own;
}

/** Share of the traffic for the new version after the given one, and the pause before it; undefined where it has all. */
export function nextWeight(traffic: Traffic, weight: number): { weight: number; waitMs: number } | undefined {
  if (weight >= 100) return undefined;
  if (traffic.type === "AllAtOnce") return { weight: 100, waitMs: 0 };
  const waitMs = weight === 0 ? 0 : traffic.minutes * 60_000;
  if (traffic.type === "TimeBasedCanary") return { weight: weight === 0 ? traffic.percentage : 100, waitMs };
  return { weight: Math.min(100, weight + traffic.percentage), waitMs };
}
