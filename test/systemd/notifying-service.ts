// The main process of a Type=notify unit: tells what the test's signals ask for.

import { createNotifier, watchdogIntervalMs } from "../../src/systemd/notify.ts";

const notifier = createNotifier(process.env.NOTIFY_SOCKET);
process.on("SIGHUP", () => {
  notifier.reloading();
  notifier.status("read\nagain");
});
process.on("SIGUSR1", () => notifier.ready());
process.on("SIGUSR2", () => notifier.watchdog());
process.on("SIGTERM", () => {
  notifier.stopping();
  notifier.status("stopping");
});
setInterval(() => undefined, 1000);
notifier.status(`watchdog every ${watchdogIntervalMs(process.env, process.pid)} ms`);
notifier.ready();
