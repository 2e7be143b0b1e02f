import { createReadStream } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { isAllowed } from "../../../aws/authorize.ts";
import { archiveCommit, repositoryFolder } from "../../../compute/source/index.ts";
import { codeOf } from "../../../kernel/aws-error.ts";
import { ActionFailure, waitFor, type ActionContext, type ActionProvider } from "../action-run.ts";

/** A toolchain may start its pipeline while its repository is still being made. */
const PATIENCE_MS = 120_000;
const MAX_SOURCE_BYTES = 1024 ** 3;

/** The head of a CodeCommit branch as a source. */
export const codecommit: ActionProvider = {
  timeoutMinutes: 60,
  check({ configuration, name }) {
    const format = configuration?.["OutputArtifactFormat"] ?? "CODE_ZIP";
    if (format !== "CODE_ZIP")
      throw new ActionFailure(
        "NotImplemented",
        `Starling does not implement the OutputArtifactFormat ${format} of action ${name} yet: use CODE_ZIP`,
      );
  },
  async run(action) {
    const { ctx, configuration, role, outputs, execution, run } = action;
    const repositoryName = String(configuration["RepositoryName"]);
    const branchName = String(configuration["BranchName"]);
    const override = execution.sourceOverrides.find(
      (one) => one.actionName === run.action && one.revisionType === "COMMIT_ID",
    );
    const commitId = override?.revisionValue ?? (await headOf(action, repositoryName, branchName));
    const { commit } = await role.call("codecommit", "GetCommit", { repositoryName, commitId });
    const file = await archive(action, repositoryName, commitId);
    try {
      const output = outputs[0]!;
      await role.call("s3", "PutObject", {
        Bucket: output.bucket,
        Key: output.key,
        Body: createReadStream(file.path),
        ContentLength: file.size,
        ContentType: "application/zip",
      });
    } finally {
      await rm(file.path, { force: true });
    }
    const message = String(commit?.message ?? "").trim();
    const committed = Number(String(commit?.committer?.date ?? "").split(" ")[0]) * 1000;
    return {
      status: "Succeeded",
      outputs,
      summary: message,
      externalId: commitId,
      revision: {
        id: commitId,
        summary: message.slice(0, 2000),
        ...(committed ? { changedAt: committed } : { changedAt: ctx.now() }),
      },
      variables: {
        CommitId: commitId,
        RepositoryName: repositoryName,
        BranchName: branchName,
        CommitMessage: message,
        AuthorDate: dateOf(commit?.author?.date),
        CommitterDate: dateOf(commit?.committer?.date),
      },
    };
  },
};

const dateOf = (text: string | undefined): string => {
  const seconds = Number(String(text ?? "").split(" ")[0]);
  return seconds ? new Date(seconds * 1000).toISOString().replace(/\.\d+Z$/, "Z") : "";
};

async function headOf(action: ActionContext, repositoryName: string, branchName: string): Promise<string> {
  const { ctx, role, run } = action;
  let why = "";
  const found = await waitFor(
    action,
    async () => {
      try {
        const { branch } = await role.call("codecommit", "GetBranch", { repositoryName, branchName });
        return String(branch?.commitId);
      } catch (error) {
        if (!/^(RepositoryDoesNotExist|BranchDoesNotExist)/.test(codeOf(error) ?? "")) throw error;
        why = codeOf(error)!.startsWith("Repository")
          ? `There is no repository named ${repositoryName}`
          : `The repository ${repositoryName} has no branch named ${branchName}`;
        return ctx.now() - run.started > PATIENCE_MS ? "" : undefined;
      }
    },
    { slowestMs: 500 },
  );
  if (!found) throw new ActionFailure("ConfigurationError", why);
  return found;
}

async function archive(
  { ctx, role, run }: ActionContext,
  repositoryName: string,
  commitId: string,
): Promise<{ path: string; size: number }> {
  const resource = `arn:aws:codecommit:${role.region}:${ctx.account}:${repositoryName}`;
  if (!(await isAllowed(role, { action: "codecommit:UploadArchive", resource })))
    throw new ActionFailure(
      "PermissionError",
      `The role of the action ${run.action} may not do codecommit:UploadArchive on ${resource}`,
    );
  const { repositoryMetadata } = await role.asService().call("codecommit", "GetRepository", { repositoryName });
  const path = join(ctx.state.work, `${run.id}.zip`);
  await rm(path, { force: true });
  const folder = repositoryFolder(
    ctx.platform.settings.data,
    { account: ctx.account, region: role.region },
    String(repositoryMetadata?.repositoryId),
  );
  const { size } = await archiveCommit(ctx.platform, { folder, commitId, target: path, maxBytes: MAX_SOURCE_BYTES });
  return { path, size };
}
