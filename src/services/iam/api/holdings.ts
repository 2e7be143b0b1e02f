import type * as Iam from "@aws-sdk/client-iam";
import type { Context } from "../../../aws/context.ts";
import { operations } from "../../../aws/service.ts";
import { limitExceeded, noSuchEntity, noSuchPolicy } from "../errors.ts";
import { ATTACHED_POLICIES, INLINE_SIZE } from "../limits.ts";
import type { Entity, EntityKind } from "../model.ts";
import { changeEntity, checkedDocument, entity, notServiceLinked, on, page } from "../store.ts";
import { managedPolicy, mustBeArn } from "./policies.ts";

/** The policies that a user, group or role holds: inline and attached. The three kinds differ in a name only. */
function holdingsOf(kind: EntityKind, member: "UserName" | "GroupName" | "RoleName") {
  const name = (input: any): string | undefined => input[member];
  const title = { user: "User", group: "Group", role: "Role" }[kind];
  const may = (action: string) => on(kind, action.replace("*", title), name);
  return {
    put: {
      permissions: may("Put*Policy"),
      async run(ctx: Context<any>, input: any): Promise<object> {
        const document = checkedDocument(input.PolicyDocument, "identity", INLINE_SIZE[kind]);
        await changeEntity<Entity>(ctx, kind, name(input), (e) => ({
          ...notServiceLinked(e),
          inline: { ...e.inline, [input.PolicyName]: document },
        }));
        return {};
      },
    },
    get: {
      permissions: may("Get*Policy"),
      async run(ctx: Context<any>, input: any) {
        const found = await entity<Entity>(ctx, kind, name(input));
        if (!Object.hasOwn(found.inline, input.PolicyName)) throw missingInline(kind, input.PolicyName);
        return {
          [member]: found.name,
          PolicyName: input.PolicyName,
          PolicyDocument: encodeURIComponent(found.inline[input.PolicyName]!),
        } as any;
      },
    },
    remove: {
      permissions: may("Delete*Policy"),
      async run(ctx: Context<any>, input: any): Promise<object> {
        await changeEntity<Entity>(ctx, kind, name(input), (e) => {
          notServiceLinked(e);
          if (!Object.hasOwn(e.inline, input.PolicyName)) throw missingInline(kind, input.PolicyName);
          const { [input.PolicyName as string]: _gone, ...inline } = e.inline;
          return { ...e, inline };
        });
        return {};
      },
    },
    list: {
      permissions: may("List*Policies"),
      async run(ctx: Context<any>, input: any) {
        const { items, ...rest } = page(
          Object.keys((await entity<Entity>(ctx, kind, name(input))).inline).sort(),
          input,
        );
        return { PolicyNames: items, ...rest };
      },
    },
    attach: {
      permissions: may("Attach*Policy"),
      async run(ctx: Context<any>, input: any): Promise<object> {
        if (!(await managedPolicy(ctx, mustBeArn(input.PolicyArn)))) throw noSuchPolicy(input.PolicyArn);
        await changeEntity<Entity>(ctx, kind, name(input), (e) => {
          notServiceLinked(e);
          if (e.attached.includes(input.PolicyArn)) return undefined;
          if (e.attached.length >= ATTACHED_POLICIES)
            throw limitExceeded(`Cannot exceed quota for PoliciesPer${title}: ${ATTACHED_POLICIES}`);
          return { ...e, attached: [...e.attached, input.PolicyArn] };
        });
        return {};
      },
    },
    detach: {
      permissions: may("Detach*Policy"),
      async run(ctx: Context<any>, input: any): Promise<object> {
        mustBeArn(input.PolicyArn);
        await changeEntity<Entity>(ctx, kind, name(input), (e) => {
          notServiceLinked(e);
          if (!e.attached.includes(input.PolicyArn)) throw noSuchEntity(`Policy ${input.PolicyArn} was not found.`);
          return { ...e, attached: e.attached.filter((a) => a !== input.PolicyArn) };
        });
        return {};
      },
    },
    listAttached: {
      permissions: may("ListAttached*Policies"),
      async run(ctx: Context<any>, input: any) {
        const { attached } = await entity<Entity>(ctx, kind, name(input));
        const prefix = `policy${input.PathPrefix ?? "/"}`;
        const listed = attached.filter((policyArn) => policyArn.split(":")[5]!.startsWith(prefix));
        const { items, ...rest } = page(listed, input);
        return {
          AttachedPolicies: items.map((PolicyArn) => ({
            PolicyArn,
            PolicyName: PolicyArn.slice(PolicyArn.lastIndexOf("/") + 1),
          })),
          ...rest,
        };
      },
    },
  };
}

function missingInline(kind: EntityKind, policy: string) {
  return noSuchEntity(`The ${kind} policy with name ${policy} cannot be found.`);
}

const user = holdingsOf("user", "UserName");
const group = holdingsOf("group", "GroupName");
const role = holdingsOf("role", "RoleName");

export const holdings = operations<typeof Iam, any>()({
  PutUserPolicy: user.put,
  GetUserPolicy: user.get,
  DeleteUserPolicy: user.remove,
  ListUserPolicies: user.list,
  AttachUserPolicy: user.attach,
  DetachUserPolicy: user.detach,
  ListAttachedUserPolicies: user.listAttached,
  PutGroupPolicy: group.put,
  GetGroupPolicy: group.get,
  DeleteGroupPolicy: group.remove,
  ListGroupPolicies: group.list,
  AttachGroupPolicy: group.attach,
  DetachGroupPolicy: group.detach,
  ListAttachedGroupPolicies: group.listAttached,
  PutRolePolicy: role.put,
  GetRolePolicy: role.get,
  DeleteRolePolicy: role.remove,
  ListRolePolicies: role.list,
  AttachRolePolicy: role.attach,
  DetachRolePolicy: role.detach,
  ListAttachedRolePolicies: role.listAttached,
});
