// An app on a real socket, real curl as users have it, and clients that are worse than curl.

import { connect, type NetConnectOpts, type Socket } from "node:net";
import { createLog } from "../../src/host/log.ts";
import type { Answerer } from "../../src/server/connection.ts";
import type { Limits } from "../../src/server/limits.ts";
import { type Listener, listen } from "../../src/server/listen.ts";
import type { TlsFiles } from "../../src/server/tls.ts";

export const noTls: TlsFiles = { certFile: "", keyFile: "", clientCaFile: "", tokenFile: "" };

/** `write` is given the lines of the agent's log. */
export function listenAt(
  app: Answerer,
  address: string,
  options: { limits?: Partial<Limits>; tls?: TlsFiles; write?: (line: string) => void } = {},
): Promise<Listener> {
  const write = options.write ?? (() => undefined);
  const log = createLog({ write, isJournal: true, isDebug: true, wallMs: () => 0 });
  return listen(app, address, { log, tls: options.tls ?? noTls, limits: options.limits ?? {} });
}

export function curl(address: string, path: string, ...options: string[]) {
  const target = address.startsWith("unix://")
    ? ["--unix-socket", address.slice("unix://".length), `http://localhost${path}`]
    : [`${address}${path}`];
  return Bun.spawn(["curl", "-sS", "-N", "--path-as-is", "--max-time", "30", ...options, ...target], {
    stderr: "pipe",
  });
}

export async function curled(address: string, path: string, ...options: string[]): Promise<string> {
  return curl(address, path, ...options).stdout.text();
}

/** The status that curl is answered with. */
export async function statusOf(address: string, path: string, ...options: string[]): Promise<number> {
  return Number(await curled(address, path, "-o", "/dev/null", "-w", "%{http_code}", ...options));
}

export function placeOf(address: string): NetConnectOpts {
  const { protocol, pathname, hostname, port } = new URL(address);
  return protocol === "unix:" ? { path: pathname } : { host: hostname, port: Number(port) };
}

export interface RawClient {
  readonly socket: Socket;
  /** All that has come. */
  text(): string;
  /** How long after it was connected it was closed, in ms. */
  readonly closed: Promise<number>;
}

/** Sends bytes as they are. */
export function rawClient(address: string, bytes: string | Uint8Array = ""): RawClient {
  const socket = connect(placeOf(address));
  const chunks: Buffer[] = [];
  const { promise: closed, resolve } = Promise.withResolvers<number>();
  const started = performance.now();
  socket.on("data", (chunk) => chunks.push(Buffer.from(chunk)));
  socket.on("error", () => undefined);
  socket.on("close", () => resolve(performance.now() - started));
  if (bytes.length > 0) socket.write(bytes);
  return { socket, closed, text: () => Buffer.concat(chunks).toString("latin1") };
}
