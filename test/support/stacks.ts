import assert from "node:assert/strict";
import { request } from "node:http";
import {
  CloudFormation,
  type CreateStackCommandInput,
  type Stack,
  type UpdateStackCommandInput,
} from "@aws-sdk/client-cloudformation";
import { CloudWatchLogs } from "@aws-sdk/client-cloudwatch-logs";
import type { ClientSettings } from "./test-app.ts";

export type Resources = Record<string, { Type: string; Properties?: object; [more: string]: unknown }>;

/** A template of resources; log groups serve where any resource will do. */
export const body = (Resources: Resources, more: object = {}): string => JSON.stringify({ Resources, ...more });

export const group = (LogGroupName: string | undefined, RetentionInDays?: unknown, more: object = {}) => ({
  Type: "AWS::Logs::LogGroup",
  Properties: { ...(LogGroupName ? { LogGroupName } : {}), ...(RetentionInDays ? { RetentionInDays } : {}) },
  ...more,
});

/** A trust policy for functions. */
export const trust = {
  Version: "2012-10-17",
  Statement: [{ Effect: "Allow", Principal: { Service: "lambda.amazonaws.com" }, Action: "sts:AssumeRole" }],
};

/** Puts a text to a URL of AWS's that the platform has handed out; answers the status. */
export const putTo = (endpoint: string, url: string, text: string): Promise<number> =>
  new Promise((resolve, reject) => {
    const { hostname, pathname } = new URL(url);
    const sent = request(`${endpoint}${pathname}`, { method: "PUT", headers: { host: hostname } }, (answer) =>
      resolve(answer.resume().statusCode!),
    );
    sent.on("error", reject).end(text);
  });

/** Stacks as a test works with them: every change is waited for. */
export interface Stacks {
  ended(name: string): Promise<Stack>;
  create(name: string, template: string, more?: Partial<CreateStackCommandInput>): Promise<Stack>;
  /** Creates one that must succeed, and answers its outputs by name; where it fails, with what its events say. */
  created(name: string, template: string, more?: Partial<CreateStackCommandInput>): Promise<Record<string, string>>;
  update(name: string, template: string, more?: Partial<UpdateStackCommandInput>): Promise<Stack>;
  /** `<logical id> <status>` of each event, oldest first. */
  events(name: string): Promise<string[]>;
  /** Log groups with this prefix and how many days each keeps. */
  retention(prefix: string): Promise<Record<string, number | undefined>>;
}

export function openStacks(client: ClientSettings): Stacks {
  const cfn = new CloudFormation(client);
  const logs = new CloudWatchLogs(client);
  const ended = async (StackName: string): Promise<Stack> => {
    for (const deadline = Date.now() + 60_000; Date.now() < deadline;) {
      const { Stacks } = await cfn.describeStacks({ StackName });
      if (!Stacks![0]!.StackStatus!.endsWith("_IN_PROGRESS")) return Stacks![0]!;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    throw new Error(`${StackName} did not end`);
  };
  const create: Stacks["create"] = async (StackName, TemplateBody, more = {}) => {
    const { StackId } = await cfn.createStack({ StackName, TemplateBody, ...more });
    return ended(StackId!);
  };
  return {
    ended,
    create,
    async created(StackName, TemplateBody, more) {
      const { StackStatus, Outputs = [] } = await create(StackName, TemplateBody, more);
      const { StackEvents } = await cfn.describeStackEvents({ StackName });
      assert.equal(StackStatus, "CREATE_COMPLETE", JSON.stringify(StackEvents, null, 1));
      return Object.fromEntries(Outputs.map((output) => [output.OutputKey!, output.OutputValue!]));
    },
    async update(StackName, TemplateBody, more = {}) {
      await cfn.updateStack({ StackName, TemplateBody, ...more });
      return ended(StackName);
    },
    async events(StackName) {
      const { StackEvents } = await cfn.describeStackEvents({ StackName });
      return StackEvents!.reverse().map((e) => `${e.LogicalResourceId} ${e.ResourceStatus}`);
    },
    async retention(logGroupNamePrefix) {
      const { logGroups } = await logs.describeLogGroups({ logGroupNamePrefix });
      return Object.fromEntries(logGroups!.map((g) => [g.logGroupName!, g.retentionInDays]));
    },
  };
}
