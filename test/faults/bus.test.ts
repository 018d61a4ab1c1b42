// The D-Bus daemon goes away and comes back: nothing that runs notices, and the agent works on.

import { expect, test } from "bun:test";
import { Machine, run } from "../e2e/machine.ts";
import { manifest } from "../e2e/manifest.ts";

test("the D-Bus daemon restarted", async () => {
  await using machine = await Machine.create();
  await machine.startAgent();
  await machine.write("web.yaml", manifest("web", { image: machine.image }));
  await machine.waitForReady("web");
  const units = await machine.runningUnits();

  await run("systemctl", "kill", "--signal=KILL", "dbus.service");
  await run("systemctl", "restart", "dbus.service");
  await machine.write("more.yaml", manifest("more", { image: machine.image }));
  await machine.waitForReady("more");
  for (const [unit, invocation] of units) expect((await machine.runningUnits()).get(unit)).toBe(invocation);
});
