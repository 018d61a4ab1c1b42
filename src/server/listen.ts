// Puts the app on a socket.
// Invariant: a socket file is only taken over when nobody answers on it; what can be reached from beyond this machine is TLS, for those
// who are known.

import { chmod, chown, lstat, rename, rm } from "node:fs/promises";
import type { IncomingMessage } from "node:http";
import { connect } from "node:net";
import type { TLSSocket } from "node:tls";
import { hasErrorCode } from "../host/error.ts";
import { readTextIfExists } from "../host/files.ts";
import type { Log } from "../host/log.ts";
import { type Answerer, type Door, isLoopbackName } from "./connection.ts";
import { HttpServer } from "./http-server.ts";
import { defaultLimits, type Limits } from "./limits.ts";
import { readTls, type TlsFiles } from "./tls.ts";

export interface ListenOptions {
  readonly tls: TlsFiles;
  readonly log: Log;
  readonly limits?: Partial<Limits>;
}

export interface Listener extends AsyncDisposable {
  /** As it was asked for, with the real port where that was 0. */
  readonly address: string;
}

export class ListenError extends Error {
  override readonly name = "ListenError";
  readonly address: string;
  /** Another process has the address, or the machine does not have it yet. */
  readonly isTemporary: boolean;
  constructor(address: string, message: string, options: ErrorOptions & { isTemporary?: boolean } = {}) {
    super(`Cannot listen on ${address}: ${message}`, options);
    this.address = address;
    this.isTemporary = options.isTemporary ?? false;
  }
}

/**
 * `unix:///run/gantry/gantry.sock`, `http://127.0.0.1:10255` or `https://0.0.0.0:10250`. Throws ListenError. Disposing it cuts every
 * connection.
 */
export async function listen(app: Answerer, address: string, options: ListenOptions): Promise<Listener> {
  const url = URL.parse(address);
  const place = { app, address, ...options, limits: { ...defaultLimits, ...options.limits } };
  if (url?.protocol === "unix:" && url.host === "" && url.pathname.length > 1) {
    return listenUnix(decodeURIComponent(url.pathname), place);
  }
  if (url?.pathname === "/" && url.protocol === "http:") return listenLoopback(url, place);
  if (url?.pathname === "/" && url.protocol === "https:") return listenTls(url, place);
  throw new ListenError(
    address,
    "must be like unix:///run/gantry/gantry.sock, http://127.0.0.1:10255 or https://0.0.0.0:10250",
  );
}

interface Place extends ListenOptions {
  readonly app: Answerer;
  readonly address: string;
  readonly limits: Limits;
}

async function listenUnix(path: string, place: Place): Promise<Listener> {
  const { address } = place;
  await refuseTaken(address, path);
  // Made beside its place and renamed into it: nobody connects before the mode is right, and a stale file goes with it.
  const temporary = `${path}.${process.pid}`;
  const server = new HttpServer({ ...place, tls: undefined, door: () => ({ kind: "unix" }) });
  try {
    await rm(temporary, { force: true }); // of a process of that number that was killed just here
    const umask = process.umask(0o177);
    const listening = server.listen({ path: temporary }); // made by the time that this returns
    process.umask(umask);
    await listening;
    const group = await groupId("gantry");
    if (group !== undefined) await chown(temporary, process.getuid?.() ?? 0, group);
    await chmod(temporary, 0o660);
    await rename(temporary, path);
  } catch (error) {
    await server[Symbol.asyncDispose]();
    throw new ListenError(address, "the socket file could not be put there", { cause: error });
  }
  return {
    address,
    async [Symbol.asyncDispose]() {
      await rm(path, { force: true });
      await server[Symbol.asyncDispose]();
    },
  };
}

async function listenLoopback(url: URL, place: Place): Promise<Listener> {
  if (!isLoopbackName(url.hostname)) {
    throw new ListenError(
      place.address,
      `anyone who reached it could read every log: use https://${url.host}, with tls.certFile, tls.keyFile and tls.tokenFile or tls.clientCaFile`,
    );
  }
  const door = ({ socket }: IncomingMessage): Door => ({ kind: "loopback", port: socket.localPort ?? 0 });
  return openTcp(new HttpServer({ ...place, tls: undefined, door }), url, place.address);
}

async function listenTls(url: URL, place: Place): Promise<Listener> {
  const { options, hasToken } = await readTls(place.tls).catch((error: unknown) => {
    throw new ListenError(place.address, error instanceof Error ? error.message : "", { cause: error });
  });
  const door = ({ socket, headers }: IncomingMessage): Door => {
    const isTrusted = options.ca !== undefined && (socket as TLSSocket).authorized;
    return { kind: "network", isKnown: isTrusted || hasToken(headers.authorization) };
  };
  return openTcp(new HttpServer({ ...place, tls: options, door }), url, place.address);
}

async function openTcp(server: HttpServer, url: URL, address: string): Promise<Listener> {
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const port = Number(url.port || (url.protocol === "https:" ? 443 : 80));
  const opened = await server.listen({ host, port }).catch(async (cause: unknown) => {
    await server[Symbol.asyncDispose]();
    const isTemporary = hasErrorCode(cause, "EADDRINUSE", "EADDRNOTAVAIL");
    throw new ListenError(address, "the address could not be opened", { cause, isTemporary });
  });
  return {
    address: `${url.protocol}//${url.hostname}:${opened}`,
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

/** A file that another process answers on, or that is no socket, is not ours to replace. */
async function refuseTaken(address: string, path: string): Promise<void> {
  const file = await lstat(path).catch(ignoreMissing);
  if (file === undefined) return;
  if (!file.isSocket()) throw new ListenError(address, "there is a file that is no socket");
  if (await isAnswered(path)) throw new ListenError(address, "another process listens on it");
}

function isAnswered(path: string): Promise<boolean> {
  const { promise, resolve, reject } = Promise.withResolvers<boolean>();
  const socket = connect(path);
  socket.once("connect", () => resolve(true));
  socket.setTimeout(1000, () => resolve(true)); // it is there, but busy
  socket.once("error", (error) =>
    hasErrorCode(error, "ECONNREFUSED", "ENOENT") ? resolve(false) : reject(error),
  );
  return promise.finally(() => socket.destroy());
}

/** From /etc/group (group(5)): the group of a system service is a local one. */
async function groupId(name: string): Promise<number | undefined> {
  const line = (await readTextIfExists("/etc/group"))
    ?.split("\n")
    .find((text) => text.startsWith(`${name}:`));
  const id = line?.split(":")[2];
  return id === undefined || id === "" ? undefined : Number(id);
}

function ignoreMissing(error: unknown): undefined {
  if (!hasErrorCode(error, "ENOENT", "ENOTDIR")) throw error;
}
