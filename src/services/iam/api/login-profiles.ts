import type * as Iam from "@aws-sdk/client-iam";
import type { Context } from "../../../aws/context.ts";
import { operations } from "../../../aws/service.ts";
import { AwsError } from "../../../kernel/aws-error.ts";
import { alreadyExists, noSuchEntity } from "../errors.ts";
import type { User } from "../model.ts";
import { checkPassword, hashPassword, isPassword, nextLogin, type Login, type PasswordPolicy } from "../password.ts";
import { callerOr, changeEntity, on, onAll, required, userOf } from "../store.ts";

const KEY = "password-policy";

export const storedPasswordPolicy = async (ctx: Context<any>): Promise<PasswordPolicy | undefined> =>
  (await ctx.globalRecords.get<PasswordPolicy>("account", KEY))?.value;

const noLogin = (name: string): AwsError => noSuchEntity(`Login Profile for User ${name} cannot be found.`);

async function userWithLogin(ctx: Context<any>, name: string | undefined): Promise<User & { login: Login }> {
  const user = await userOf(ctx, name);
  if (!user.login) throw noLogin(user.name);
  return { ...user, login: user.login };
}

/** Changes a password; one that was taken away meanwhile does not come back. */
async function keepLogin(ctx: Context<any>, name: string, login: Login): Promise<void> {
  await changeEntity<User>(ctx, "user", name, (user) => {
    if (!user.login) throw noLogin(user.name);
    return { ...user, login };
  });
}

const view = (user: User & { login: Login }): Iam.LoginProfile => ({
  UserName: user.name,
  CreateDate: new Date(user.login.created),
  PasswordResetRequired: user.login.resetRequired,
});

/** Passwords of users for the console. */
export const loginProfiles = operations<typeof Iam, any>()({
  CreateLoginProfile: {
    permissions: on("user", "CreateLoginProfile", callerOr),
    async run(ctx, input) {
      const user = await userOf(ctx, input.UserName);
      const password = required(input.Password, "password");
      if (user.login) throw alreadyExists(`Login Profile for user ${user.name} already exists.`);
      checkPassword(password, await storedPasswordPolicy(ctx));
      const login: Login = {
        hash: await hashPassword(password),
        created: ctx.now(),
        changed: ctx.now(),
        resetRequired: input.PasswordResetRequired ?? false,
        former: [],
      };
      await changeEntity<User>(ctx, "user", user.name, (u) => {
        if (u.login) throw alreadyExists(`Login Profile for user ${u.name} already exists.`);
        return { ...u, login };
      });
      return { LoginProfile: view({ ...user, login }) };
    },
  },
  GetLoginProfile: {
    permissions: on("user", "GetLoginProfile", callerOr),
    run: async (ctx, input) => ({ LoginProfile: view(await userWithLogin(ctx, input.UserName)) }),
  },
  UpdateLoginProfile: {
    permissions: on("user", "UpdateLoginProfile", (i) => i.UserName),
    async run(ctx, input) {
      const user = await userWithLogin(ctx, input.UserName);
      const policy = await storedPasswordPolicy(ctx);
      if (input.Password !== undefined) checkPassword(input.Password, policy);
      const next =
        input.Password === undefined ? user.login : await nextLogin(user.login, input.Password, policy, ctx.now());
      const login = { ...next, resetRequired: input.PasswordResetRequired ?? next.resetRequired };
      await keepLogin(ctx, user.name, login);
      return {};
    },
  },
  DeleteLoginProfile: {
    permissions: on("user", "DeleteLoginProfile", callerOr),
    async run(ctx, input) {
      const { name } = await userWithLogin(ctx, input.UserName);
      await changeEntity<User>(ctx, "user", name, ({ login: _gone, ...user }) => user);
      return {};
    },
  },
  ChangePassword: {
    permissions: async (input, ctx) => {
      const own = await on("user", "ChangePassword", callerOr)(input, ctx);
      const granted = (await storedPasswordPolicy(ctx))?.usersMayChange ?? false;
      return own.map((permission) => ({ ...permission, granted: granted && ctx.principal.kind === "user" }));
    },
    async run(ctx, input) {
      if (ctx.principal.kind !== "user")
        throw new AwsError("InvalidUserType", "Only IAM Users can change their own password", 400);
      const user = await userWithLogin(ctx, ctx.principal.name);
      if (!(await isPassword(required(input.OldPassword, "oldPassword"), user.login.hash)))
        throw new AwsError("AccessDenied", "The old password was incorrect.", 403);
      const password = required(input.NewPassword, "newPassword");
      const policy = await storedPasswordPolicy(ctx);
      checkPassword(password, policy);
      const login = { ...(await nextLogin(user.login, password, policy, ctx.now())), resetRequired: false };
      await keepLogin(ctx, user.name, login);
      return {};
    },
  },
  UpdateAccountPasswordPolicy: {
    permissions: onAll("UpdateAccountPasswordPolicy"),
    async run(ctx, input) {
      // What is not given goes back to its default.
      const policy: PasswordPolicy = {
        minimumLength: input.MinimumPasswordLength ?? 6,
        symbols: input.RequireSymbols ?? false,
        numbers: input.RequireNumbers ?? false,
        uppercase: input.RequireUppercaseCharacters ?? false,
        lowercase: input.RequireLowercaseCharacters ?? false,
        usersMayChange: input.AllowUsersToChangePassword ?? false,
        ...(input.MaxPasswordAge ? { maxAge: input.MaxPasswordAge } : {}),
        ...(input.PasswordReusePrevention ? { reusePrevention: input.PasswordReusePrevention } : {}),
        ...(input.HardExpiry === undefined ? {} : { hardExpiry: input.HardExpiry }),
      };
      await ctx.globalRecords.write(ctx.globalRecords.put("account", KEY, policy));
      return {};
    },
  },
  GetAccountPasswordPolicy: {
    permissions: onAll("GetAccountPasswordPolicy"),
    async run(ctx) {
      const policy = await storedPasswordPolicy(ctx);
      if (!policy) throw noSuchEntity(`The Password Policy with domain name ${ctx.account} cannot be found.`);
      return { PasswordPolicy: policyView(policy) };
    },
  },
  DeleteAccountPasswordPolicy: {
    permissions: onAll("DeleteAccountPasswordPolicy"),
    async run(ctx) {
      if (!(await storedPasswordPolicy(ctx)))
        throw noSuchEntity("The account policy with name PasswordPolicy cannot be found.");
      await ctx.globalRecords.write(ctx.globalRecords.remove("account", KEY));
      return {};
    },
  },
});

const policyView = (policy: PasswordPolicy): Iam.PasswordPolicy => ({
  MinimumPasswordLength: policy.minimumLength,
  RequireSymbols: policy.symbols,
  RequireNumbers: policy.numbers,
  RequireUppercaseCharacters: policy.uppercase,
  RequireLowercaseCharacters: policy.lowercase,
  AllowUsersToChangePassword: policy.usersMayChange,
  ExpirePasswords: policy.maxAge !== undefined,
  ...(policy.maxAge === undefined ? {} : { MaxPasswordAge: policy.maxAge }),
  ...(policy.reusePrevention === undefined ? {} : { PasswordReusePrevention: policy.reusePrevention }),
  ...(policy.hardExpiry === undefined ? {} : { HardExpiry: policy.hardExpiry }),
});
