import { operations } from "../../../aws/service.ts";
import { configurationFault, invalid } from "../errors.ts";
import { existingProject, onProject, page, ROLES, type Member, type TeamRole } from "../model.ts";
import { asServiceRole } from "../service-role.ts";
import type { CodeStarModule } from "../shapes.ts";
import { addMember, attach, detach, memberId, notAMember } from "../team.ts";

function roleOf(name: string | undefined): TeamRole {
  const role = ROLES.find((r) => r === name);
  if (!role) throw invalid(`The project role must be one of ${ROLES.join(", ")}.`);
  return role;
}

/** The team, each member with one role: an IAM managed policy of the project. */
export const team = operations<CodeStarModule, any>()({
  AssociateTeamMember: {
    permissions: onProject("AssociateTeamMember"),
    async run(ctx, input) {
      const project = await existingProject(ctx, input.projectId);
      if (project.state !== "CreateComplete")
        throw configurationFault(`The project ${project.id} is not ready (${project.state}).`);
      const member: Member = {
        userArn: String(input.userArn),
        role: roleOf(input.projectRole),
        remoteAccess: input.remoteAccessAllowed ?? false,
      };
      await addMember(ctx, await asServiceRole(ctx, project.id), project.id, member);
      return input.clientRequestToken ? { clientRequestToken: input.clientRequestToken } : {};
    },
  },
  UpdateTeamMember: {
    permissions: onProject("UpdateTeamMember"),
    async run(ctx, input) {
      const project = await existingProject(ctx, input.projectId);
      const userArn = String(input.userArn);
      const id = memberId(project.id, userArn);
      const before = await ctx.records.get<Member>("member", id);
      if (!before) throw notAMember(userArn);
      const role = input.projectRole === undefined ? before.value.role : roleOf(input.projectRole);
      const member: Member = { userArn, role, remoteAccess: input.remoteAccessAllowed ?? before.value.remoteAccess };
      if (role !== before.value.role) {
        const service = await asServiceRole(ctx, project.id);
        // First off, then on: a user may be at the limit of policies, and never holds two roles.
        await detach(service, project.id, userArn, before.value.role);
        await attach(service, project.id, userArn, role);
      }
      await ctx.records.write(ctx.records.put("member", id, member));
      return { userArn, projectRole: role, remoteAccessAllowed: member.remoteAccess };
    },
  },
  DisassociateTeamMember: {
    permissions: onProject("DisassociateTeamMember"),
    async run(ctx, input) {
      const project = await existingProject(ctx, input.projectId);
      const userArn = String(input.userArn);
      const member = await ctx.records.get<Member>("member", memberId(project.id, userArn));
      if (!member) return {};
      await detach(await asServiceRole(ctx, project.id), project.id, userArn, member.value.role);
      await ctx.records.write(ctx.records.remove("member", member.id));
      return {};
    },
  },
  ListTeamMembers: {
    permissions: onProject("ListTeamMembers"),
    async run(ctx, input) {
      const project = await existingProject(ctx, input.projectId);
      const { items, ...rest } = page(await ctx.records.list<Member>("member", { prefix: `${project.id}:` }), input);
      return {
        teamMembers: items.map(({ value }) => ({
          userArn: value.userArn,
          projectRole: value.role,
          remoteAccessAllowed: value.remoteAccess,
        })),
        ...rest,
      };
    },
  },
});
