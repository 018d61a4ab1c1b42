// A connection to the system bus that comes back by itself.
//
//   connected ──closed──► waiting 100 ms … 5 s ──► connecting ──set up──► connected
//                             ▲                        │
//                             └────────failed──────────┘
//
// Invariant: what it was set up for (matches, subscriptions) holds whenever it is connected; each gap is told, at its begin and its end.

import { setTimeout as sleep } from "node:timers/promises";
import { errorChain } from "../host/error.ts";
import type { Log } from "../host/log.ts";
import { type BusCall, BusConnection, type BusSignal, type CallOptions } from "./bus.ts";
import { SystemdError } from "./systemd-error.ts";

export interface BusLinkOptions {
  readonly address: string;
  readonly log: Log;
  /** Done to every new connection before it counts as one. */
  readonly setUp: (bus: BusConnection, options: CallOptions) => Promise<void>;
  readonly onSignal: (signal: BusSignal) => void;
  /** The connection was lost, or is back: signals may be missing. */
  readonly onGap: () => void;
}

const connectTimeoutMs = 5000;
const delayMsMin = 100;
const delayMsMax = 5000;

export class BusLink implements AsyncDisposable {
  readonly #options: BusLinkOptions;
  readonly #disposed = new AbortController();
  #bus: BusConnection | undefined;
  #staying: Promise<void> = Promise.resolve();

  constructor(options: BusLinkOptions) {
    this.#options = options;
  }

  /** Connects for the first time; throws SystemdError if that fails. `signal` ends only this. */
  async start(signal: AbortSignal): Promise<void> {
    this.#staying = this.#stayConnected(await this.#connect(signal));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#disposed.abort();
    this.#bus?.close();
    await this.#staying;
  }

  get isConnected(): boolean {
    return this.#bus !== undefined;
  }

  /** Never waits for a connection: whoever asks is told of the next one, and asks again. */
  async call(call: BusCall, options: CallOptions): Promise<readonly unknown[]> {
    if (!this.#bus) throw new SystemdError("Not connected to D-Bus", { isDisconnected: true });
    return this.#bus.call(call, options);
  }

  /** Gives the connection up and makes a new one. */
  reconnect(why: string): void {
    this.#bus?.close(why);
  }

  async #connect(signal: AbortSignal): Promise<BusConnection> {
    const options = { timeoutMs: connectTimeoutMs, signal };
    const bus = await BusConnection.connect(this.#options.address, options);
    try {
      bus.onSignal(this.#options.onSignal);
      await this.#options.setUp(bus, options);
    } catch (error) {
      bus.close();
      throw error;
    }
    this.#bus = bus;
    if (this.#disposed.signal.aborted) bus.close(); // during the start
    return bus;
  }

  async #stayConnected(first: BusConnection): Promise<void> {
    const { log, onGap } = this.#options;
    for (let bus: BusConnection | undefined = first; bus; ) {
      const reason = await bus.closed;
      this.#bus = undefined;
      if (this.#disposed.signal.aborted) return;
      log.warn("Lost the connection to D-Bus", { error: errorChain(reason) });
      onGap();
      bus = await this.#connectAgain();
      if (!bus) return;
      log.info("Connected to D-Bus again");
      onGap();
    }
  }

  /** Undefined once disposed. */
  async #connectAgain(): Promise<BusConnection | undefined> {
    const { signal } = this.#disposed;
    for (let delayMs = delayMsMin; ; delayMs = Math.min(delayMs * 2, delayMsMax)) {
      try {
        await sleep(delayMs, undefined, { signal });
        return await this.#connect(signal);
      } catch (error) {
        if (signal.aborted) return undefined;
        this.#options.log.debug("Cannot connect to D-Bus", { error: errorChain(error) });
      }
    }
  }
}
