import type { Context } from "../../../aws/context.ts";
import { operations, type Permission } from "../../../aws/service.ts";
import { AwsError } from "../../../kernel/aws-error.ts";
import { onAll, page, type UserProfile } from "../model.ts";
import type { CodeStarModule } from "../shapes.ts";

const onUser =
  (action: string) =>
  (input: { userArn?: string | undefined }): Permission[] => [
    { action: `codestar:${action}`, resource: String(input.userArn) },
  ];

const view = (profile: UserProfile) => ({
  userArn: profile.userArn,
  displayName: profile.displayName,
  emailAddress: profile.emailAddress,
  sshPublicKey: profile.sshPublicKey,
});

const timed = (profile: UserProfile) => ({
  ...view(profile),
  createdTimestamp: new Date(profile.created),
  lastModifiedTimestamp: new Date(profile.modified),
});

const notFound = (userArn: string | undefined): AwsError =>
  new AwsError("UserProfileNotFoundException", `There is no user profile for ${userArn}.`, 400);

async function existing(ctx: Context<any>, userArn: string | undefined): Promise<UserProfile> {
  const stored = await ctx.globalRecords.get<UserProfile>("profile", String(userArn));
  if (!stored) throw notFound(userArn);
  return stored.value;
}

/** User profiles are the same in all projects and regions. */
export const profiles = operations<CodeStarModule, any>()({
  CreateUserProfile: {
    permissions: onUser("CreateUserProfile"),
    async run(ctx, input) {
      const now = ctx.now();
      const profile: UserProfile = {
        userArn: String(input.userArn),
        displayName: String(input.displayName),
        emailAddress: String(input.emailAddress),
        sshPublicKey: input.sshPublicKey ?? "",
        created: now,
        modified: now,
      };
      if (await ctx.globalRecords.create("profile", profile.userArn, profile)) return timed(profile);
      throw new AwsError(
        "UserProfileAlreadyExistsException",
        `There is a user profile for ${profile.userArn} already.`,
        400,
      );
    },
  },
  UpdateUserProfile: {
    permissions: onUser("UpdateUserProfile"),
    async run(ctx, input) {
      const { displayName, emailAddress, sshPublicKey } = input;
      const changed = await ctx.globalRecords.update<UserProfile>("profile", String(input.userArn), (profile) => ({
        ...profile,
        ...(displayName === undefined ? {} : { displayName }),
        ...(emailAddress === undefined ? {} : { emailAddress }),
        ...(sshPublicKey === undefined ? {} : { sshPublicKey }),
        modified: ctx.now(),
      }));
      if (!changed) throw notFound(input.userArn);
      return timed(changed);
    },
  },
  DescribeUserProfile: {
    permissions: onUser("DescribeUserProfile"),
    run: async (ctx, input) => timed(await existing(ctx, input.userArn)),
  },
  DeleteUserProfile: {
    permissions: onUser("DeleteUserProfile"),
    async run(ctx, input) {
      await ctx.globalRecords.write(ctx.globalRecords.remove("profile", String(input.userArn)));
      return { userArn: String(input.userArn) };
    },
  },
  ListUserProfiles: {
    permissions: onAll("ListUserProfiles"),
    async run(ctx, input) {
      const { items, ...rest } = page(await ctx.globalRecords.list<UserProfile>("profile"), input);
      return { userProfiles: items.map((p) => view(p.value)), ...rest };
    },
  },
});
