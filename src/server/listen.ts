// Puts the app on a socket.
// Invariant: a socket file is only taken over when nobody answers on it, and TCP is only ever opened on loopback.

import { chmod, chown, lstat, rename, rm } from "node:fs/promises";
import { connect } from "node:net";
import { hasErrorCode } from "../host/error.ts";
import { readTextIfExists } from "../host/files.ts";
import { type Connection, isLoopbackName } from "./connection.ts";

/** A hono app, or whatever else answers requests. */
export interface Answerer {
  fetch(request: Request, connection: Connection): Response | Promise<Response>;
}

export interface Listener extends AsyncDisposable {
  /** As it was asked for, with the real port where that was 0. */
  readonly address: string;
}

export class ListenError extends Error {
  override readonly name = "ListenError";
  readonly address: string;
  constructor(address: string, message: string, options?: ErrorOptions) {
    super(`Cannot listen on ${address}: ${message}`, options);
    this.address = address;
  }
}

/** `unix:///run/gantry/gantry.sock` or `http://127.0.0.1:10255`. Throws ListenError. Disposing it cuts every connection. */
export async function listen(app: Answerer, address: string): Promise<Listener> {
  const url = URL.parse(address);
  if (url?.protocol === "unix:" && url.host === "" && url.pathname.length > 1) {
    return listenUnix(app, address, decodeURIComponent(url.pathname));
  }
  if (url?.protocol === "http:" && url.pathname === "/") return listenTcp(app, address, url);
  throw new ListenError(address, "must be like unix:///run/gantry/gantry.sock or http://127.0.0.1:10255");
}

async function listenUnix(app: Answerer, address: string, path: string): Promise<Listener> {
  await refuseTaken(address, path);
  // Made beside its place and renamed into it: nobody connects before the mode is right, and a stale file goes with it.
  const temporary = `${path}.${process.pid}`;
  const server = serve(app, address, { unix: temporary });
  try {
    const group = await groupId("gantry");
    if (group !== undefined) await chown(temporary, process.getuid?.() ?? 0, group);
    await chmod(temporary, 0o660);
    await rename(temporary, path);
  } catch (error) {
    await server.stop(true);
    throw new ListenError(address, "the socket file could not be put there", { cause: error });
  }
  return {
    address,
    async [Symbol.asyncDispose]() {
      await rm(path, { force: true });
      await server.stop(true);
    },
  };
}

function listenTcp(app: Answerer, address: string, url: URL): Listener {
  if (!isLoopbackName(url.hostname)) {
    throw new ListenError(
      address,
      "must be a loopback address, as anyone who reached it could read every log",
    );
  }
  const server = serve(app, address, {
    hostname: url.hostname.replace(/^\[|\]$/g, ""),
    port: Number(url.port || 80),
  });
  return {
    address: `http://${url.hostname}:${server.port}`,
    [Symbol.asyncDispose]: () => server.stop(true),
  };
}

type Place = { unix: string } | { hostname: string; port: number };

function serve(app: Answerer, address: string, place: Place): Bun.Server<undefined> {
  const options = {
    ...place,
    development: false,
    // Seconds. On a unix socket bun 1.4 takes no exception from it for one request (server.timeout), so there it is off;
    // its types know no timeout there at all, though without one it is 10.
    idleTimeout: "unix" in place ? 0 : 60,
    reusePort: false, // said, as otherwise `development: false` lets a second process share the port
    maxRequestBodySize: 64 * 1024,
    fetch: (request: Request, server: Bun.Server<undefined>) =>
      app.fetch(request, { port: server.port, keepOpen: (kept) => server.timeout(kept, 0) }),
  };
  try {
    return Bun.serve(options as Bun.Serve.Options<undefined>);
  } catch (error) {
    throw new ListenError(address, "the address could not be opened", { cause: error });
  }
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
