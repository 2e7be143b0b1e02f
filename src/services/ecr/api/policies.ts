import type * as Ecr from "@aws-sdk/client-ecr";
import { operations } from "../../../aws/service.ts";
import { compilePolicy } from "../../../engines/policy/index.ts";
import { messageOf } from "../../../kernel/aws-error.ts";
import { invalid, noPolicy, onRepository, repositoryOf } from "../model.ts";
import { changeRepository } from "./repositories.ts";

function checkPolicy(text: string): void {
  try {
    // The repository is what the policy is on: its statements name no resource.
    const { Statement, ...rest } = JSON.parse(text) as { Statement?: object | object[] };
    const statements = [Statement ?? []].flat().map((s) => ({ Resource: "*", ...s }));
    compilePolicy(JSON.stringify({ ...rest, Statement: statements }), "resource");
  } catch (error) {
    throw invalid(
      `Invalid parameter at 'PolicyText' failed to satisfy constraint: 'Invalid repository policy provided'. ${messageOf(error)}`,
    );
  }
}

function checkLifecycle(text: string): void {
  let rules: unknown;
  try {
    rules = (JSON.parse(text) as { rules?: unknown }).rules;
  } catch (error) {
    throw lifecycleFault(messageOf(error));
  }
  if (!Array.isArray(rules) || rules.length === 0) throw lifecycleFault("rules must be a list of at least one rule");
}

const lifecycleFault = (why: string) =>
  invalid(
    `Invalid parameter at 'LifecyclePolicyText' failed to satisfy constraint: 'Lifecycle policy validation failure: ${why}'`,
  );

/** Policies of repositories: who may use one, and which of its images are removed by age. */
export const policies = operations<typeof Ecr, any>()({
  SetRepositoryPolicy: {
    permissions: onRepository("SetRepositoryPolicy"),
    async run(ctx, input) {
      const policy = String(input.policyText);
      checkPolicy(policy);
      const { name } = await changeRepository(ctx, input, (r) => ({ ...r, policy }));
      return { registryId: ctx.account, repositoryName: name, policyText: policy };
    },
  },
  GetRepositoryPolicy: {
    permissions: onRepository("GetRepositoryPolicy"),
    async run(ctx, input) {
      const { name, policy } = await repositoryOf(ctx, input);
      if (policy === undefined) throw noPolicy(ctx, "Repository", name);
      return { registryId: ctx.account, repositoryName: name, policyText: policy };
    },
  },
  DeleteRepositoryPolicy: {
    permissions: onRepository("DeleteRepositoryPolicy"),
    async run(ctx, input) {
      const { name, policy } = await repositoryOf(ctx, input);
      if (policy === undefined) throw noPolicy(ctx, "Repository", name);
      await changeRepository(ctx, input, ({ policy: _gone, ...r }) => r);
      return { registryId: ctx.account, repositoryName: name, policyText: policy };
    },
  },
  PutLifecyclePolicy: {
    permissions: onRepository("PutLifecyclePolicy"),
    async run(ctx, input) {
      const lifecycle = String(input.lifecyclePolicyText);
      checkLifecycle(lifecycle);
      const { name } = await changeRepository(ctx, input, (r) => ({ ...r, lifecycle }));
      return { registryId: ctx.account, repositoryName: name, lifecyclePolicyText: lifecycle };
    },
  },
  GetLifecyclePolicy: {
    permissions: onRepository("GetLifecyclePolicy"),
    async run(ctx, input) {
      const { name, lifecycle } = await repositoryOf(ctx, input);
      if (lifecycle === undefined) throw noPolicy(ctx, "Lifecycle", name);
      return { registryId: ctx.account, repositoryName: name, lifecyclePolicyText: lifecycle };
    },
  },
  DeleteLifecyclePolicy: {
    permissions: onRepository("DeleteLifecyclePolicy"),
    async run(ctx, input) {
      const { name, lifecycle } = await repositoryOf(ctx, input);
      if (lifecycle === undefined) throw noPolicy(ctx, "Lifecycle", name);
      await changeRepository(ctx, input, ({ lifecycle: _gone, ...r }) => r);
      return { registryId: ctx.account, repositoryName: name, lifecyclePolicyText: lifecycle };
    },
  },
});
