import { createReadStream, createWriteStream } from "node:fs";
import { lstat, mkdir, mkdtemp, readdir, readlink, rm } from "node:fs/promises";
import { join } from "node:path";
import { Readable, Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Context } from "../../aws/context.ts";
import { unzip } from "../../compute/lambda/code-store.ts";
import { changingRefs } from "./announce.ts";
import { importCommit, type TreeChange } from "./import-commit.ts";
import { bad, checkPath, type Repository } from "./model.ts";

const MAX_ZIP = 512 * 1024 * 1024;
const MAX_UNZIPPED = 1024 ** 3;

export interface Seed {
  readonly branch: string;
  readonly author: string;
  readonly email: string;
  readonly message: string;
}

/** Makes the first commit of a repository of the files of a zip. `ctx` is CodeCommit's own context, as the caller. */
export async function seedRepository(
  ctx: Context<any>,
  repository: Repository,
  zip: Readable | Uint8Array | string,
  seed: Seed,
): Promise<void> {
  const parent = join(ctx.platform.settings.data, "tmp");
  await mkdir(parent, { recursive: true, mode: 0o700 });
  const folder = await mkdtemp(join(parent, "seed-"));
  try {
    const [file, files] = [join(folder, "code.zip"), join(folder, "files")];
    await pipeline(
      zip instanceof Readable ? zip : Readable.from([zip]),
      limit(MAX_ZIP),
      createWriteStream(file, { flags: "wx", mode: 0o600 }),
    );
    await mkdir(files);
    await unzip(file, files, MAX_UNZIPPED);
    const { branch, ...facts } = seed;
    await changingRefs(ctx, repository, [`refs/heads/${branch}`], () =>
      importCommit(ctx, repository, branch, { ...facts, changes: filesOf(files) }),
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function limit(max: number): Transform {
  let size = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      size += chunk.length;
      done(
        size > max
          ? bad("FileTooLargeException", `The zip with the repository's code is larger than ${max} bytes.`)
          : null,
        chunk,
      );
    },
  });
}

/** All files and links below a folder, in byte order of their paths. */
async function* filesOf(root: string, below = ""): AsyncGenerator<TreeChange> {
  const names = (await readdir(join(root, below))).sort();
  for (const name of names) {
    const path = below ? `${below}/${name}` : name;
    const full = join(root, path);
    const facts = await lstat(full);
    if (facts.isDirectory()) {
      if (name.toLowerCase() !== ".git") yield* filesOf(root, path);
    } else if (facts.isSymbolicLink()) {
      const target = Buffer.from(await readlink(full));
      yield { kind: "put", path: checkPath(path), mode: "SYMLINK", size: target.length, content: [target] };
    } else {
      const mode = facts.mode & 0o100 ? "EXECUTABLE" : "NORMAL";
      yield {
        kind: "put",
        path: checkPath(path),
        mode,
        size: facts.size,
        content: createReadStream(full) as AsyncIterable<Buffer>,
      };
    }
  }
}
