import type { Socket as UdpSocket } from "node:dgram";
import type { Server, Socket } from "node:net";
import type { OnAwsConnection } from "../../ports/sandbox.ts";
import { servePlain, serveTls } from "./aws-endpoint.ts";
import type { CertificateAuthority } from "./certificates.ts";
import { serveDnsTcp, serveDnsUdp } from "./dns.ts";
import type { ListenerRole } from "./launcher-client.ts";

/** The listeners inside one sandbox, served here until it ends. */
export class SandboxListeners {
  readonly #handles: (Server | UdpSocket)[] = [];
  readonly #connections = new Set<Socket>();

  /** Serves one listener as its role says. */
  add(
    role: ListenerRole,
    handle: Server | UdpSocket,
    sandbox: {
      id: string;
      internet: boolean;
      authority: CertificateAuthority;
      onAws: OnAwsConnection;
      onRuntimeApi?: ((socket: Socket) => void) | undefined;
    },
  ): void {
    this.#handles.push(handle);
    handle.on("error", () => {});
    if (role === "dns-udp") return serveDnsUdp(handle as UdpSocket, sandbox.internet);
    const server = handle as Server;
    server.on("connection", (socket: Socket) => {
      this.#connections.add(socket);
      socket.once("close", () => this.#connections.delete(socket));
    });
    if (role === "dns-tcp") serveDnsTcp(server, sandbox.internet);
    else if (role === "tls") serveTls(server, sandbox.id, sandbox.authority, sandbox.onAws);
    else if (role === "plain") servePlain(server, sandbox.id, sandbox.onAws);
    else server.on("connection", (socket: Socket) => sandbox.onRuntimeApi?.(socket));
  }

  close(): void {
    for (const handle of this.#handles.splice(0)) handle.close();
    for (const socket of this.#connections) socket.destroy();
  }
}
