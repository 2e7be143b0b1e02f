import assert from "node:assert/strict";
import { accessSync, constants, mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { readHostSettings } from "./host-settings.ts";

test("builds get the host's places of packages: remote ones without their passwords, folders where they are", (t) => {
  // Folders that builds have of their own (/tmp) are not shown to them.
  if (!isWritable("/srv")) return t.skip("it needs a folder in /srv");
  const base = mkdtempSync("/srv/starling-settings-");
  t.after(() => rmSync(base, { recursive: true }));
  for (const folder of ["index/simple", "index/packages", "index/private", "wheels"])
    mkdirSync(join(base, folder), { recursive: true });
  symlinkSync("/etc", join(base, "link"));
  const { env, urls, folders } = readHostSettings({
    PIP_INDEX_URL: "https://me:secret@packages.example.com/simple",
    PIP_EXTRA_INDEX_URL: `file://${base}/index/simple file://${base}/absent`,
    PIP_FIND_LINKS: `${base}/wheels /etc ${base}/link https://links.example.com/ relative /`,
  });
  assert.equal(env["PIP_INDEX_URL"], "https://packages.example.com/simple");
  assert.equal(env["PIP_EXTRA_INDEX_URL"], `file://${base}/index/simple`);
  assert.equal(env["PIP_FIND_LINKS"], `${base}/wheels https://links.example.com/`);
  for (const url of ["https://me:secret@packages.example.com/simple", "https://links.example.com/"])
    assert.ok(urls.includes(url), url);
  // The packages of an index lie beside its pages.
  assert.deepEqual(
    folders.toSorted(),
    ["index/packages", "index/simple", "wheels"].map((name) => join(base, name)),
  );
});

function isWritable(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
