export { archiveCommit } from "./git-archive.ts";
export { createBareRepository, repositoryFolder } from "./repository.ts";
export { errorText, GitFailed, MAX_PUSH_BYTES, runGit, startGit, type GitPlatform } from "./run-git.ts";
