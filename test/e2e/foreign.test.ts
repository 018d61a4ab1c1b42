// Invariant 4: units and rkt pods that are not ours are left alone, however much they look like ours.

import { expect, test } from "bun:test";
import { writeFile } from "node:fs/promises";
import { waitUntil } from "../wait-until.ts";
import { executable } from "./executable.ts";
import { Machine, run } from "./machine.ts";
import { manifest } from "./manifest.ts";

test("a unit named like ours without [X-Gantry] and a pod made by hand survive a whole life beside them", async () => {
  await using machine = await Machine.create();
  const unit = "gantry-00000000-1111-2222-3333-444444444444.service";
  await writeFile(`/run/systemd/system/${unit}`, "[Service]\nExecStart=/bin/sleep 1000\n");
  await run("systemctl", "start", unit);
  const rkt = [await executable(), "rkt", `--dir=${machine.path}/state/rkt`, "--insecure-options=image"];
  const uuid = (await run(...rkt, "prepare", "--quiet", machine.image)).trim();

  await machine.startAgent();
  await machine.write("web.yaml", manifest("web", { image: machine.image }));
  await machine.waitForReady("web");
  expect((await machine.pods()).length).toBe(1);
  await machine.remove("web.yaml");
  await waitUntil("our pod to be gone", async () => (await machine.pods()).length === 0);
  await waitUntil(
    "its pod to be removed",
    async () => (await run(...rkt, "list", "--no-legend")).trim().split("\n").length === 1,
  );

  expect(await run("systemctl", "is-active", unit)).toBe("active\n");
  expect(await run(...rkt, "status", uuid)).toContain("state=prepared");
});
