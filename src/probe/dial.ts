// Opens a connection, and says in Go's words why it could not: they are what people know from the kubelet.
// Invariant: never by a proxy, and never kept for another check.

import { connect, isIP, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { DeadlineError } from "./deadline.ts";

export interface Place {
  /** An address, or a name that the machine can resolve. */
  readonly host: string;
  readonly port: number;
}

/** `dial tcp 10.1.2.3:80: connect: connection refused`. */
export class DialError extends Error {
  override readonly name = "DialError";
}

const reasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: "connect: connection refused",
  ECONNRESET: "read: connection reset by peer",
  EHOSTUNREACH: "connect: no route to host",
  ENETUNREACH: "connect: network is unreachable",
  ENOTFOUND: "no such host",
};

/** With TLS whoever answers is believed: a container's certificate is for its users, not for its address. */
export async function dial(
  place: Place,
  { isTls, signal }: { readonly isTls: boolean; readonly signal: AbortSignal },
): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  const name = isIP(place.host) ? {} : { servername: place.host };
  const socket: Socket = isTls
    ? connectTls({ ...place, ...name, rejectUnauthorized: false }, () => resolve(socket))
    : connect({ ...place }, () => resolve(socket));
  const giveUp = () => reject(signal.reason);
  if (signal.aborted) giveUp();
  signal.addEventListener("abort", giveUp, { once: true });
  socket.on("error", reject);
  socket.on("close", () => reject(new Error("EOF")));
  try {
    return await promise;
  } catch (error) {
    socket.destroy();
    if (error === signal.reason && !(error instanceof DeadlineError)) throw error;
    throw new DialError(`dial tcp ${hostAndPort(place)}: ${dialReason(error)}`, { cause: error });
  } finally {
    signal.removeEventListener("abort", giveUp);
  }
}

/** As in a URL. */
export function hostAndPort({ host, port }: Place): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

function dialReason(error: unknown): string {
  if (error instanceof DeadlineError) return "i/o timeout";
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  return reasons[code] ?? (error instanceof Error ? error.message : String(error));
}
