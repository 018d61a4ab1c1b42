// One request and its answer: node's objects on the outside, the web's inside.
// Invariant: a body is read no faster than it is wanted, an answer is made no faster than the client takes it, and when the client
// has gone the app is told by the request's signal.

import type { IncomingMessage, ServerResponse } from "node:http";
import { type Duplex, Readable } from "node:stream";
import { errorChain } from "../host/error.ts";
import type { Log } from "../host/log.ts";
import type { Answerer, Connection, Door } from "./connection.ts";
import type { Limits } from "./limits.ts";
import { RequestError } from "./request-error.ts";
import { wholeOf } from "./response.ts";

export interface ExchangeOptions {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** What the client asks to have for something else than HTTP. */
  readonly upgradable: Duplex | undefined;
  readonly door: Door;
  readonly limits: Limits;
  readonly log: Log;
  /** Throws RequestError where there are too many; the result gives it back. */
  claimFollower(): () => void;
}

/** Written to one client before the others have their turn. */
const turnBytes = 64 * 1024;

export class Exchange {
  readonly #options: ExchangeOptions;
  readonly #left = new AbortController();
  readonly #trailers: Record<string, string> = {};
  #isKeptOpen = false;
  #stallMs: number | undefined;
  #isUpgraded = false;
  #isEnded = false;
  #releaseFollower: () => void = () => undefined;

  constructor(options: ExchangeOptions) {
    this.#options = options;
  }

  async run(app: Answerer): Promise<void> {
    const { response, log } = this.#options;
    response.on("close", () => this.#end());
    const late = this.#cutLateBody();
    try {
      const answer = await app.fetch(this.#webRequest(), this.#connection());
      if (this.#isUpgraded) return;
      await this.#send(answer);
    } catch (error) {
      // Undefined: who made the body has said what it was.
      if (error !== undefined && !this.#left.signal.aborted) {
        log.error("Cannot send an answer", { error: errorChain(error) });
      }
      response.destroy();
    } finally {
      clearTimeout(late);
    }
  }

  #end(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#releaseFollower();
    if (this.#isUpgraded || !this.#options.response.writableFinished) this.#left.abort();
  }

  #cutLateBody(): NodeJS.Timeout | undefined {
    const { request, limits } = this.#options;
    if (!hasBody(request)) return undefined;
    return setTimeout(() => {
      if (!request.complete && !this.#isKeptOpen) request.destroy();
    }, limits.bodyMs);
  }

  #webRequest(): Request {
    const { request } = this.#options;
    const { method = "GET", url = "/", rawHeaders } = request;
    const headers = new Headers();
    for (let at = 0; at < rawHeaders.length; at += 2)
      headers.append(rawHeaders[at] ?? "", rawHeaders[at + 1] ?? "");
    // The name in it is nobody's: who we are called by is in the header, and that may be anything.
    const { pathname, search } = URL.parse(url) ?? { pathname: "/", search: "" };
    return new Request(`http://gantry${url.startsWith("/") ? url : pathname + search}`, {
      method,
      headers,
      signal: this.#left.signal,
      ...(hasBody(request) && { body: this.#body() }),
    });
  }

  #body(): ReadableStream<Uint8Array> {
    const { request, limits } = this.#options;
    const isKeptOpen = () => this.#isKeptOpen;
    async function* chunks() {
      let bytes = 0;
      for await (const chunk of request as AsyncIterable<Buffer>) {
        bytes += chunk.length;
        if (bytes > limits.bodyBytes && !isKeptOpen()) {
          throw new RequestError(413, `The body is longer than ${limits.bodyBytes} bytes`);
        }
        yield chunk;
      }
    }
    return Readable.toWeb(Readable.from(chunks(), { objectMode: false })) as ReadableStream<Uint8Array>;
  }

  #connection(): Connection {
    const { request, response, upgradable, door } = this.#options;
    return {
      door,
      keepOpen: (stallMs) => {
        if (this.#isKeptOpen) return;
        this.#stallMs = stallMs;
        this.#releaseFollower = this.#options.claimFollower();
        this.#isKeptOpen = true;
      },
      setTrailer: (name, value) => {
        this.#trailers[name] = value;
      },
      upgrade:
        upgradable &&
        ((headers) => {
          this.#isUpgraded = true;
          upgradable.once("close", () => this.#end());
          response.detachSocket(request.socket);
          const lines = Object.entries({ Connection: "Upgrade", ...headers }).map(
            ([name, value]) => `${name}: ${value}`,
          );
          upgradable.write(`HTTP/1.1 101 Switching Protocols\r\n${lines.join("\r\n")}\r\n\r\n`);
          return upgradable;
        }),
    };
  }

  async #send(answer: Response): Promise<void> {
    const { request, response } = this.#options;
    // What is still to come of its body would be taken for the next request, or waited for.
    if (!request.complete) response.shouldKeepAlive = false;
    response.writeHead(answer.status, Object.fromEntries(answer.headers));
    if (answer.body === null || request.method === "HEAD") {
      response.end();
      return;
    }
    const whole =
      wholeOf(answer) ?? (answer.headers.has("content-length") ? await answer.bytes() : undefined);
    if (whole !== undefined) {
      response.end(whole);
      return;
    }
    response.flushHeaders(); // before the first line of a log that is silent
    const reader = answer.body.getReader();
    this.#left.signal.addEventListener("abort", () => void reader.cancel().catch(() => undefined));
    let bytes = 0;
    for (let { done, value } = await reader.read(); !done; { done, value } = await reader.read()) {
      bytes += value.length;
      if (!response.write(value)) await this.#drained();
      else if (bytes > turnBytes) {
        bytes = 0;
        await othersTurn(); // a client that takes all there is would keep everybody else waiting
      }
    }
    if (this.#left.signal.aborted) return;
    response.addTrailers(this.#trailers);
    response.end();
  }

  /** Resolves also when the client has gone. */
  #drained(): Promise<void> {
    const { response } = this.#options;
    const { promise, resolve } = Promise.withResolvers<void>();
    const stalled =
      this.#stallMs === undefined ? undefined : setTimeout(() => response.destroy(), this.#stallMs);
    const settle = () => {
      clearTimeout(stalled);
      response.off("drain", settle).off("close", settle);
      resolve();
    };
    response.on("drain", settle).on("close", settle);
    return promise;
  }
}

function othersTurn(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  setImmediate(resolve);
  return promise;
}

/** RFC 9112: a request has a body when one of these says so. */
function hasBody({ headers, method }: IncomingMessage): boolean {
  const isSaid = headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > 0;
  return isSaid && method !== "GET" && method !== "HEAD";
}
