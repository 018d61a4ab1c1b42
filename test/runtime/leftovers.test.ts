import { describe, expect, test } from "bun:test";
import { mkdir, readdir, symlink, utimes, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { Leftovers } from "../../src/runtime/leftovers.ts";
import { StuckThings } from "../../src/runtime/stuck-things.ts";
import { FakeClock } from "../fakes/fake-clock.ts";
import { tempDir } from "../temp-dir.ts";

const uuid = "3b7f27cf-8a07-4d4b-9f2e-5a2d9f0f2a11";
const minute = 60_000;
const hour = 60 * minute;
const quiet = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

async function leftovers() {
  const dir = await tempDir();
  const clock = new FakeClock();
  const stuck = new StuckThings();
  const world = { sweeps: 0, complaints: [] as string[] };
  const it = new Leftovers({
    stateDir: `${dir.path}/state`,
    runDir: `${dir.path}/run`,
    unitDir: `${dir.path}/units`,
    removeOfRkt: async () => {
      world.sweeps += 1;
      return world.complaints;
    },
    stuck,
    clock,
    timers: clock,
    log: quiet,
  });
  return {
    ...{ it, clock, stuck, world, path: dir.path },
    async write(file: string, ageMs = 0) {
      const path = `${dir.path}/${file}`;
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, "");
      const at = new Date(clock.wallMs() - ageMs);
      await utimes(path, at, at);
    },
    async files() {
      const all = await readdir(dir.path, { recursive: true, withFileTypes: true });
      return all
        .filter((entry) => !entry.isDirectory())
        .map((entry) => `${entry.parentPath}/${entry.name}`.slice(dir.path.length + 1))
        .sort();
    },
    async [Symbol.asyncDispose]() {
      await it[Symbol.asyncDispose]();
      await dir[Symbol.asyncDispose]();
    },
  };
}

test("halves of files of ours go before anything is done, and nothing that looks like them", async () => {
  await using at = await leftovers();
  const ours = [
    "state/.fetched-images.tmp",
    "state/pods/uid-1/.manifest.json.tmp",
    "state/pods/uid-1/.etc-hosts.tmp",
    "state/pods/uid-1/pod-manifest.json",
    `units/.gantry-${uuid}.service.tmp`,
    "run/.something.tmp",
  ];
  const others = [
    "state/others.tmp",
    "state/pods/uid-1/manifest.json",
    "state/pods/uid-1/volumes/.pod's-own.tmp",
    "state/pods/.not a uid/.x.tmp",
    "units/.gantry-web.service.tmp",
    "units/.other.service.tmp",
    `units/gantry-${uuid}.service`,
    `state/pods/uid-1/finished-${uuid}.tmp`,
  ];
  for (const file of [...ours, ...others]) await at.write(file);
  await mkdir(`${at.path}/state/pods/uid-1/.directory.tmp`);
  await symlink(`${at.path}/state/pods/uid-1/manifest.json`, `${at.path}/state/.link.tmp`);
  await at.it.removeHalves();
  expect(await at.files()).toEqual(others.sort());
  await at.it.removeHalves(); // and where nothing is there
});

test("a marker that a pod's unit is writing is left, one that it never completed goes", async () => {
  await using at = await leftovers();
  const other = uuid.replace("3b", "4c");
  await at.write(`state/pods/uid-1/finished-${uuid}.tmp`, 2 * minute);
  await at.write(`state/pods/uid-1/finished-${other}.tmp`, minute / 2);
  await at.write("state/pods/uid-1/finished-mine.tmp", 2 * minute);
  await at.it.sweep();
  expect(await at.files()).toEqual([
    `state/pods/uid-1/finished-${other}.tmp`,
    "state/pods/uid-1/finished-mine.tmp",
  ]);
});

describe("sweeping", () => {
  test("waits for something to happen, and then for an hour at most", async () => {
    await using at = await leftovers();
    await at.it.sweep();
    expect([at.world.sweeps, at.clock.nextAlarmMs]).toEqual([1, undefined]);
    at.it.noteChange();
    at.clock.advance(hour / 2);
    at.it.noteChange();
    expect(at.clock.nextAlarmMs).toBe(hour / 2);
    at.clock.advance(hour / 2);
    await at.it.sweep();
    expect([at.world.sweeps, at.clock.nextAlarmMs]).toEqual([2, undefined]);
  });

  test("what is busy is tried again less and less often, and shown since the first time", async () => {
    await using at = await leftovers();
    at.world.complaints = [`cannot remove pod "${uuid}": /x is busy`];
    await at.it.sweep();
    const [first] = at.stuck.list();
    expect(first).toEqual({
      what: `leftovers: cannot remove pod "${uuid}": /x is busy`,
      why: `cannot remove pod "${uuid}": /x is busy`,
      sinceMs: at.clock.wallMs(),
    });
    const delays: (number | undefined)[] = [];
    for (let tries = 0; tries < 8; tries++) {
      delays.push(at.clock.nextAlarmMs);
      at.clock.advance(at.clock.nextAlarmMs ?? 0);
      await at.it.sweep();
    }
    expect(delays.map((ms) => (ms ?? 0) / minute)).toEqual([1, 2, 4, 8, 16, 32, 60, 60]);
    expect(at.stuck.list()).toEqual(first ? [first] : []);

    at.world.complaints = [];
    await at.it.sweep();
    expect([at.stuck.list(), at.clock.nextAlarmMs]).toEqual([[], undefined]);
  });

  test("is over when it is disposed of", async () => {
    const at = await leftovers();
    at.it.noteChange();
    await at[Symbol.asyncDispose]();
    at.it.noteChange();
    expect(at.clock.nextAlarmMs).toBeUndefined();
  });
});
