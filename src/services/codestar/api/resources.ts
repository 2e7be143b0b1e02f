import { operations } from "../../../aws/service.ts";
import { existingProject, onProject, page, toolchainStack } from "../model.ts";
import { resourceArn } from "../resource-arns.ts";
import { asServiceRole } from "../service-role.ts";
import type { CodeStarModule } from "../shapes.ts";
import { applicationStacks, findStack, resourcesOf } from "../stacks.ts";

export const resources = operations<CodeStarModule, any>()({
  ListResources: {
    permissions: onProject("ListResources"),
    async run(ctx, input) {
      const project = await existingProject(ctx, input.projectId);
      const role = await asServiceRole(ctx, project.id);
      const found = new Set<string>();
      // A repository's physical id is its id; its ARN has its name.
      const { repositories = [] } = await role.call("codecommit", "ListRepositories", {});
      const nameOf = (type: string | undefined, id: string): string =>
        (type === "AWS::CodeCommit::Repository" && repositories.find((r) => r.repositoryId === id)?.repositoryName) ||
        id;
      for (const name of [toolchainStack(project.id), ...(await applicationStacks(role, project.id))]) {
        const stack = await findStack(role, name);
        if (stack?.StackId) found.add(stack.StackId);
        for (const { ResourceType, PhysicalResourceId, ResourceStatus } of await resourcesOf(role, name)) {
          const arn =
            PhysicalResourceId && resourceArn(String(ResourceType), nameOf(ResourceType, PhysicalResourceId), ctx);
          if (arn && ResourceStatus !== "DELETE_COMPLETE") found.add(arn);
        }
      }
      const { items, ...rest } = page([...found].sort(), input);
      return { resources: items.map((id) => ({ id })), ...rest };
    },
  },
});
