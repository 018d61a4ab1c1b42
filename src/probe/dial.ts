// Opens a connection, and says in Go's words why it could not: they are what people know from the kubelet.
// Invariants: never by a proxy, and never kept for another check. Bun.connect and not node:net, which takes twice the CPU and 10 MiB;
// what it cannot do is take back a connection that nobody answers: that goes when the kernel gives up on it, after two minutes.

import { isIP } from "node:net";
import type { Socket } from "bun";
import { hasErrorCode } from "../host/error.ts";
import { DeadlineError } from "./deadline.ts";

export interface Place {
  /** An address, or a name that the machine can resolve; empty, which would be this machine: that of a pod that has none. */
  readonly host: string;
  readonly port: number;
}

export interface DialOptions {
  /** Whoever answers is believed: a container's certificate is for its users, not for its address. */
  readonly isTls?: boolean;
  readonly signal: AbortSignal;
  readonly onData?: (chunk: Uint8Array) => void;
  /** Of a connection that was open, whoever closed it. */
  readonly onClose?: (why: string) => void;
}

export interface Connection extends Disposable {
  send(text: string): void;
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
  EAI_AGAIN: "temporary failure in name resolution",
  ENOTFOUND: "no such host",
};

export async function dial(place: Place, options: DialOptions): Promise<Connection> {
  const { signal } = options;
  requireAddress(place);
  const opening = new Opening(place, options);
  const giveUp = () => opening.giveUp(signal.reason);
  signal.addEventListener("abort", giveUp, { once: true });
  if (signal.aborted) giveUp();
  try {
    return await opening.connection;
  } catch (error) {
    if (signal.aborted && !(signal.reason instanceof DeadlineError)) throw signal.reason;
    throw new DialError(dialMessage(place, error), { cause: error });
  } finally {
    signal.removeEventListener("abort", giveUp);
  }
}

/** Throws DialError: without a host, this machine would be dialed. */
export function requireAddress({ host }: Place): void {
  if (host === "") throw new DialError("dial tcp: the pod has no address");
}

export function dialMessage(place: Place, error: unknown): string {
  return `dial tcp ${hostAndPort(place)}: ${reasonOf(error)}`;
}

/** As in a URL. */
export function hostAndPort({ host, port }: Place): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

class Opening {
  readonly #outcome = Promise.withResolvers<Connection>();
  #socket: Socket | undefined;
  #isGivenUp = false;
  #isOpen = false;
  #unsent: Uint8Array = new Uint8Array();

  constructor({ host, port }: Place, { isTls = false, onData, onClose }: DialOptions) {
    const tls = { rejectUnauthorized: false, ...(isIP(host) ? {} : { serverName: host }) };
    const connecting = Bun.connect({
      hostname: host,
      port,
      ...(isTls && { tls }),
      socket: {
        open: (socket) => {
          this.#socket = socket;
          if (this.#isGivenUp) socket.terminate();
          else if (!isTls) this.#succeed(socket);
        },
        handshake: (socket, _isTrusted, error) => {
          // The others are about the certificate.
          if (hasErrorCode(error, "EPROTO", "ECONNRESET")) this.#outcome.reject(error);
          else if (isTls) this.#succeed(socket);
        },
        data: (_socket, chunk) => onData?.(chunk),
        drain: (socket) => this.#flush(socket),
        connectError: (_socket, error) => this.#outcome.reject(error),
        close: (_socket, error) => {
          if (this.#isOpen) onClose?.(error === undefined ? "EOF" : reasonOf(error));
          else this.#outcome.reject(error ?? new Error("EOF"));
        },
      },
    });
    connecting.catch(() => undefined); // connectError() has been told
  }

  get connection(): Promise<Connection> {
    return this.#outcome.promise;
  }

  giveUp(reason: unknown): void {
    this.#isGivenUp = true;
    this.#outcome.reject(reason);
    this.#socket?.terminate();
  }

  #succeed(socket: Socket): void {
    this.#isOpen = true;
    this.#outcome.resolve({
      send: (text) => {
        this.#unsent = Buffer.from(text);
        this.#flush(socket);
      },
      [Symbol.dispose]: () => void socket.end(),
    });
  }

  #flush(socket: Socket): void {
    if (this.#unsent.length > 0) this.#unsent = this.#unsent.subarray(socket.write(this.#unsent));
  }
}

function reasonOf(error: unknown): string {
  if (error instanceof DeadlineError) return "i/o timeout";
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  return reasons[code] ?? (error instanceof Error ? error.message : String(error));
}
