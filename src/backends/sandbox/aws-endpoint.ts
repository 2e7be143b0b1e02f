import type { Server, Socket } from "node:net";
import { createServer as createTlsServer, type Server as TlsServer } from "node:tls";
import { callbackify } from "node:util";
import type { OnAwsConnection } from "../../ports/sandbox.ts";
import type { CertificateAuthority } from "./certificates.ts";

const HANDSHAKE_MS = 10_000;

/** Gives each connection that a sandbox makes to its plain port to the front door. */
export function servePlain(server: Server, sandboxId: string, onConnection: OnAwsConnection): void {
  server.on("connection", (socket: Socket) => {
    socket.on("error", () => {});
    onConnection(socket, { sandboxId, tls: false });
  });
}

/** Ends TLS with a certificate for whatever AWS name the client asks for, and gives what is inside to the front door. */
export function serveTls(
  server: Server,
  sandboxId: string,
  authority: CertificateAuthority,
  onConnection: OnAwsConnection,
): void {
  let inner: TlsServer | undefined; // made when the sandbox first calls: many never do
  server.on("connection", (socket: Socket) => {
    socket.on("error", () => {});
    inner ??= makeTlsServer(sandboxId, authority, onConnection);
    inner.emit("connection", socket);
  });
}

function makeTlsServer(sandboxId: string, authority: CertificateAuthority, onConnection: OnAwsConnection): TlsServer {
  const server = createTlsServer({
    ALPNProtocols: ["http/1.1"],
    handshakeTimeout: HANDSHAKE_MS,
    SNICallback: callbackify((name: string) => authority.contextFor(name)),
  });
  server.on("tlsClientError", (_error, socket) => socket.destroy());
  server.on("secureConnection", (socket) => {
    socket.on("error", () => {});
    onConnection(socket, { sandboxId, tls: true });
  });
  return server;
}
