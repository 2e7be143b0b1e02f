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
      for (const name of [toolchainStack(project.id), ...(await applicationStacks(role, project.id))]) {
        const stack = await findStack(role, name);
        if (stack?.StackId) found.add(stack.StackId);
        for (const { ResourceType, PhysicalResourceId, ResourceStatus } of await resourcesOf(role, name)) {
          const arn = PhysicalResourceId && resourceArn(String(ResourceType), PhysicalResourceId, ctx);
          if (arn && ResourceStatus !== "DELETE_COMPLETE") found.add(arn);
        }
      }
      const { items, ...rest } = page([...found].sort(), input);
      return { resources: items.map((id) => ({ id })), ...rest };
    },
  },
});
