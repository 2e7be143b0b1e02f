export { archiveCommit } from "./git-archive.ts";
export { createBareRepository, repositoryFolder } from "./repository.ts";
export { errorText, GitFailed, runGit, startGit, type GitPlatform } from "./run-git.ts";
