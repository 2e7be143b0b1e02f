import { test } from "node:test";
import { runUnderLauncher, whyNoSandboxes } from "./under-launcher.ts";

test("buildspecs run in sandboxes", { skip: whyNoSandboxes(), timeout: 180_000 }, () =>
  runUnderLauncher("test/sandbox/build.app.ts"),
);
