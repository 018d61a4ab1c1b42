// The agent as systemd sees it: ready, reloading, alive, and in one line how it is.
// Invariant: whatever happens to the configuration or to a check, the pods run on; only what hangs is left for systemd to end.

import { ConfigError } from "./config/config-error.ts";
import type { LiveConfig } from "./config/live-config.ts";
import type { Log } from "./host/log.ts";
import type { Notifier } from "./systemd/notify.ts";

export interface ServiceOptions {
  readonly notifier: Notifier;
  readonly config: LiveConfig;
  readonly log: Log;
  /** What hangs so that only a restart would mend it, one line; undefined: nothing does. */
  readonly hung: () => string | undefined;
  /** How often systemd wants to hear that nothing hangs; undefined: never. */
  readonly watchdogMs: number | undefined;
  /** The configuration was read again, and something of it has changed. */
  readonly onReload: () => void;
}

export class Service implements Disposable {
  readonly #options: ServiceOptions;
  readonly #timer: NodeJS.Timeout | undefined;
  #summary = "starting";
  #hung: string | undefined;
  #reloading: Promise<void> = Promise.resolve();

  constructor(options: ServiceOptions) {
    this.#options = options;
    if (options.watchdogMs !== undefined) this.#timer = setInterval(() => this.#feed(), options.watchdogMs);
  }

  ready(): void {
    this.#options.notifier.ready();
  }

  stopping(): void {
    this.#options.notifier.stopping();
  }

  /** How it is, for `systemctl status`. */
  summarize(summary: string): void {
    if (summary === this.#summary) return;
    this.#summary = summary;
    this.#tell();
  }

  /** Reads the configuration again; one after the other. */
  reload(): Promise<void> {
    const reloading = this.#reloading.then(() => this.#reload());
    this.#reloading = reloading.catch(() => undefined);
    return reloading;
  }

  async #reload(): Promise<void> {
    const { notifier, config, log, onReload } = this.#options;
    notifier.reloading();
    try {
      const { changed, needsRestart } = await config.reload();
      log.info("configuration reloaded", { changed: changed.join(",") || "nothing" });
      if (needsRestart.length > 0)
        log.warn("some of the configuration needs a restart (systemctl restart gantry)", {
          settings: needsRestart.join(","),
        });
      if (changed.length > 0) onReload();
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      for (const problem of error.problems)
        log.error("configuration refused, the old one stays", { error: problem });
    } finally {
      this.#tell();
      notifier.ready();
    }
  }

  /** What hangs is named before systemd, not hearing of us any more, ends us. */
  #feed(): void {
    const { notifier, log, hung } = this.#options;
    const before = this.#hung;
    this.#hung = hung();
    if (this.#hung === undefined) notifier.watchdog();
    if ((this.#hung === undefined) === (before === undefined)) return;
    if (this.#hung !== undefined) log.error("hung; systemd will restart the agent", { what: this.#hung });
    this.#tell();
  }

  #tell(): void {
    const { notifier, config } = this.#options;
    const { problem } = config;
    const parts = [this.#summary, ...(problem === undefined ? [] : [`configuration ${problem}`])];
    notifier.status(this.#hung === undefined ? parts.join("; ") : `hung: ${this.#hung}`);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}
