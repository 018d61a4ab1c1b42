// One connection to a D-Bus message bus. The only user of dbus-next, and of that only the codec: its own connection throws garbage as an
// uncaught exception, leaves calls pending for ever when the daemon dies, and makes loading it three times as slow.
// Invariant: every call ends, by its answer, its deadline, its signal or the end of the connection.

import { createConnection, type Socket } from "node:net";
import { MessageType } from "dbus-next/lib/constants.js";
import { marshallMessage, messageToJsFmt } from "dbus-next/lib/marshall-compat.js";
import { type RawMessage, unmarshalMessages } from "dbus-next/lib/message.js";
import { Message } from "dbus-next/lib/message-type.js";
import { Variant } from "dbus-next/lib/variant.js";
import { socketPaths } from "./bus-address.ts";
import { ByteQueue } from "./byte-queue.ts";
import { fixedHeaderLength, messageLength, parseSignalHeader } from "./message-frame.ts";
import { SystemdError } from "./systemd-error.ts";

export interface BusCall {
  readonly destination: string;
  readonly path: string;
  readonly interface: string;
  readonly member: string;
  readonly signature?: string;
  readonly body?: readonly unknown[];
  /** The answer must have this signature, so that the caller knows what it holds. */
  readonly replySignature: string;
}

export interface BusSignal {
  /** A unique name, or `org.freedesktop.DBus`. */
  readonly sender: string;
  readonly path: string;
  readonly interface: string;
  readonly member: string;
  readonly signature: string;
  /** Decoded when asked for: most signals say enough by where they come from. */
  body(): readonly unknown[];
}

export interface CallOptions {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

interface PendingCall {
  readonly call: BusCall;
  readonly message: Buffer;
  resolve(body: readonly unknown[]): void;
  reject(error: SystemdError): void;
}

type DecodedMessage = ReturnType<typeof messageToJsFmt>;
type Received = DecodedMessage | { readonly signal: BusSignal };

/** The reference daemon refuses more than 128 calls without an answer (max_replies_per_connection, dbus-daemon(1)): the others wait here. */
const callsInFlightMax = 100;

const daemon = {
  destination: "org.freedesktop.DBus",
  path: "/org/freedesktop/DBus",
  interface: "org.freedesktop.DBus",
};

export class BusConnection {
  /** Why the connection ended, once it has. */
  readonly closed: Promise<SystemdError>;
  readonly #socket: Socket;
  readonly #input = new ByteQueue();
  readonly #codecInput = new ByteQueue();
  readonly #decoded: RawMessage[] = [];
  /** By serial, in the order of the calls. */
  readonly #unsent = new Map<number, PendingCall>();
  readonly #sent = new Map<number, PendingCall>();
  readonly #listeners = new Set<(signal: BusSignal) => void>();
  readonly #resolveClosed: (reason: SystemdError) => void;
  #closedBy: SystemdError | undefined;
  #isAuthenticated = false;
  #decode: () => void = () => undefined;
  #lastSerial = 0;

  /** `address` is a D-Bus server address: `unix:path=/run/dbus/system_bus_socket`. */
  static async connect(address: string, options: CallOptions): Promise<BusConnection> {
    let failure = new SystemdError(`Not the address of a unix socket: ${address}`, { isDisconnected: true });
    for (const path of socketPaths(address)) {
      const connection = new BusConnection(createConnection({ path }));
      try {
        await connection.call({ ...daemon, member: "Hello", replySignature: "s" }, options);
        return connection;
      } catch (error) {
        failure = new SystemdError(`Cannot connect to D-Bus at ${path}`, { isDisconnected: true }, error);
        connection.close();
        if (error instanceof SystemdError && error.isCanceled) throw error;
      }
    }
    throw failure;
  }

  private constructor(socket: Socket) {
    const { promise, resolve } = Promise.withResolvers<SystemdError>();
    this.closed = promise;
    this.#resolveClosed = resolve;
    this.#socket = socket;
    // The codec wants a stream. Told of each chunk from here instead, it throws in a place where that can be caught.
    unmarshalMessages(
      {
        on: (_event, readable) => {
          this.#decode = readable;
        },
        read: (bytes) => this.#codecInput.read(bytes),
      },
      (message) => this.#decoded.push(message),
    );
    socket.on("data", (chunk: Buffer) => this.#receive(chunk));
    socket.on("error", (error) => this.#end("D-Bus connection failed", error));
    // A clean end of the daemon gives no error, a killed one no end: close comes with both.
    socket.on("close", () => this.#end("D-Bus connection closed"));
    // All at once, as sd-bus does; the daemon's refusal, should there be one, comes as the first line.
    const uid = Buffer.from(String(process.getuid?.() ?? 0)).toString("hex");
    socket.write(`\0AUTH EXTERNAL ${uid}\r\nBEGIN\r\n`);
  }

  /** The body of the answer. Throws SystemdError. */
  call(call: BusCall, options: CallOptions): Promise<readonly unknown[]> {
    if (this.#closedBy) return Promise.reject(this.#closedBy);
    if (options.signal?.aborted) return Promise.reject(canceled(call));
    this.#lastSerial = (this.#lastSerial % 0xffff_ffff) + 1;
    const serial = this.#lastSerial;
    const [message] = marshallMessage(new Message({ ...call, body: [...(call.body ?? [])], serial }));
    const { promise, resolve, reject } = Promise.withResolvers<readonly unknown[]>();
    this.#unsent.set(serial, { call, message, resolve, reject });
    this.#send();
    const abort = () => reject(canceled(call));
    const timer = setTimeout(
      () => reject(new SystemdError(`${call.member}: no answer in time`, { isTimeout: true })),
      options.timeoutMs,
    );
    options.signal?.addEventListener("abort", abort, { once: true });
    return promise.finally(() => {
      this.#unsent.delete(serial);
      this.#sent.delete(serial);
      this.#send();
      clearTimeout(timer);
      options.signal?.removeEventListener("abort", abort);
    });
  }

  /** Asks for signals by a match rule (D-Bus Specification, "Match Rules"). */
  async addMatch(rule: string, options: CallOptions): Promise<void> {
    await this.call(
      { ...daemon, member: "AddMatch", signature: "s", body: [rule], replySignature: "" },
      options,
    );
  }

  /** Calls `listener` for every signal, in the order of arrival, answers to calls included in that order. */
  onSignal(listener: (signal: BusSignal) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  close(why = "D-Bus connection closed by us"): void {
    this.#end(why);
  }

  #send(): void {
    for (const [serial, pending] of this.#unsent) {
      if (this.#closedBy || this.#sent.size >= callsInFlightMax) return;
      this.#unsent.delete(serial);
      this.#sent.set(serial, pending);
      this.#socket.write(pending.message);
    }
  }

  #receive(chunk: Buffer): void {
    if (this.#closedBy) return;
    let received: readonly Received[];
    try {
      this.#input.push(chunk);
      if (!this.#isAuthenticated && !this.#authenticate()) return;
      received = this.#takeMessages();
    } catch (error) {
      this.#end("D-Bus connection failed: not the D-Bus protocol", error);
      return;
    }
    for (const message of received) {
      if ("signal" in message) for (const listener of this.#listeners) listener(message.signal);
      else this.#answer(message);
    }
  }

  #takeMessages(): readonly Received[] {
    const messages: Received[] = [];
    for (;;) {
      const header = this.#input.peek(fixedHeaderLength);
      const bytes = header && this.#input.read(messageLength(header));
      if (bytes === null) return messages;
      const signal = parseSignalHeader(bytes);
      if (signal === undefined) messages.push(...this.#decodeWhole(bytes));
      else messages.push({ signal: { ...signal, body: () => this.#signalBody(bytes) } });
    }
  }

  #signalBody(bytes: Buffer): readonly unknown[] {
    try {
      return this.#decodeWhole(bytes)[0]?.body ?? [];
    } catch (error) {
      this.#end("D-Bus connection failed: not the D-Bus protocol", error);
      return [];
    }
  }

  /** One message, by the codec. */
  #decodeWhole(bytes: Buffer): readonly DecodedMessage[] {
    this.#codecInput.push(bytes);
    this.#decode();
    return this.#decoded.splice(0).map(messageToJsFmt);
  }

  #authenticate(): boolean {
    const line = this.#input.readLine();
    if (line === undefined) return false;
    if (!line.startsWith("OK ")) throw new Error(`authentication: ${line}`);
    this.#isAuthenticated = true;
    return true;
  }

  #answer(message: DecodedMessage): void {
    const pending = this.#sent.get(message.replySerial ?? 0);
    if (!pending) return; // it was not waited for any longer
    if (message.type === MessageType.ERROR) pending.reject(dbusError(message));
    else if (message.signature === pending.call.replySignature) pending.resolve(message.body);
    else {
      const { member } = pending.call;
      pending.reject(new SystemdError(`${member}: answered with "${message.signature}"`, {}));
    }
  }

  #end(message: string, cause?: unknown): void {
    if (this.#closedBy) return;
    const reason = new SystemdError(message, { isDisconnected: true }, cause);
    this.#closedBy = reason;
    for (const calls of [this.#sent, this.#unsent]) for (const { reject } of calls.values()) reject(reason);
    this.#socket.destroy();
    this.#resolveClosed(reason);
  }
}

/** The value in a variant, as deep as they are nested. */
export function variantValue(value: unknown): unknown {
  if (value instanceof Variant) return variantValue(value.value);
  return Array.isArray(value) ? value.map(variantValue) : value;
}

function canceled(call: BusCall): SystemdError {
  return new SystemdError(`${call.member}: canceled`, { isCanceled: true });
}

function dbusError({ errorName, body: [text] }: DecodedMessage): SystemdError {
  return new SystemdError(typeof text === "string" ? text : String(errorName), { dbusName: errorName });
}
