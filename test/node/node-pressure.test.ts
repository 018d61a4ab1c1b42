import { describe, expect, test } from "bun:test";
import type { Candidate } from "../../src/node/eviction.ts";
import { nodeConditions, transitionMs } from "../../src/node/node-condition.ts";
import { type KeptPressure, type LocalExcess, NodePressure } from "../../src/node/node-pressure.ts";
import type { Resource, Signal, SignalName } from "../../src/node/threshold.ts";
import type { PodEvent } from "../../src/pod/event.ts";
import { type PodKey, type PodUid, podKey } from "../../src/pod/names.ts";
import { FakeClock } from "../fakes/fake-clock.ts";
import { waitUntil } from "../wait-until.ts";

const second = 1000;
const quiet = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

/** Pods that use what their numbers say, on a machine whose signals a test sets. Each threshold is 100. */
function machine({ pods = {} as Record<string, number> } = {}) {
  const clock = new FakeClock();
  const live = new Set<PodKey>(Object.keys(pods).map((name) => podKey("default", name)));
  const signals = new Map<SignalName, Signal>();
  const events: PodEvent[] = [];
  const counted: string[] = [];
  const excesses: LocalExcess[] = [];
  const world = {
    ...{ reclaims: 0, changes: 0, measuring: Promise.resolve(), counting: Promise.resolve() },
    kept: undefined as KeptPressure | undefined,
  };
  const candidate = (name: string, used: number): Candidate => ({
    key: podKey("default", name),
    uid: name as PodUid,
    priority: 0,
    memory: { request: 0, used },
    disk: { request: 0, used },
    inodes: used,
    tasks: used,
    containers: [],
  });
  const pressure = new NodePressure({
    thresholds: (["memory.available", "nodefs.available", "pid.available"] as const).map((signal) => ({
      signal,
      limit: { amount: 100 },
    })),
    readSignals: () => signals,
    candidates: async (_resource: Resource) => {
      await world.measuring;
      return Object.entries(pods)
        .map(([name, used]) => candidate(name, used))
        .filter(({ key }) => live.has(key));
    },
    overLimit: async () => {
      await world.counting;
      return excesses;
    },
    isLive: (key) => live.has(key),
    reclaimDisk: async () => {
      world.reclaims += 1;
    },
    onChange: () => {
      world.changes += 1;
    },
    onEviction: (signal) => counted.push(signal),
    memory: {
      recall: async () => world.kept,
      keep: (kept) => {
        world.kept = kept;
      },
    },
    record: (event) => events.push(event),
    clock,
    timers: clock,
    log: quiet,
  });
  return {
    ...{ clock, live, signals, events, counted, excesses, world, pressure },
    set: (name: SignalName, available: number) => signals.set(name, { available, capacity: 1000 }),
    get evicted() {
      return [...pressure.shortage().evicted.keys()].map((key) => key.replace("default/", ""));
    },
    get present() {
      return nodeConditions(pressure.states).flatMap(({ type, status }) => (status === "True" ? [type] : []));
    },
  };
}

const message = (available: number, resource = "memory") =>
  `The node was low on resource: ${resource}. Threshold quantity: 100, available: ${available}.`;

test("nothing is short: nothing happens, and nobody is measured", async () => {
  const { pressure, clock, set, world, events } = machine({ pods: { a: 1 } });
  set("memory.available", 100);
  await pressure.start();
  clock.advance(10 * second);
  await pressure.look();
  expect(pressure.shortage()).toEqual({ evicted: new Map(), isDiskShort: false });
  expect([world.changes, events.length, clock.nextAlarmMs]).toEqual([0, 0, 10 * second]);
});

test("short of memory: the largest goes, and the next only once it is gone, then without waiting", async () => {
  const world = machine({ pods: { a: 1, b: 3, c: 2 } });
  const { pressure, clock, set, live, events, counted } = world;
  set("memory.available", 60);
  await pressure.start();
  await pressure.look();
  expect(pressure.shortage().evicted).toEqual(
    new Map([[podKey("default", "b"), { reason: "Evicted", message: message(60) }]]),
  );
  expect(events.map(({ reason, message }) => [reason, message])).toEqual([
    ["NodeHasInsufficientMemory", "Node status is now: NodeHasInsufficientMemory"],
    ["EvictionThresholdMet", "Attempting to reclaim memory"],
  ]);

  clock.advance(10 * second);
  await pressure.look();
  pressure.notePass();
  await pressure.look();
  expect(counted).toEqual(["memory.available"]); // it still runs
  live.delete(podKey("default", "b"));
  pressure.notePass();
  await pressure.look();
  expect(counted).toEqual(["memory.available", "memory.available"]);
  expect(machineState(world)).toEqual({ evicted: ["b", "c"], present: ["MemoryPressure"] });
});

const machineState = ({ evicted, present }: { evicted: string[]; present: string[] }) => ({
  evicted,
  present,
});

test("a victim that does not end keeps the next one only for a while", async () => {
  const world = machine({ pods: { a: 1, b: 3 } });
  world.set("memory.available", 60);
  await world.pressure.look();
  world.clock.advance(29 * second);
  await world.pressure.look();
  expect(world.evicted).toEqual(["b"]);
  world.clock.advance(1 * second);
  await world.pressure.look();
  expect(world.evicted).toEqual(["b", "a"]);
  await world.pressure.look(); // and there is nobody left to name
  expect(world.evicted).toEqual(["b", "a"]);
});

test("who was evicted stays away until the shortage has been over for the transition period", async () => {
  const world = machine({ pods: { a: 1 } });
  world.set("memory.available", 60);
  await world.pressure.look();
  world.live.clear();
  world.set("memory.available", 900);
  world.clock.advance(transitionMs - 1000);
  await world.pressure.look();
  expect(machineState(world)).toEqual({ evicted: ["a"], present: ["MemoryPressure"] });
  world.clock.advance(1000);
  await world.pressure.look();
  expect(machineState(world)).toEqual({ evicted: [], present: [] });
  expect(world.events.at(-1)).toMatchObject({ reason: "NodeHasSufficientMemory", type: "Normal" });
});

describe("short of disk:", () => {
  const later = async (world: ReturnType<typeof machine>) => {
    world.clock.advance(10 * second);
    await world.pressure.look();
  };

  test("garbage goes first, and if that is enough nobody else", async () => {
    const world = machine({ pods: { a: 1 } });
    world.set("nodefs.available", 60);
    await world.pressure.look();
    expect(machineState(world)).toEqual({ evicted: [], present: ["DiskPressure"] });
    expect(world.pressure.shortage().isDiskShort).toBe(true);
    world.set("nodefs.available", 500); // what was dead is gone meanwhile
    await later(world);
    await later(world);
    expect([world.evicted, world.world.reclaims]).toEqual([[], 1]);
  });

  test("else a pod, once garbage was looked for twice; and then first what that has left", async () => {
    const world = machine({ pods: { a: 1, b: 2 } });
    world.set("nodefs.available", 60);
    await world.pressure.look();
    await later(world);
    expect([world.evicted, world.world.reclaims]).toEqual([[], 2]);
    await later(world);
    expect([world.evicted, world.world.reclaims]).toEqual([["b"], 2]);
    world.live.delete(podKey("default", "b"));
    world.pressure.notePass();
    await world.pressure.look();
    expect([world.evicted, world.world.reclaims]).toEqual([["b"], 3]);
    await later(world);
    expect([world.evicted, world.world.reclaims]).toEqual([["b", "a"], 3]);
    expect(world.pressure.shortage().evicted.get(podKey("default", "b"))?.message).toBe(
      message(60, "ephemeral-storage"),
    );
  });

  test("a disk that somebody found full is short for a minute", () => {
    const { pressure, clock, world } = machine();
    pressure.noteDiskFull();
    expect([pressure.shortage().isDiskShort, world.changes]).toEqual([true, 1]);
    clock.advance(60 * second);
    expect(pressure.shortage().isDiskShort).toBe(false);
  });
});

test("who has more than its own limit goes at once, and comes back after the transition period", async () => {
  const world = machine({ pods: { a: 1, b: 2 } });
  const excess = 'Usage of EmptyDir volume "x" exceeds the limit "1Mi".';
  world.excesses.push({ key: podKey("default", "a"), signal: "emptydirfs.limit", message: excess });
  await world.pressure.look();
  expect(machineState(world)).toEqual({ evicted: ["a"], present: [] });
  expect(world.counted).toEqual(["emptydirfs.limit"]);
  world.excesses.length = 0;
  world.live.delete(podKey("default", "a"));
  world.clock.advance(transitionMs);
  await world.pressure.look();
  expect(world.evicted).toEqual([]);
});

test("to count what pods have on the disk holds up nothing else", async () => {
  const world = machine({ pods: { a: 1, b: 2 } });
  const counted = Promise.withResolvers<void>();
  world.world.counting = counted.promise;
  world.set("memory.available", 60);
  const look = world.pressure.look();
  await waitUntil("the largest to go", () => world.evicted.includes("b"));
  world.live.delete(podKey("default", "b"));
  world.pressure.notePass();
  await waitUntil("the next to go", () => world.evicted.includes("a"));
  counted.resolve();
  await look;
});

test("nobody goes for what was over by the time that all were measured", async () => {
  const world = machine({ pods: { a: 1 } });
  const measured = Promise.withResolvers<void>();
  world.world.measuring = measured.promise;
  world.set("memory.available", 60);
  const look = world.pressure.look();
  world.set("memory.available", 500);
  measured.resolve();
  await look;
  expect(world.evicted).toEqual([]);
});

describe("the next agent", () => {
  /** Of a first one that has evicted a pod, for that. */
  async function kept(signal: SignalName): Promise<KeptPressure> {
    const first = machine({ pods: { a: 1 } });
    first.set(signal, 60);
    await first.pressure.look();
    for (let reclaims = 0; reclaims < 3; reclaims++) await first.pressure.look();
    expect(first.evicted).toEqual(["a"]);
    return JSON.parse(JSON.stringify(first.world.kept)) as KeptPressure;
  }

  test.each(["memory.available", "nodefs.available"] as const)(
    "keeps away whom the first one evicted for %s until the transition period is over",
    async (signal) => {
      const world = machine({ pods: { b: 1 } });
      world.set(signal, 500);
      world.world.kept = await kept(signal);
      await world.pressure.start();
      expect([world.evicted, world.events]).toEqual([["a"], []]);
      world.clock.advance(transitionMs);
      await world.pressure.look();
      expect(machineState(world)).toEqual({ evicted: [], present: [] });
    },
  );
});

test("other thresholds count from when they are set, and those of before no more", async () => {
  const world = machine({ pods: { a: 1 } });
  world.set("memory.available", 60);
  await world.pressure.look();
  expect(world.evicted).toEqual(["a"]);
  world.pressure.setThresholds([{ signal: "memory.available", limit: { share: 0.05 } }]);
  await world.pressure.look();
  expect(machineState(world)).toEqual({ evicted: [], present: [] });
  expect(world.events.at(-1)?.reason).toBe("NodeHasSufficientMemory");
});

test("it looks every ten seconds, until it is disposed of", async () => {
  const world = machine({ pods: { a: 1 } });
  await world.pressure.start();
  world.set("memory.available", 60);
  world.clock.advance(10 * second);
  await waitUntil("the look", () => world.evicted.length === 1);
  world.pressure[Symbol.dispose]();
  expect(world.clock.nextAlarmMs).toBeUndefined();
});
