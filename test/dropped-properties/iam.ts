import { IAM } from "@aws-sdk/client-iam";
import { allow, ref, sub, tags, trusts, type AreaOf } from "./table.ts";

const logs = allow("logs:*", { Resource: "*" });
const boundary = "arn:aws:iam::aws:policy/ReadOnlyAccess";
const inline = { Policies: [{ PolicyName: "p", PolicyDocument: logs }], ManagedPolicyArns: [boundary] };

export const iam: AreaOf = (client) => {
  const api = new IAM(client);
  const held = {
    role: async (RoleName: string) => [
      (await api.listRolePolicies({ RoleName })).PolicyNames,
      (await api.listAttachedRolePolicies({ RoleName })).AttachedPolicies,
    ],
    user: async (UserName: string) => [
      (await api.listUserPolicies({ UserName })).PolicyNames,
      (await api.listAttachedUserPolicies({ UserName })).AttachedPolicies,
      (await api.listGroupsForUser({ UserName })).Groups,
    ],
    group: async (GroupName: string) => [
      (await api.listGroupPolicies({ GroupName })).PolicyNames,
      (await api.listAttachedGroupPolicies({ GroupName })).AttachedPolicies,
    ],
  };
  const login = async (UserName: string) =>
    (await api.getLoginProfile({ UserName }).catch(() => undefined))?.LoginProfile;
  return {
    beside: {
      Role: { Type: "AWS::IAM::Role", Properties: { AssumeRolePolicyDocument: trusts("lambda") } },
      User: { Type: "AWS::IAM::User" },
      Group: { Type: "AWS::IAM::Group" },
    },
    cases: {
      ARole: {
        type: "AWS::IAM::Role",
        kept: { AssumeRolePolicyDocument: trusts("lambda") },
        dropped: { ...inline, Description: "d", MaxSessionDuration: 7200, PermissionsBoundary: boundary, Tags: tags },
        read: async (RoleName) => [(await api.getRole({ RoleName })).Role, await held.role(RoleName)],
      },
      AUser: {
        type: "AWS::IAM::User",
        kept: {},
        dropped: {
          ...inline,
          Groups: [ref("Group")],
          LoginProfile: { Password: "A-long-1-password" },
          Path: "/p/",
          PermissionsBoundary: boundary,
          Tags: tags,
        },
        read: async (UserName) => [
          (await api.getUser({ UserName })).User,
          await held.user(UserName),
          await login(UserName),
        ],
      },
      ALogin: {
        type: "AWS::IAM::User",
        kept: { LoginProfile: { Password: "A-long-1-password" } },
        dropped: { LoginProfile: { Password: "A-long-1-password", PasswordResetRequired: true } },
        read: async (UserName) => login(UserName),
      },
      AGroup: {
        type: "AWS::IAM::Group",
        kept: {},
        dropped: { ...inline, Path: "/p/" },
        read: async (GroupName) => [(await api.getGroup({ GroupName })).Group, await held.group(GroupName)],
      },
      APolicy: {
        type: "AWS::IAM::Policy",
        kept: { PolicyName: sub("${AWS::StackName}"), PolicyDocument: logs, Roles: [ref("Role")] },
        dropped: { Users: [ref("User")], Groups: [ref("Group")] },
        read: async (_id, ids) => [await held.user(ids["User"]!), await held.group(ids["Group"]!)],
      },
      AnotherPolicy: {
        type: "AWS::IAM::Policy",
        kept: { PolicyName: sub("other-${AWS::StackName}"), PolicyDocument: logs, Users: [ref("ABoundUser")] },
        dropped: { Roles: [ref("Role")] },
        read: async (_id, ids) => held.role(ids["Role"]!),
      },
      ABoundUser: {
        type: "AWS::IAM::User",
        kept: {},
        dropped: { PermissionsBoundary: boundary },
        read: async (UserName) => (await api.getUser({ UserName })).User,
      },
      AManagedPolicy: {
        type: "AWS::IAM::ManagedPolicy",
        kept: { PolicyDocument: logs },
        dropped: { Roles: [ref("Role")], Users: [ref("User")], Groups: [ref("Group")] },
        read: async (PolicyArn) => {
          const { PolicyRoles, PolicyUsers, PolicyGroups } = await api.listEntitiesForPolicy({ PolicyArn });
          return [PolicyRoles, PolicyUsers, PolicyGroups].map((all) => all!.length);
        },
      },
      AnAccessKey: {
        type: "AWS::IAM::AccessKey",
        kept: { UserName: ref("User") },
        dropped: { Status: "Inactive" },
        read: async (_id, ids) => (await api.listAccessKeys({ UserName: ids["User"]! })).AccessKeyMetadata,
      },
      AnOidcProvider: {
        type: "AWS::IAM::OIDCProvider",
        kept: { Url: sub("https://${AWS::StackName}.example.com") },
        dropped: { ClientIdList: ["c"], ThumbprintList: ["a".repeat(40)], Tags: tags },
        read: (OpenIDConnectProviderArn) => api.getOpenIDConnectProvider({ OpenIDConnectProviderArn }),
      },
      ALinkedRole: {
        type: "AWS::IAM::ServiceLinkedRole",
        kept: { AWSServiceName: "autoscaling.amazonaws.com", CustomSuffix: sub("${AWS::StackName}") },
        dropped: { Description: "d" },
        read: async (RoleName) => (await api.getRole({ RoleName })).Role,
      },
    },
  };
};
