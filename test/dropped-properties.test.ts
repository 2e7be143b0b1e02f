import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { CloudFormation } from "@aws-sdk/client-cloudformation";
import { apis, httpApis } from "./dropped-properties/apis.ts";
import { code } from "./dropped-properties/code.ts";
import { functions } from "./dropped-properties/functions.ts";
import { iam } from "./dropped-properties/iam.ts";
import { events, queues, watchers } from "./dropped-properties/messaging.ts";
import { others } from "./dropped-properties/others.ts";
import type { Area, AreaOf } from "./dropped-properties/table.ts";
import { body, openStacks } from "./support/stacks.ts";
import { startTestApp, type TestApp } from "./support/test-app.ts";

const AREAS: Readonly<Record<string, AreaOf>> = {
  iam,
  queues,
  watchers,
  events,
  functions,
  apis,
  httpApis,
  code,
  others,
};

let app: TestApp;
before(async () => {
  app = await startTestApp();
});
after(() => app.stop());

/** What differs between two resources of one template anyway. */
const PASSING =
  /date$|cacheNamespace|^distribution|^ApiGatewayDomain|created|modified|time$|timestamp|^revision|^version$|uuid|\$metadata|[a-z]Id$|^id$|updated|^etag$/i;

/** A setting that is there without a value is as good as one that is not there. */
function withoutNothing(value: unknown): unknown {
  if (Array.isArray(value)) return value.length === 0 ? undefined : value.map(withoutNothing);
  if (typeof value !== "object" || value === null) return value === "" ? undefined : value;
  const entries = Object.entries(value)
    .filter(([key]) => !PASSING.test(key))
    .map(([key, one]) => [key, withoutNothing(one)] as const)
    .filter(([, one]) => one !== undefined);
  return entries.length === 0 ? undefined : Object.fromEntries(entries);
}

/** The template of an area: of each case what it keeps, or what it drops later, too. */
const templateOf = ({ beside = {}, cases }: Area, whole: boolean): string => {
  const own = Object.entries(cases).map(([id, { type, kept, dropped, after: DependsOn }]) => [
    id,
    { Type: type, Properties: { ...kept, ...(whole ? dropped : {}) }, ...(DependsOn ? { DependsOn } : {}) },
  ]);
  return body({ ...beside, ...Object.fromEntries(own) });
};

describe("what a template no longer says has its default again", () => {
  for (const [name, areaOf] of Object.entries(AREAS)) {
    test(name, async (t) => {
      const area = areaOf(app.client);
      const stacks = openStacks(app.client);
      const named = { Capabilities: ["CAPABILITY_NAMED_IAM" as const] };
      const [plain, changed] = [`plain-${name}`, `changed-${name}`];
      const made = await stacks.create(plain, templateOf(area, false), named);
      assert.equal(made.StackStatus, "CREATE_COMPLETE", await reasons(plain));
      const set = await stacks.create(changed, templateOf(area, true), named);
      assert.equal(set.StackStatus, "CREATE_COMPLETE", await reasons(changed));
      const wanted = await states(area, plain);
      const whole = await states(area, changed);
      const { StackStatus } = await stacks.update(changed, templateOf(area, false), named);
      assert.equal(StackStatus, "UPDATE_COMPLETE", await reasons(changed));
      const found = await states(area, changed);
      for (const id of Object.keys(area.cases))
        await t.test(`${id}: ${area.cases[id]!.type}`, () => {
          assert.notDeepEqual(whole[id], wanted[id], "the case shows nothing");
          assert.deepEqual(found[id], wanted[id]);
        });
    });
  }
});

async function reasons(StackName: string): Promise<string> {
  const { StackEvents } = await new CloudFormation(app.client).describeStackEvents({ StackName });
  const failed = StackEvents!.filter(
    ({ ResourceStatus, ResourceStatusReason = "" }) =>
      ResourceStatus!.endsWith("FAILED") && !/cancelled/.test(ResourceStatusReason),
  );
  return failed.map((event) => `${event.LogicalResourceId}: ${event.ResourceStatusReason}`).join("\n");
}

/** What the services show of each case of a stack, with names and ids that are the stack's own made the same. */
async function states({ cases }: Area, StackName: string): Promise<Record<string, unknown>> {
  const { StackResources } = await new CloudFormation(app.client).describeStackResources({ StackName });
  const ids = Object.fromEntries(StackResources!.map((r) => [r.LogicalResourceId!, r.PhysicalResourceId!]));
  const own = Object.entries(ids).map(([logical, id]): [string, string] => [id, `<${logical}>`]);
  // A short id is a name that the template gives: it is the same in both stacks.
  const long = own.filter(([id]) => id.length > 6).toSorted(([a], [b]) => b.length - a.length);
  const plain = (text: string): string => {
    const made = text
      .replaceAll(StackResources![0]!.StackId!, "<stack>")
      .replaceAll(new RegExp(`${StackName}-(\\w+)-[A-Z0-9]{8,13}\\b`, "g"), "<$1>")
      .replaceAll(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, "<uuid>");
    return long.reduce((all, [id, logical]) => all.replaceAll(id, logical), made).replaceAll(StackName, "<stack>");
  };
  const shown = Object.entries(cases).map(async ([id, { read }]) => {
    const text = JSON.stringify(withoutNothing(JSON.parse(JSON.stringify((await read(ids[id]!, ids)) ?? null))));
    return [id, text && (JSON.parse(plain(text)) as unknown)];
  });
  return Object.fromEntries(await Promise.all(shown)) as Record<string, unknown>;
}
