import { authorize } from "../../aws/authorize.ts";
import type { Context } from "../../aws/context.ts";
import { repositoryArn } from "./model.ts";

/** Lets the caller read or write the repository, or throws; a push is asked for with the refs that it changes. */
export async function authorizeAll(
  ctx: Context<any>,
  git: { service: string; name: string },
  refs?: readonly string[],
): Promise<void> {
  const action = git.service === "git-receive-pack" ? "codecommit:GitPush" : "codecommit:GitPull";
  const permission = {
    action,
    resource: repositoryArn(ctx, git.name),
    ...(refs ? { conditions: { "codecommit:References": refs } } : {}),
  };
  const operation = { permissions: () => [permission], run: async () => ({}) };
  await authorize(ctx, operation, {});
}
