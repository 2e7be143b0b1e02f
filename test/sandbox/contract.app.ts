import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { openSandboxHost } from "../../src/backends/sandbox/oci-sandbox.ts";
import { sandboxContract } from "../../src/ports/sandbox.contract.ts";
import type { OnAwsConnection } from "../../src/ports/sandbox.ts";

// Started by the launcher as its app: what the contract does here is done as the ordinary user that the platform runs as.
const data = process.env.STARLING_DATA ?? "";
let aws: OnAwsConnection = (socket) => socket.destroy();

sandboxContract(
  async () => {
    const host = await openSandboxHost({
      dataDir: data,
      onAwsConnection: (socket, origin) => aws(socket, origin),
      onLost: () => {},
    });
    const folder = join(data, "contract");
    mkdirSync(folder, { recursive: true });
    return { host, folder, setAws: (handler) => void (aws = handler) };
  },
  async () => {
    process.disconnect();
    // What failed is told first.
    setImmediate(() => setTimeout(() => process.exit(), 2_000).unref());
  },
);
