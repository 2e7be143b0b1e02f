import type * as Iam from "@aws-sdk/client-iam";
import { operations, type Permission } from "../../../aws/service.ts";
import { linkedRole } from "../aws-managed/service-linked-roles.ts";
import { invalidInput, noSuchEntity } from "../errors.ts";
import { entityArn, nameKey, type Role } from "../model.ts";
import { changed, entity, uniqueId } from "../store.ts";
import { roleView } from "./entities.ts";

const PATH = "/aws-service-role/";
const SESSION_SECONDS = 3600;

/** What the service calls its role, where AWS's list names it; else the service's own name with a capital letter. */
function nameOf(service: string): string {
  const known = linkedRole(service)?.name;
  if (known) return known;
  const own = service
    .replace(/\.amazonaws\.com(\.cn)?$/, "")
    .split(".")
    .at(-1)!;
  return own.charAt(0).toUpperCase() + own.slice(1);
}

const roleName = (service: string, suffix: string | undefined): string =>
  `AWSServiceRoleFor${nameOf(service)}${suffix ? `_${suffix}` : ""}`;

const onRole = (action: string, account: string, name: string, service: string): Permission[] => [
  {
    action: `iam:${action}`,
    resource: entityArn("role", account, { path: `${PATH}${service}/`, name }),
    conditions: { "iam:AWSServiceName": service },
  },
];

const serviceOf = (path: string): string | undefined => /^\/aws-service-role\/([^/]+)\/$/.exec(path)?.[1];

interface Deletion {
  readonly role: string;
  readonly at: number;
}

/** Roles that a service alone assumes. Nobody but IAM makes their trust and their path. */
export const serviceLinkedRoles = operations<typeof Iam, any>()({
  CreateServiceLinkedRole: {
    permissions: (input, ctx) => {
      const service = String(input.AWSServiceName);
      return onRole("CreateServiceLinkedRole", ctx.account, roleName(service, input.CustomSuffix), service);
    },
    async run(ctx, input) {
      const service = String(input.AWSServiceName);
      if (!/^[a-z0-9.-]+\.amazonaws\.com$/.test(service))
        throw invalidInput(`The service principal ${service} is not valid.`);
      const known = linkedRole(service);
      if (input.CustomSuffix && known && !known.suffix)
        throw invalidInput(`Custom suffix is not allowed for ${service}`);
      const name = roleName(service, input.CustomSuffix);
      const trust = {
        Version: "2012-10-17",
        Statement: [{ Effect: "Allow", Principal: { Service: service }, Action: "sts:AssumeRole" }],
      };
      const description = input.Description ?? known?.description;
      const role: Role = {
        name,
        id: uniqueId(ctx, "role"),
        path: `${PATH}${service}/`,
        created: ctx.now(),
        inline: {},
        attached: (known?.policies ?? []).map((policy) => `arn:aws:iam::aws:policy/${policy}`),
        trust: JSON.stringify(trust),
        maxSessionDuration: SESSION_SECONDS,
        ...(description === undefined ? {} : { description }),
      };
      if (!(await ctx.globalRecords.create("role", nameKey(name), role)))
        throw invalidInput(`Service role name ${name} has been taken in this account, please try a different suffix.`);
      changed(ctx);
      return { Role: roleView(ctx, role) as Iam.Role };
    },
  },
  DeleteServiceLinkedRole: {
    permissions: async (input, ctx) => {
      const name = String(input.RoleName);
      const stored = await ctx.globalRecords.get<Role>("role", nameKey(name));
      return onRole("DeleteServiceLinkedRole", ctx.account, name, serviceOf(stored?.value.path ?? "") ?? "*");
    },
    async run(ctx, input) {
      const role = await entity<Role>(ctx, "role", input.RoleName);
      const service = serviceOf(role.path);
      if (!service) throw invalidInput(`The role ${role.name} is not a service-linked role.`);
      const id = `task${PATH}${service}/${role.name}/${ctx.platform.ids.uuid()}`;
      const deletion: Deletion = { role: role.name, at: ctx.now() };
      await ctx.globalRecords.write(
        ctx.globalRecords.remove("role", nameKey(role.name)),
        ctx.globalRecords.put("role-deletion", id, deletion),
      );
      changed(ctx);
      return { DeletionTaskId: id };
    },
  },
  GetServiceLinkedRoleDeletionStatus: {
    permissions: (input, ctx) => {
      const [, service = "*", name = "*"] =
        /^task\/aws-service-role\/([^/]+)\/([^/]+)\//.exec(String(input.DeletionTaskId)) ?? [];
      return onRole("GetServiceLinkedRoleDeletionStatus", ctx.account, name, service);
    },
    async run(ctx, input) {
      const stored = await ctx.globalRecords.get<Deletion>("role-deletion", String(input.DeletionTaskId));
      if (!stored) throw noSuchEntity(`The deletion task ${input.DeletionTaskId} cannot be found.`);
      return { Status: "SUCCEEDED" };
    },
  },
});
