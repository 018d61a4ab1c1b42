// What a service tells systemd about itself (sd_notify(3)).
// Invariant: it never waits and never fails: where nobody listens, or not fast enough, nothing is said.

import { monotonicUs, sendDatagram } from "../host/libc.ts";

export interface Notifier {
  /** Started, or done with reloading. */
  ready(): void;
  /** To be followed by ready(). */
  reloading(): void;
  stopping(): void;
  /** One line for `systemctl status`. */
  status(text: string): void;
  watchdog(): void;
}

/**
 * $NOTIFY_SOCKET, which is gone from the environment then: nothing that we start is to speak for us, as systemd's own tools do of an error
 * (ERRNO=).
 */
export function takeNotifySocket(env: Record<string, string | undefined>): string | undefined {
  const { NOTIFY_SOCKET: socket } = env;
  delete env.NOTIFY_SOCKET;
  return socket;
}

/** `socket` is $NOTIFY_SOCKET: a path, or `@` and an abstract name; undefined where systemd did not start us. */
export function createNotifier(socket: string | undefined): Notifier {
  const send = (...lines: readonly string[]) => {
    if (socket === undefined || !/^[/@]/.test(socket)) return;
    try {
      sendDatagram(socket.replace(/^@/, "\0"), lines.join("\n"));
    } catch {
      // A missed WATCHDOG=1 or READY=1 has consequences that systemd reports itself.
    }
  };
  return {
    ready: () => send("READY=1"),
    reloading: () => send("RELOADING=1", `MONOTONIC_USEC=${monotonicUs()}`),
    stopping: () => send("STOPPING=1"),
    status: (text) => send(`STATUS=${text.replaceAll("\n", " ")}`),
    watchdog: () => send("WATCHDOG=1"),
  };
}

/** How often to call watchdog(): half of what systemd allows (sd_watchdog_enabled(3)); undefined: it does not ask for it. */
export function watchdogIntervalMs(
  env: Readonly<Record<string, string | undefined>>,
  pid: number,
): number | undefined {
  const { WATCHDOG_USEC: period = "", WATCHDOG_PID: of = String(pid) } = env;
  return /^[1-9]\d*$/.test(period) && of === String(pid) ? Number(period) / 2000 : undefined;
}
