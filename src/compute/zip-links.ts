import { mkdir, symlink } from "node:fs/promises";
import { dirname, join, posix } from "node:path";
import { setImmediate } from "node:timers/promises";

/** The longest path that Linux takes. */
export const MAX_LINK = 4096;

/** Links that are looked at before others get their turn. */
const AT_ONCE = 100;

/** A symbolic link of a zip: its path in the zip, and what it says. */
export interface ZipLink {
  readonly path: string;
  readonly to: string;
}

/** A link that could lead out of the folder. `above` is the other link of the zip that it lies behind. */
export class UnsafeLink extends Error {
  readonly link: string;
  readonly above: string | undefined;

  constructor(link: string, above?: string) {
    super(above ? `the zip has a link behind its link ${above}` : `the link ${link} leads out of the archive`);
    this.link = link;
    this.above = above;
  }
}

/**
 * Makes the links of a zip below `folder`, once all its files are there: none lies behind another, so nothing is ever
 * written through one, and none leads out. Throws UnsafeLink before any is made.
 */
export async function makeLinks(folder: string, links: readonly ZipLink[]): Promise<void> {
  const places = new Set(links.map(({ path }) => posix.normalize(path)));
  for (const [i, { path, to }] of links.entries()) {
    if (i % AT_ONCE === AT_ONCE - 1) await setImmediate();
    if (path.length > MAX_LINK) throw new Error(`the path of the link ${path.slice(0, 100)}... is too long`);
    for (let above = posix.dirname(posix.normalize(path)); above !== "."; above = posix.dirname(above))
      if (places.has(above)) throw new UnsafeLink(path, above);
    if (!staysInside(path, to)) throw new UnsafeLink(path);
  }
  for (const { path, to } of links) {
    const place = join(folder, path);
    await mkdir(dirname(place), { recursive: true, mode: 0o755 });
    await symlink(to, place);
  }
}

/** Whether a link leads inside, by steps up first and down then: no other link on its way can lead it out. */
function staysInside(path: string, to: string): boolean {
  const isPlain = /^(\.\.?\/)*(\.\.?|(?!\.\.?(\/|$))[^/]+(\/(?!\.\.?(\/|$))[^/]+)*\/?)$/.test(to) && !to.includes("\0");
  const end = posix.join(posix.dirname(path), to);
  return isPlain && end !== ".." && !end.startsWith("../");
}
