import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { nodeVariables } from "./build-node.ts";

test("builds that count on an old Node have the digests of its OpenSSL", () => {
  const md4 = (env: Record<string, string>) =>
    spawnSync(process.execPath, ["-p", "require('crypto').createHash('md4').update('').digest('hex')"], {
      env,
      timeout: 60_000,
    })
      .stdout.toString()
      .trim();
  const old: Record<string, string>[] = [{}, { nodejs: "12" }, { nodejs: "10.x" }];
  for (const runtimeVersions of old)
    assert.equal(
      md4(nodeVariables({ runtimeVersions })),
      "31d6cfe0d16ae931b73c59d7e0c089c0",
      JSON.stringify(runtimeVersions),
    );
  for (const nodejs of ["18", "20.x", "latest"]) assert.deepEqual(nodeVariables({ runtimeVersions: { nodejs } }), {});
});

test("builds that count on an npm without peer dependencies get one that does not look at them", () => {
  const peers = (nodejs: string) => nodeVariables({ runtimeVersions: { nodejs } })["npm_config_legacy_peer_deps"];
  assert.deepEqual(["8.x", "14", "16", "latest"].map(peers), ["true", "true", undefined, undefined]);
});
