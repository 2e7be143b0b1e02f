import type * as CodeDeploy from "@aws-sdk/client-codedeploy";
import { operations } from "../../../aws/service.ts";
import { notImplemented } from "../../../kernel/aws-error.ts";
import { GuardFailed } from "../../../ports/database.ts";
import { MAX_APPLICATIONS, PAGE } from "../limits.ts";
import {
  bad,
  existingApplication,
  onApplication,
  applicationArn,
  groupId,
  pageOf,
  type Application,
  type Group,
} from "../model.ts";
import { tagsFrom } from "./tags.ts";

export const applications = operations<typeof CodeDeploy, any>()({
  CreateApplication: {
    permissions: onApplication("CreateApplication"),
    async run(ctx, input) {
      const platform = input.computePlatform ?? "Server";
      if (platform !== "Lambda" && platform !== "Server" && platform !== "ECS")
        throw bad(
          "InvalidComputePlatformException",
          "The computePlatform is invalid. The computePlatform should be Lambda, Server, or ECS.",
        );
      if (platform !== "Lambda")
        throw notImplemented(`CodeDeploy applications of the compute platform ${platform} (Lambda it does)`);
      if ((await ctx.records.count("application")) >= MAX_APPLICATIONS)
        throw bad(
          "ApplicationLimitExceededException",
          "More applications were attempted to be created than are allowed.",
        );
      const name = input.applicationName!;
      const application: Application = {
        id: ctx.platform.ids.uuid(),
        name,
        platform,
        created: ctx.now(),
        tags: tagsFrom(input.tags ?? []),
      };
      if (!(await ctx.records.create("application", name, application)))
        throw bad("ApplicationAlreadyExistsException", `Application already exists: ${name}`);
      return { applicationId: application.id };
    },
  },
  GetApplication: {
    permissions: onApplication("GetApplication"),
    run: async (ctx, input) => ({ application: view(await existingApplication(ctx, input.applicationName)) }),
  },
  BatchGetApplications: {
    permissions: (input, ctx) =>
      (input.applicationNames ?? []).map((name) => ({
        action: "codedeploy:BatchGetApplications",
        resource: applicationArn(ctx, String(name)),
      })),
    run: async (ctx, input) => ({
      applicationsInfo: await Promise.all(
        (input.applicationNames ?? []).map(async (name) => view(await existingApplication(ctx, String(name)))),
      ),
    }),
  },
  ListApplications: {
    permissions: (_input, ctx) => [{ action: "codedeploy:ListApplications", resource: applicationArn(ctx, "*") }],
    async run(ctx, input) {
      const { items, nextToken } = pageOf(await ctx.records.list<Application>("application"), input.nextToken, PAGE);
      return { applications: items.map((a) => a.value.name), ...(nextToken ? { nextToken } : {}) };
    },
  },
  UpdateApplication: {
    permissions: (input, ctx) =>
      [input.applicationName, input.newApplicationName ?? input.applicationName].map((name) => ({
        action: "codedeploy:UpdateApplication",
        resource: applicationArn(ctx, String(name)),
      })),
    async run(ctx, input) {
      const before = await existingApplication(ctx, input.applicationName);
      const name = input.newApplicationName ?? before.name;
      if (name === before.name) return {};
      const groups = await ctx.records.list<Group>("group", { prefix: `${encodeURIComponent(before.name)}/` });
      if (groups.some((g) => g.value.active))
        throw bad("InvalidOperationException", `The application ${before.name} has a deployment that is under way.`);
      const moved = groups.flatMap(({ id, rev, value }) => [
        ctx.records.put("group", groupId(name, value.name), { ...value, application: name }, 0),
        ctx.records.remove("group", id, rev),
      ]);
      const removal = ctx.records.remove("application", before.name);
      if (!(await ctx.records.create("application", name, { ...before, name }, removal, ...moved)))
        throw bad("ApplicationAlreadyExistsException", `Application already exists: ${name}`);
      return {};
    },
  },
  DeleteApplication: {
    permissions: onApplication("DeleteApplication"),
    async run(ctx, input) {
      const name = String(input.applicationName);
      const groups = await ctx.records.list<Group>("group", { prefix: `${encodeURIComponent(name)}/` });
      if (groups.some((g) => g.value.active))
        throw bad("InvalidOperationException", `The application ${name} has a deployment that is under way.`);
      try {
        await ctx.records.write(
          ctx.records.remove("application", name),
          groups.map((g) => ctx.records.remove("group", g.id, g.rev)),
        );
      } catch (error) {
        if (error instanceof GuardFailed)
          throw bad("InvalidOperationException", `The application ${name} is being changed by others: try again.`);
        throw error;
      }
      return {};
    },
  },
});

const view = (a: Application) => ({
  applicationId: a.id,
  applicationName: a.name,
  createTime: new Date(a.created),
  linkedToGitHub: false,
  computePlatform: a.platform,
});
