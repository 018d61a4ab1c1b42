import { describe, expect, test } from "bun:test";
import { readFile } from "node:fs/promises";
import { runCommand } from "../../src/host/command.ts";
import { monotonicUs } from "../../src/host/libc.ts";
import { createNotifier, takeNotifySocket, watchdogIntervalMs } from "../../src/systemd/notify.ts";
import { tempDir } from "../temp-dir.ts";
import { waitUntil } from "../wait-until.ts";
import { run, writeUnit } from "./unit.ts";

const socketServer = `
  use Socket; $| = 1;
  socket(my $s, PF_UNIX, SOCK_DGRAM, 0) or die; bind($s, pack_sockaddr_un($ARGV[0] =~ s/^@/\\0/r)) or die; print "bound\\n";
  while (defined recv($s, my $m, 9999, 0)) { print "[$m]"; last if $m =~ /STOPPING/ }`;

describe("a notifier", () => {
  test.each(["@", "/"])("sends to a socket whose name begins with %s", async (start) => {
    await using dir = await tempDir();
    const socket = start === "@" ? `@${dir.path}` : `${dir.path}/notify`;
    const server = Bun.spawn(["perl", "-e", socketServer, socket], { stdout: "pipe" });
    const output = server.stdout.getReader();
    await output.read();
    const notifier = createNotifier(socket);
    const before = monotonicUs();
    notifier.ready();
    notifier.status("a\nb ü");
    notifier.watchdog();
    notifier.reloading();
    notifier.stopping();
    let text = "";
    for (let chunk = await output.read(); !chunk.done; chunk = await output.read())
      text += new TextDecoder().decode(chunk.value);
    const [, time = ""] = /MONOTONIC_USEC=(\d+)/.exec(text) ?? [];
    expect(text.replace(time, "T")).toBe(
      "[READY=1][STATUS=a b ü][WATCHDOG=1][RELOADING=1\nMONOTONIC_USEC=T][STOPPING=1]",
    );
    expect(Number(time)).toBeWithin(Number(before), Number(monotonicUs()) + 1);
  });

  test.each([undefined, "", "vsock:2:1", "/nowhere/notify", `@${"x".repeat(200)}`])(
    "does nothing where the socket is %p",
    (socket) => {
      createNotifier(socket).ready();
    },
  );

  test("tells systemd what a service does", async () => {
    const service = Bun.fileURLToPath(import.meta.resolve("./notifying-service.ts"));
    await using unit = await writeUnit(
      `[Service]\nType=notify\nWatchdogSec=20\nExecStart=${process.execPath} ${service}\n`,
    );
    const show = (property: string) =>
      run("systemctl", "show", "--value", `--property=${property}`, unit.name).trim();
    const kill = (signal: string) => run("systemctl", "kill", `--signal=${signal}`, unit.name);
    run("systemctl", "start", unit.name);
    expect([show("ActiveState"), show("StatusText")]).toEqual(["active", "watchdog every 10000 ms"]);
    const watchdog = show("WatchdogTimestampMonotonic");
    kill("USR2");
    await waitUntil("WATCHDOG=1", () => show("WatchdogTimestampMonotonic") !== watchdog);
    kill("HUP");
    await waitUntil("RELOADING=1", () => show("ActiveState") === "reloading");
    await waitUntil("STATUS=", () => show("StatusText") === "read again");
    kill("USR1");
    await waitUntil("READY=1", () => show("ActiveState") === "active");
    kill("TERM");
    await waitUntil("STOPPING=1", () => show("ActiveState") === "deactivating");
  });
});

test("the monotonic clock is the kernel's", async () => {
  const boot = Number((await readFile("/proc/uptime", "latin1")).split(" ")[0]);
  expect(Number(monotonicUs()) / 1e6).toBeLessThan(boot + 1); // less on a machine that slept
  const before = monotonicUs();
  expect(monotonicUs()).toBeGreaterThanOrEqual(before);
});

test("regression: a command that failed told systemd so in its service's name", async () => {
  const before = process.env.NOTIFY_SOCKET;
  try {
    process.env.NOTIFY_SOCKET = "/run/some.socket";
    expect(takeNotifySocket(process.env)).toBe("/run/some.socket");
    const limits = { timeoutMs: 10_000 };
    expect((await runCommand(["printenv"], limits)).stdout).not.toContain("NOTIFY_SOCKET");
    expect(takeNotifySocket(process.env)).toBeUndefined();
  } finally {
    if (before !== undefined) process.env.NOTIFY_SOCKET = before;
  }
});

describe("watchdogIntervalMs", () => {
  test.each([
    [{}, undefined],
    [{ WATCHDOG_USEC: "20000000" }, 10_000],
    [{ WATCHDOG_USEC: "20000000", WATCHDOG_PID: "7" }, 10_000],
    [{ WATCHDOG_USEC: "20000000", WATCHDOG_PID: "8" }, undefined],
    [{ WATCHDOG_USEC: "0" }, undefined],
    [{ WATCHDOG_USEC: "soon" }, undefined],
  ])("for %j is %p", (env, intervalMs) => {
    expect(watchdogIntervalMs(env, 7)).toBe(intervalMs);
  });
});
