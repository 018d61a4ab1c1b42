// How a request came in, and who is refused at the door.
// Invariant: a page of another site cannot reach us through the user's browser, not even by DNS rebinding.

import type { Context, MiddlewareHandler } from "hono";
import { RequestError } from "./request-error.ts";

export interface Connection {
  /** The TCP port it came to; undefined for the unix socket, where the file's permissions say who may. */
  readonly port: number | undefined;
  /** Keeps the request open whatever the silence. */
  keepOpen(request: Request): void;
}

export interface ServerEnv {
  Bindings: Connection;
  Variables: { requestId: string };
}

export type ServerContext = Context<ServerEnv>;

/** On TCP only reading, and only for programs on this machine that name us as ourselves. */
export const guardLoopback: MiddlewareHandler<ServerEnv> = async (c, next) => {
  const { port } = c.env;
  if (port !== undefined) {
    const { method, headers } = c.req.raw;
    const host = headers.get("host");
    if (host === null || !isOwnAuthority(host, port)) {
      throw new RequestError(403, `Host ${JSON.stringify(host ?? "")} is not this server`);
    }
    const origin = headers.get("origin");
    if (origin !== null && !isOwnOrigin(origin, port)) {
      throw new RequestError(403, `Requests from the origin ${JSON.stringify(origin)} are refused`);
    }
    if (method !== "GET" && method !== "HEAD") {
      throw new RequestError(405, `${method} is refused: this address is read only`, { Allow: "GET, HEAD" });
    }
  }
  await next();
};

const loopbackName = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/i;

function isOwnAuthority(authority: string, port: number): boolean {
  const [, name = "", portText = "80"] = /^(.*?)(?::(\d{1,5}))?$/.exec(authority) ?? [];
  return loopbackName.test(name) && Number(portText) === port;
}

function isOwnOrigin(origin: string, port: number): boolean {
  return origin.startsWith("http://") && isOwnAuthority(origin.slice("http://".length), port);
}

/** Whether this host name, as a URL has it, is the machine's own loopback. */
export function isLoopbackName(name: string): boolean {
  return loopbackName.test(name);
}
