import type { SandboxHost } from "../../ports/sandbox.ts";

/** For hosts that cannot isolate: everything but foreign code works, and that is refused with the reason. */
export function noSandbox(reason: string): SandboxHost {
  const refuse = (): Promise<never> =>
    Promise.reject(new Error(`Functions, builds and git cannot run here: ${reason}`));
  return {
    driver: `none (${reason})`,
    startFunction: refuse,
    startBuild: refuse,
    startTool: refuse,
    caCertificate: "",
    close: () => Promise.resolve(),
  };
}
