// The agent as a service whose reconcile loop hangs: that is named, systemd restarts the agent, and nothing that runs notices.

import { expect, test } from "bun:test";
import { chmod, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { faultyExecutable } from "../e2e/executable.ts";
import { Machine, run } from "../e2e/machine.ts";
import { manifest } from "../e2e/manifest.ts";
import { tempDir } from "../temp-dir.ts";
import { waitUntil } from "../wait-until.ts";

const image = "example.com/busybox:1.35.0";
const unit = "hanging-agent.service";
/** Of the agent's own look; a good one of two pods takes a tenth of it. */
const hungMs = 5000;

/** `systemd-run` stays for as long as the service does. */
const asService = [
  ...["systemd-run", "--quiet", "--wait", `--unit=${unit}`, `--setenv=FAULT_HUNG_MS=${hungMs}`],
  ...["Type=notify", "WatchdogSec=2", "Restart=always"].map((property) => `--property=${property}`),
  "--",
];

test("a look that hangs is named before systemd kills the agent, and the pods stay", async () => {
  await using dir = await tempDir();
  const rktPath = `${dir.path}/rkt`;
  const once = `${dir.path}/hang-once`;
  const rkt = join(import.meta.dir, "../fakes/recorded-rkt");
  const hang = `case " $* " in *" list "*) rm ${once} 2>/dev/null && exec sleep 1000000 ;; esac`;
  await writeFile(rktPath, `#!/bin/sh\n${hang}\nexec ${rkt} "$@"\n`);
  await chmod(rktPath, 0o755);
  await using machine = await Machine.create({
    executable: faultyExecutable,
    wrapper: asService,
    rktPath,
    flags: [`--rkt-dir=${dir.path}/data`],
  });
  await using _service = {
    [Symbol.asyncDispose]: async () => void (await run("systemctl", "stop", unit)),
  };
  await machine.startAgent();
  await machine.write("web.yaml", manifest("web", { image }));
  await machine.waitForReady("web");
  const units = await machine.runningUnits();
  expect([units.size, await restarts()]).toEqual([1, 0]);

  await writeFile(once, "");
  await machine.write("more.yaml", manifest("more", { image }));
  await waitUntil("systemd to restart it", async () => (await restarts()) === 1, 30_000);
  await waitUntil("it to answer", async () => (await machine.get("/readyz").catch(() => undefined))?.ok);
  await machine.waitForReady("more");
  const running = await machine.runningUnits();
  for (const [name, invocation] of units) expect(running.get(name)).toBe(invocation);
  expect([running.size, await restarts()]).toEqual([2, 1]);

  const journal = await run("journalctl", "--no-pager", "--output=cat", `--unit=${unit}`);
  expect(journal.match(/hung; .* what="the look at rkt and systemd has not ended|Watchdog timeout/g)).toEqual(
    [
      'hung; systemd will restart the agent what="the look at rkt and systemd has not ended',
      "Watchdog timeout",
    ],
  );
}, 90_000);

async function restarts(): Promise<number> {
  return Number(await run("systemctl", "show", "--value", "--property=NRestarts", unit));
}
