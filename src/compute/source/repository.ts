import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

/**
 * What repositories hold as it is: an archive of a commit has every file, byte for byte, whatever `.gitattributes` of the
 * commit says. These attributes go before those.
 */
const ATTRIBUTES = "* -text -eol -crlf -ident -filter -working-tree-encoding -export-ignore -export-subst\n";
const CONFIG = "[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = true\n";
const FOLDERS = ["objects/info", "objects/pack", "refs/heads", "refs/tags", "info"];

/** The folder of a repository: by its id, so that it stays where it is when its name changes. */
export function repositoryFolder(
  data: string,
  place: { account: string; region: string },
  repositoryId: string,
): string {
  return join(data, "git", place.account, place.region, `${repositoryId}.git`);
}

/** Makes an empty bare repository, as `git init --bare` does. */
export async function createBareRepository(folder: string): Promise<void> {
  for (const name of FOLDERS) await mkdir(join(folder, name), { recursive: true, mode: 0o700 });
  await writeFile(join(folder, "config"), CONFIG);
  await writeFile(join(folder, "info/attributes"), ATTRIBUTES);
  await writeFile(join(folder, "HEAD"), "ref: refs/heads/main\n");
}
