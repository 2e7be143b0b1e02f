import { test } from "node:test";
import { runUnderLauncher, whyNoSandboxes } from "./under-launcher.ts";

test("repositories of stacks, and archives of commits", { skip: whyNoSandboxes(), timeout: 180_000 }, () =>
  runUnderLauncher("test/sandbox/codecommit.app.ts"),
);
