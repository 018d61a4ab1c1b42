// What was refused, in the agent's log: but not more of it than a person reads, as anybody who can connect can have it written.

import type { Clock } from "../host/clock.ts";
import type { Log, LogFields } from "../host/log.ts";

const windowMs = 1000;
const perWindow = 20;

export class RefusalLog {
  readonly #log: Log;
  readonly #clock: Pick<Clock, "wallMs">;
  #windowStartMs = 0;
  #count = 0;

  constructor(log: Log, clock: Pick<Clock, "wallMs">) {
    this.#log = log;
    this.#clock = clock;
  }

  note(fields: LogFields): void {
    const nowMs = this.#clock.wallMs();
    if (Math.abs(nowMs - this.#windowStartMs) >= windowMs) {
      const left = this.#count - perWindow;
      if (left > 0) this.#log.info("refused more, which is not listed", { count: left });
      this.#windowStartMs = nowMs;
      this.#count = 0;
    }
    this.#count += 1;
    if (this.#count <= perWindow) this.#log.info("refused", fields);
  }
}
