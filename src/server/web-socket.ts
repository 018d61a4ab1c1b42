// A WebSocket as this server speaks it: without extensions, and with back-pressure in both directions.
// Invariant: nothing is read while what was read before is not taken, nothing is sent that the client does not take, and when
// messages() has ended the connection has too.

import { createHash } from "node:crypto";
import type { Duplex } from "node:stream";
import type { ServerContext } from "./connection.ts";
import {
  binaryHeader,
  closeCodes,
  closeFrame,
  FrameError,
  FrameReader,
  type Piece,
  pingFrame,
  pongFrame,
} from "./frame.ts";
import { RequestError } from "./request-error.ts";

/** A message, or a part of one: nobody has to keep a whole one. */
export interface MessagePart {
  readonly isStart: boolean;
  readonly bytes: Buffer;
}

/** How long a client may take to answer the end. */
const closeMs = 5000;
const pingMs = 5000;
/** RFC 6455, section 1.3. */
const acceptSuffix = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

export interface PreparedWebSocket<Protocol extends string> {
  readonly protocol: Protocol;
  /** Answers 101. */
  accept(): WebSocketConnection;
}

/** The first of the sub-protocols that the client offers. Throws RequestError. */
export function prepareWebSocket<Protocol extends string>(
  c: ServerContext,
  protocols: readonly Protocol[],
): PreparedWebSocket<Protocol> {
  const known = protocols.join(", ");
  const header = (name: string) => c.req.header(name) ?? "";
  const { upgrade } = c.env;
  if (upgrade === undefined || header("sec-websocket-version") !== "13") {
    const headers = { Upgrade: "websocket", Connection: "Upgrade", "Sec-WebSocket-Version": "13" };
    throw new RequestError(426, `Here a WebSocket is wanted, with sub-protocol ${known}`, headers);
  }
  const key = header("sec-websocket-key");
  if (!/^[A-Za-z0-9+/]{22}==$/.test(key)) throw new RequestError(400, "Sec-WebSocket-Key is no key");
  const offered = header("sec-websocket-protocol").split(/\s*,\s*/);
  const protocol = protocols.find((each) => offered.includes(each));
  if (protocol === undefined) throw new RequestError(400, `Sec-WebSocket-Protocol has to offer ${known}`);
  c.env.keepOpen();
  const accepted = createHash("sha1").update(`${key}${acceptSuffix}`).digest("base64");
  const headers = {
    Upgrade: "websocket",
    "Sec-WebSocket-Accept": accepted,
    "Sec-WebSocket-Protocol": protocol,
  };
  return { protocol, accept: () => new WebSocketConnection(upgrade(headers)) };
}

export class WebSocketConnection {
  readonly #socket: Duplex;
  /** Resolves when the connection is closed, however. */
  readonly closed: Promise<void>;
  #isClosing = false;

  constructor(socket: Duplex) {
    this.#socket = socket;
    const { promise, resolve } = Promise.withResolvers<void>();
    // Writing shows that a client has gone, while nothing is read as nobody takes it.
    const pings = setInterval(() => {
      if (!socket.writableNeedDrain) void this.#write(pingFrame);
    }, pingMs);
    socket.once("close", () => {
      clearInterval(pings);
      resolve();
    });
    this.closed = promise;
  }

  /** Ends when the client has closed, left or broken the protocol. Leaving the loop cuts the connection. */
  async *messages(): AsyncGenerator<MessagePart, void, undefined> {
    const reader = new FrameReader();
    try {
      for await (const chunk of this.#socket as AsyncIterable<Buffer>) {
        for (const piece of this.#pieces(reader, chunk)) {
          if (piece.kind === "data") yield piece;
          else if (piece.kind === "ping") await this.#write(pongFrame(piece.bytes));
          else {
            this.close(piece.code, piece.reason);
            await this.#flushed();
            return;
          }
        }
      }
    } catch (error) {
      if (!this.#socket.destroyed) throw error;
    } finally {
      this.#socket.destroy();
    }
  }

  *#pieces(reader: FrameReader, chunk: Buffer): Generator<Piece, void, undefined> {
    try {
      yield* reader.read(chunk);
    } catch (error) {
      if (!(error instanceof FrameError)) throw error;
      yield { kind: "close", code: closeCodes.protocolError, reason: error.message };
    }
  }

  /** One message. Resolves once the client takes more; at once when it has gone. */
  async send(...parts: readonly Uint8Array[]): Promise<void> {
    const length = parts.reduce((sum, { length: one }) => sum + one, 0);
    await this.#write(binaryHeader(length), ...parts);
  }

  /** All has been sent. The client is cut if it does not close too. */
  close(code: number = closeCodes.normal, reason = ""): void {
    if (this.#isClosing) return;
    this.#isClosing = true;
    this.#socket.end(closeFrame(code, reason));
    const late = setTimeout(() => this.#socket.destroy(), closeMs);
    void this.closed.then(() => clearTimeout(late));
  }

  async #flushed(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    if (this.#socket.writableFinished) resolve();
    this.#socket.once("finish", resolve).once("close", resolve);
    await promise;
  }

  async #write(...parts: readonly Uint8Array[]): Promise<void> {
    const socket = this.#socket;
    if (!socket.writable || this.#isClosing) return;
    socket.cork();
    const isTaken = parts.map((part) => socket.write(part)).at(-1);
    socket.uncork();
    if (isTaken) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const settle = () => {
      socket.off("drain", settle).off("close", settle);
      resolve();
    };
    socket.on("drain", settle).on("close", settle);
    await promise;
  }
}
