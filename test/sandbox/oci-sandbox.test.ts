import { test } from "node:test";
import { runUnderLauncher, whyNoSandboxes } from "./under-launcher.ts";

test("the sandboxes of the launcher keep the contract", { skip: whyNoSandboxes(), timeout: 180_000 }, () =>
  runUnderLauncher("test/sandbox/contract.app.ts"),
);
