// Invariant: nothing polls, and nothing is written while nothing changes.

import { expect, test } from "bun:test";
import { readFile } from "node:fs/promises";
import { waitUntil } from "../wait-until.ts";
import { Machine } from "./machine.ts";
import { manifest } from "./manifest.ts";
import { reloads } from "./reloads.ts";

const idleMs = 20_000;
/** What is still to do after a start is done without a longer pause. */
const quietMs = 3000;
const cpuMsMost = 500;

test("an agent with three pods at rest looks at nothing, runs nothing and writes nothing", async () => {
  await using machine = await Machine.create({ flags: ["--debug"] });
  await machine.startAgent();
  const names = ["one", "two", "three"];
  const scripts = { main: "exec sleep 100000" };
  for (const name of names)
    await machine.write(`${name}.yaml`, manifest(name, { image: machine.image, scripts }));
  for (const name of names) await machine.waitForReady(name);
  await untilQuiet(machine);

  const start = `${machine.path}/idle-since`;
  await Bun.write(start, "");
  const before = await look(machine);
  await Bun.sleep(idleMs); // not a wait for something
  const after = await look(machine);
  const places = [machine.path, "/run/systemd/system", "/run/gantry-network"];
  const written = Bun.$`find ${places} -newercc ${start} -not -path ${start}`.quiet().nothrow();

  const { cpuMs: cpuMsBefore, ...seenBefore } = before;
  const { cpuMs, ...seen } = after;
  expect(seen).toEqual(seenBefore);
  expect(await written.text()).toBe("");
  expect(cpuMs - cpuMsBefore).toBeLessThan(cpuMsMost);
});

/** Nothing is logged, and each look at the machine is. */
async function untilQuiet(machine: Machine): Promise<void> {
  let { log } = machine;
  let sinceMs = performance.now();
  await waitUntil(
    "nothing to be left to do",
    () => {
      if (machine.log !== log) sinceMs = performance.now();
      ({ log } = machine);
      return performance.now() - sinceMs > quietMs;
    },
    45_000,
  );
}

async function look(machine: Machine) {
  const pid = machine.agentPid;
  const text = (name: string) => readFile(`/proc/${pid}/${name}`, "utf8");
  const stat = await text("stat");
  // From the state on (proc_pid_stat(5)), times in ticks.
  const fields = stat
    .slice(stat.lastIndexOf(")") + 2)
    .split(" ")
    .map(Number);
  return {
    log: machine.log,
    writtenBytes: Number(/^write_bytes: (\d+)/m.exec(await text("io"))?.[1]),
    /** Page faults of programs that it ran and that have ended: not even the least does without. */
    childFaults: fields[8],
    children: await text(`task/${pid}/children`),
    reloads: await reloads(),
    units: [...(await machine.runningUnits())],
    cpuMs: fields.slice(11, 15).reduce((sum, ticks) => sum + ticks * 10, 0),
  };
}
