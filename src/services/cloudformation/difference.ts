import { isDeepStrictEqual } from "node:util";
import type { Context } from "../../aws/context.ts";
import {
  diffTemplates,
  resolveOutputs,
  type ResourceChange,
  type StackView,
} from "../../engines/cloudformation/index.ts";
import { attributeOf } from "./attributes.ts";
import { noUpdates } from "./errors.ts";
import type { Revision, Stack, StackResource } from "./model.ts";
import { allExports, inputsOf, resourcesOf, templateOf } from "./store.ts";
import { storedScope, type Prepared } from "./template/prepare.ts";

/** What going from the stack as it is to `prepared` would change. */
export interface Difference {
  readonly changes: readonly ResourceChange[];
  /** Whether there is anything to do, outputs and tags included. */
  readonly any: boolean;
  /** Whether only nested stacks may have changes. */
  readonly nestedOnly: boolean;
  readonly outputsChanged: boolean;
  readonly before?: StackView;
  readonly after: StackView;
  readonly resources: ReadonlyMap<string, StackResource>;
}

/** Compares a stack with what it is to become. */
export async function difference(ctx: Context<any>, stack: Stack, prepared: Prepared): Promise<Difference> {
  const exports = await allExports(ctx);
  const resources = new Map((await resourcesOf(ctx, stack.uuid)).map((r) => [r.logicalId, r]));
  const live = {
    partial: true,
    ref: (id: string) => resources.get(id)?.state?.ref,
    getAtt: (id: string, name: string) => attributeOf(ctx, resources.get(id), name),
    importValue: (name: string) => exports.get(name)?.value,
  };
  const { given } = inputsOf(ctx, prepared.revision);
  const after: StackView = { template: prepared.template, scope: { ...prepared.scope, ...live }, given };
  if (!stack.revision) {
    const outputsChanged = Object.keys(prepared.template.outputs).length > 0;
    return { changes: diffTemplates(undefined, after), any: true, nestedOnly: false, outputsChanged, after, resources };
  }
  const template = await templateOf(ctx, stack.uuid, stack.revision);
  const inputs = inputsOf(ctx, stack.revision);
  const scope = storedScope(ctx, template, inputs, stack, stack.revision.notificationArns);
  const before: StackView = { template, scope: { ...scope, ...live }, given: inputs.given };
  const changes = diffTemplates(before, after);
  const outputs = (view: StackView): string => JSON.stringify(resolveOutputs(view.template, view.scope));
  const nested = Object.values(template.resources).some((r) => r.type === "AWS::CloudFormation::Stack");
  const failed = stack.status.endsWith("_FAILED");
  const outputsChanged = outputs(before) !== outputs(after);
  const own = changes.length > 0 || failed || outputsChanged || !sameSettings(stack.revision, prepared.revision);
  return { changes, any: own || nested, nestedOnly: nested && !own, outputsChanged, before, after, resources };
}

/** Whether two revisions have the same tags and the same rollback triggers, which alone make an update, too. */
const sameSettings = (a: Revision, b: Revision): boolean => {
  const tags = (r: Revision): string => JSON.stringify(r.tags.map((t) => [t.Key, t.Value]).sort());
  return tags(a) === tags(b) && isDeepStrictEqual(a.rollback ?? {}, b.rollback ?? {});
};

/** Refuses an update that would change nothing. What a transform makes is not compared before the update runs. */
export async function refuseNoUpdates(ctx: Context<any>, stack: Stack, prepared: Prepared): Promise<void> {
  const { any } = await difference(ctx, stack, prepared);
  if (!any && prepared.stored.transforms.length === 0) throw noUpdates();
}
