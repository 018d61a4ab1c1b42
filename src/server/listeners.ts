// The addresses at which the agent is asked.
// Invariant: a TCP address that another process has, or that the machine does not have yet, keeps the agent from nothing else: it is tried
// again until it can be had.

import type { Timers } from "../host/clock.ts";
import { errorChain } from "../host/error.ts";
import type { Answerer } from "./connection.ts";
import { ListenError, type ListenOptions, listen } from "./listen.ts";

const retryMs = 10_000;

export interface ListenersOptions extends ListenOptions {
  readonly app: Answerer;
  readonly timers: Timers;
}

interface Missing {
  readonly error: string;
  cancelRetry(): void;
}

export class Listeners implements AsyncDisposable {
  readonly #options: ListenersOptions;
  readonly #open = new AsyncDisposableStack();
  /** By address. */
  readonly #missing = new Map<string, Missing>();

  constructor(options: ListenersOptions) {
    this.#options = options;
  }

  /** Throws ListenError for what time does not mend. */
  async open(addresses: readonly string[]): Promise<void> {
    for (const address of addresses) {
      const error = await this.#try(address);
      if (error === undefined) continue;
      if (!error.isTemporary) throw error;
      this.#options.log.warn("An address cannot be had yet, and is tried again", {
        error: errorChain(error),
        retryMs,
      });
      this.#tryLater(address, error);
    }
  }

  /** One line; undefined when all are open. */
  get problem(): string | undefined {
    const errors = [...this.#missing.values()].map(({ error }) => error);
    return errors.length === 0 ? undefined : errors.join("; ");
  }

  async #try(address: string): Promise<ListenError | undefined> {
    const { app, log } = this.#options;
    try {
      const listener = await listen(app, address, this.#options);
      if (this.#open.disposed) await listener[Symbol.asyncDispose]();
      else {
        this.#open.use(listener);
        log.info("listening", { address: listener.address });
      }
      return undefined;
    } catch (error) {
      if (error instanceof ListenError) return error;
      throw error;
    }
  }

  #tryLater(address: string, why: ListenError): void {
    const again = async () => {
      const error = await this.#try(address);
      if (error === undefined) this.#missing.delete(address);
      else if (!this.#open.disposed) this.#tryLater(address, error);
    };
    const cancelRetry = this.#options.timers.after(retryMs, () => void again());
    this.#missing.set(address, { error: errorChain(why), cancelRetry });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { cancelRetry } of this.#missing.values()) cancelRetry();
    await this.#open.disposeAsync();
  }
}
