// HTTP on a socket: connections within their limits become requests for the app.
// Invariant: no client holds more than its connection and a bounded buffer, and what it has not sent in time is cut.
// Not Bun.serve(): that limits no connections, takes no exception from a timeout on a unix socket, and tells nothing of a client's
// certificate (bun 1.4).

import { createServer, type IncomingMessage, type Server, ServerResponse } from "node:http";
import { createServer as createFront, type Server as Front, type ListenOptions, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { createSecureContext, type SecureContextOptions, TLSSocket } from "node:tls";
import { systemClock } from "../host/clock.ts";
import type { Log } from "../host/log.ts";
import type { Answerer, Door } from "./connection.ts";
import { Exchange } from "./exchange.ts";
import type { Limits } from "./limits.ts";
import { RefusalLog } from "./refusal-log.ts";
import { problemText, RequestError } from "./request-error.ts";

export interface HttpServerOptions {
  readonly app: Answerer;
  readonly limits: Limits;
  readonly log: Log;
  /** Undefined: plain HTTP. With `ca`: clients are asked for a certificate. */
  readonly tls: SecureContextOptions | undefined;
  door(request: IncomingMessage): Door;
}

/** How long a connection over the limit may take to send what it is answered 503. */
const excessMs = 2000;
/** How long a client may take to take the answer that ends its connection. */
const refusalMs = 1000;
/** Requests that a client may send on while it is answered; they are dropped. Who sends more is cut amid its answer. */
const droppedMax = 100;
/** Answered of what one connection sends at once, however quick that is. Who waits for each answer never gets there. */
const atOnceMax = 16;

/** What there is to know of a connection beside its socket. */
interface Client {
  /** Of TCP or unix, which the one that is read may only wrap. */
  readonly raw: Socket;
  readonly isExcess: boolean;
  /** Cuts it unless the header of its next request has come. */
  deadline: NodeJS.Timeout | undefined;
  answering: ServerResponse | undefined;
  /** Requests of this turn of the event loop. */
  atOnce: number;
  /** Requests that came too early. */
  dropped: number;
}

export class HttpServer implements AsyncDisposable {
  readonly #options: HttpServerOptions;
  readonly #http: Server;
  readonly #front: Front;
  readonly #clients = new Map<Duplex, Client>();
  readonly #refusals: RefusalLog;
  #followerCount = 0;

  constructor(options: HttpServerOptions) {
    this.#options = options;
    const { limits, tls } = options;
    this.#refusals = new RefusalLog(options.log, systemClock);
    this.#http = createServer({
      maxHeaderSize: limits.headerBytes,
      shouldUpgradeCallback: ({ headers }) => headers.upgrade?.toLowerCase() === "websocket",
      // node's own timeouts are looked after by an interval that never rests, and know no exception for a command's input.
      ...{
        headersTimeout: 0,
        requestTimeout: 0,
        keepAliveTimeout: 0,
        connectionsCheckingInterval: 2 ** 31 - 1,
      },
    });
    this.#http.on("request", (request, response) => this.#answer(request, response));
    this.#http.on("upgrade", (request, socket, head) => this.#answerUpgrade(request, socket as Socket, head));
    this.#http.on("clientError", (error: NodeJS.ErrnoException, socket) => {
      const problem = clientProblem(error.code);
      if (problem === undefined) socket.destroy();
      else this.#refuse(problem, socket);
    });
    this.#front = tls ? this.#tlsFront(tls) : this.#http.on("connection", (raw) => this.#admit(raw, raw));
  }

  /** Not node's own TLS server: bun 1.4's tells nothing of who has not ended his handshake. */
  #tlsFront(tls: SecureContextOptions): Front {
    const options = {
      isServer: true,
      secureContext: createSecureContext(tls),
      requestCert: tls.ca !== undefined,
      rejectUnauthorized: false, // who shows no certificate, or one that is not trusted, may still have the token
    };
    return createFront({ allowHalfOpen: true, pauseOnConnect: true }, (raw) => {
      const socket = new TLSSocket(raw, options).on("error", () => raw.destroy());
      this.#admit(raw, socket);
      if (!raw.destroyed) this.#http.emit("connection", socket);
    });
  }

  /** The TCP port; undefined for a unix socket. */
  async listen(place: ListenOptions): Promise<number | undefined> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#front.once("error", reject).listen(place, resolve);
    await promise;
    this.#front.off("error", reject);
    const address = this.#front.address();
    return typeof address === "object" ? address?.port : undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#front.close(() => resolve());
    for (const { raw } of this.#clients.values()) raw.destroy();
    await promise;
  }

  #admit(raw: Socket, socket: Duplex): void {
    const { connections, headerMs, silenceMs } = this.#options.limits;
    if (this.#clients.size >= 2 * connections) {
      raw.destroy();
      return;
    }
    const isExcess = this.#clients.size >= connections;
    const client: Client = {
      raw,
      isExcess,
      deadline: undefined,
      answering: undefined,
      atOnce: 0,
      dropped: 0,
    };
    this.#clients.set(socket, client);
    this.#setDeadline(socket, isExcess ? excessMs : headerMs, () =>
      this.#refuse(new RequestError(408, "The request's header did not come in time"), socket),
    );
    raw.on("error", () => undefined); // it has gone, which "close" tells
    raw.setKeepAlive(true, silenceMs);
    raw.setTimeout(silenceMs, () => raw.destroy());
    raw.once("close", () => {
      clearTimeout(this.#clients.get(socket)?.deadline);
      this.#clients.delete(socket);
    });
  }

  #setDeadline(socket: Duplex, ms: number, late: () => void): void {
    const client = this.#clients.get(socket);
    if (client === undefined) return;
    clearTimeout(client.deadline);
    client.deadline = setTimeout(late, ms);
  }

  #answer(request: IncomingMessage, response: ServerResponse, upgradable?: Duplex): void {
    const { app, limits, log } = this.#options;
    const { socket } = request;
    const client = this.#clients.get(socket);
    if (client === undefined) return; // it has gone already
    if (client.isExcess) {
      this.#refuse(new RequestError(503, `There are ${limits.connections} connections already`), socket);
      return;
    }
    if (this.#isDropped(request, client)) return;
    client.answering = response;
    clearTimeout(client.deadline);
    response.once("finish", () => {
      if (client.dropped > 0) {
        this.#close(socket, "");
        return;
      }
      client.answering = undefined;
      // A connection that is not used again goes without a word.
      this.#setDeadline(socket, limits.silenceMs, () => client.raw.destroy());
    });
    const door = this.#options.door(request);
    const claimFollower = () => this.#claimFollower(client.raw);
    void new Exchange({ request, response, upgradable, door, limits, log, claimFollower }).run(app);
  }

  /** Answered like every other, unless the app takes the socket. */
  #answerUpgrade(request: IncomingMessage, socket: Socket, head: Buffer): void {
    const client = this.#clients.get(socket);
    if (client && (client.answering || client.dropped > 0) && this.#isDropped(request, client)) return;
    if (head.length > 0) socket.unshift(head);
    const response = new ServerResponse(request);
    response.shouldKeepAlive = false;
    response.assignSocket(socket);
    response.on("finish", () => socket.destroySoon());
    this.#answer(request, response, socket);
  }

  /** Throws RequestError where there are too many; the result gives it back. */
  #claimFollower(raw: Socket): () => void {
    const { followers, silenceMs } = this.#options.limits;
    if (this.#followerCount >= followers) {
      throw new RequestError(429, `${followers} logs and streams are followed already`, {
        "Retry-After": "10",
      });
    }
    this.#followerCount += 1;
    raw.setTimeout(0);
    return () => {
      this.#followerCount -= 1;
      if (!raw.destroyed) raw.setTimeout(silenceMs);
    };
  }

  /** What never became a request for the app, and with it the connection. */
  #refuse(problem: RequestError, socket: Duplex): void {
    const requestId = crypto.randomUUID();
    this.#refusals.note({ status: problem.status, detail: problem.message, requestId });
    const { text, headers } = problemText(problem, requestId);
    const lines = Object.entries({ ...headers, Connection: "close" }).map(
      ([name, value]) => `${name}: ${value}`,
    );
    const answer = `HTTP/1.1 ${problem.status} ${problem.title}\r\n${lines.join("\r\n")}\r\n\r\n${text}`;
    this.#close(socket, answer);
  }

  /**
   * As what is sent before the last request is answered: bun (1.4) gives out all of it at once, and so one connection could have everything
   * made that it asks for. RFC 9112 9.3.2 lets a server close instead.
   */
  #isDropped(request: IncomingMessage, client: Client): boolean {
    if (client.atOnce === 0) {
      setImmediate(() => {
        client.atOnce = 0;
      });
    }
    client.atOnce += 1;
    if (client.answering === undefined && client.dropped === 0 && client.atOnce <= atOnceMax) return false;
    client.dropped += 1;
    request.resume();
    if (client.dropped > droppedMax) client.raw.destroy();
    else if (client.answering) client.answering.shouldKeepAlive = false;
    else if (client.dropped === 1) this.#close(request.socket, "");
    return true;
  }

  #close(socket: Duplex, last: string): void {
    const raw = this.#clients.get(socket)?.raw ?? socket;
    if (!socket.writable) {
      raw.destroy();
      return;
    }
    socket.end(last, () => raw.destroy());
    const late = setTimeout(() => raw.destroy(), refusalMs); // who has not ended a TLS handshake cannot be answered
    raw.once("close", () => clearTimeout(late));
  }
}

/** By node's code; undefined: the connection is lost. */
function clientProblem(code = ""): RequestError | undefined {
  if (code === "HPE_HEADER_OVERFLOW") return new RequestError(431, "The header is too long");
  return code.startsWith("HPE_") && code !== "HPE_INVALID_EOF_STATE"
    ? new RequestError(400, "This is no HTTP/1.1 request")
    : undefined;
}
