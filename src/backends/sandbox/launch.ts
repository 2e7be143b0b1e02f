import type { OnAwsConnection, SandboxExit } from "../../ports/sandbox.ts";
import type { CertificateAuthority } from "./certificates.ts";
import type { ExitReport, LauncherClient } from "./launcher-client.ts";
import type { SandboxListeners } from "./listeners.ts";
import type { SandboxPipe } from "./pipes.ts";

/** What all sandboxes of a process share. */
export interface SandboxContext {
  readonly launcher: LauncherClient;
  readonly authority: CertificateAuthority;
  readonly onAws: OnAwsConnection;
  /** Calls that end each running sandbox. */
  readonly running: Map<string, () => Promise<void>>;
}

/** What the port says of an end. */
export const exitOf = ({ code, signal, outOfMemory, error }: ExitReport): SandboxExit => ({
  code,
  signal,
  outOfMemory,
  ...(error === undefined ? {} : { error }),
});

/** Asks the launcher for a sandbox; where that fails nothing of it stays here. */
export async function launch(
  context: SandboxContext,
  what: "function" | "build" | "tool",
  spec: { id: string },
  request: object,
  parts: {
    pipes: SandboxPipe[];
    listeners?: SandboxListeners;
    onListener?: Parameters<LauncherClient["register"]>[1]["onListener"];
  },
): Promise<{ exited: Promise<ExitReport>; stop: () => Promise<void>; answer: unknown }> {
  const { launcher, running } = context;
  const { pipes, listeners } = parts;
  let onExit: (report: ExitReport) => void = () => {};
  const exited = new Promise<ExitReport>((resolve) => (onExit = resolve));
  launcher.register(spec.id, { onExit, onListener: parts.onListener ?? (() => {}) });
  const stop = async (): Promise<void> => {
    await launcher.request("stop", { id: spec.id });
    await exited;
  };
  let answer: unknown;
  try {
    answer = await launcher.request(what, { ...request, id: spec.id });
  } catch (error) {
    launcher.unregister(spec.id);
    listeners?.close();
    for (const pipe of pipes) pipe.stream.destroy();
    throw error;
  } finally {
    for (const pipe of pipes) pipe.release();
  }
  running.set(spec.id, stop);
  void exited.then(() => {
    running.delete(spec.id);
    listeners?.close();
  });
  return { exited, stop, answer };
}
