// How a request came in, and who is refused at the door.
// Invariant: a page of another site cannot reach us through the user's browser, not even by DNS rebinding, and whoever is not known
// cannot do more than read, and that only on this machine.

import type { Duplex } from "node:stream";
import type { Context, MiddlewareHandler } from "hono";
import { RequestError } from "./request-error.ts";

export interface Connection {
  readonly door: Door;
  /**
   * Lifts the limits of silence and of the body's length: what follows has no end of its own. Throws RequestError where too many of
   * these are open. Ends with the request. A client that takes nothing of the answer for `stallMs` is cut; undefined: it may take its time.
   */
  keepOpen(stallMs?: number): void;
  /** Told after the body: for what is known only then. The answer's `Trailer` header names it. */
  setTrailer(name: string, value: string): void;
  /** Answers with 101 and these headers, and gives what is the client's from then on. Undefined: it did not ask for that. */
  readonly upgrade: ((headers: Readonly<Record<string, string>>) => Duplex) | undefined;
}

/** A hono app, or whatever else answers requests. */
export interface Answerer {
  fetch(request: Request, connection: Connection): Response | Promise<Response>;
}

export type Door =
  /** The file's permissions say who may: root and the group. */
  | { readonly kind: "unix" }
  /** Any program on this machine, and any page in its browsers. */
  | { readonly kind: "loopback"; readonly port: number }
  /** Over TLS. `isKnown`: with the token, or a client certificate that is trusted. */
  | { readonly kind: "network"; readonly isKnown: boolean };

export interface ServerEnv {
  Bindings: Connection;
  Variables: { requestId: string };
}

export type ServerContext = Context<ServerEnv>;

export const guardDoor: MiddlewareHandler<ServerEnv> = async (c, next) => {
  const { door } = c.env;
  if (door.kind === "loopback") guardLoopback(c.req.raw, door.port);
  if (door.kind === "network") guardNetwork(c.req.raw, door.isKnown);
  await next();
};

/** Only reading, and only for programs on this machine that name us as ourselves. */
function guardLoopback({ method, headers }: Request, port: number): void {
  const host = headers.get("host");
  if (host === null || !isOwnAuthority(host, port)) {
    throw new RequestError(403, `Host ${JSON.stringify(host ?? "")} is not this server`);
  }
  const origin = headers.get("origin");
  if (origin !== null && !isOwnOrigin(origin, port)) throw foreignOrigin(origin);
  if (method !== "GET" && method !== "HEAD") {
    throw new RequestError(405, `${method} is refused: this address is read only`, { Allow: "GET, HEAD" });
  }
  // Others are not taken up by anyone: `h2c` is offered by curl --http2 and by Java with every request.
  if (headers.get("upgrade")?.toLowerCase() === "websocket") {
    throw new RequestError(403, "Commands are refused: this address is read only; use the unix socket");
  }
}

/** A browser sends a client certificate also for a page of another site. */
function guardNetwork({ headers }: Request, isKnown: boolean): void {
  const origin = headers.get("origin");
  if (origin !== null && origin !== `https://${headers.get("host")}`) throw foreignOrigin(origin);
  if (isKnown) return;
  throw new RequestError(401, "Who asks must send the token, or a client certificate that is trusted", {
    "WWW-Authenticate": 'Bearer realm="gantry"',
  });
}

function foreignOrigin(origin: string): RequestError {
  return new RequestError(403, `Requests from the origin ${JSON.stringify(origin)} are refused`);
}

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
