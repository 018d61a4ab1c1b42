import { describe, expect, test } from "bun:test";
import { readdir, readFile } from "node:fs/promises";
import type { UnitName } from "../../src/pod/names.ts";
import type { JournalEntry } from "../../src/systemd/export-format.ts";
import {
  followJournal,
  JournalError,
  type JournalMatch,
  type JournalStart,
  lastCursor,
  lastMessages,
  readJournal,
} from "../../src/systemd/journal.ts";
import { waitUntil } from "../wait-until.ts";
import { never, run, runScript, startReader, type TestUnit, unitName, writeUnit } from "./unit.ts";

/** A unit that has written these lines and ended. */
async function written(script: string, settings = ""): Promise<TestUnit> {
  const unit = await runScript(script, settings);
  run("journalctl", "--sync");
  return unit;
}

const of = (unit: UnitName): JournalMatch => ({ units: [unit] });

async function entriesOf(unit: UnitName, start?: JournalStart): Promise<readonly JournalEntry[]> {
  return (await Array.fromAsync(readJournal(of(unit), start, never))).flat();
}

async function messages(unit: UnitName, start?: JournalStart): Promise<string[]> {
  return (await entriesOf(unit, start)).map(({ message }) => message);
}

async function processesOf(unit: UnitName): Promise<string[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const commands = pids.map((pid) => readFile(`/proc/${pid}/cmdline`, "latin1").catch(() => ""));
  return (await Promise.all(commands)).filter((command) => command.includes(`_SYSTEMD_UNIT=${unit}`));
}

/** Appends lines to a log as they are asked for, from within one unit. */
async function writer(): Promise<TestUnit & { write(line: string): Promise<void> }> {
  const unit = await startReader("cat");
  return { ...unit, write: async (line) => void (await Bun.$`echo ${line} >${unit.fifo}`) };
}

describe("the journal of a unit", () => {
  test("is what it wrote, in order, with time and origin", async () => {
    const before = Date.now() * 1000;
    await using unit = await written("echo one; echo two >&2; echo; echo last");
    const entries = await entriesOf(unit.name);
    expect(entries.map(({ message }) => message)).toEqual(["one", "two", "last"]); // journald keeps no empty lines
    for (const entry of entries) {
      expect(entry).toMatchObject({ priority: 6, transport: "stdout", isPartial: false, unit: unit.name });
      expect(entry.pid).toBeGreaterThan(1);
      expect(entry.realtimeUs).toBeGreaterThanOrEqual(before);
    }
    expect(new Set(entries.map(({ cursor }) => cursor)).size).toBe(entries.length);
  });

  test("is cut to its tail, to a time, and to what comes after an entry", async () => {
    await using unit = await written("echo one; echo two; sleep 0.05; echo three; echo four");
    const { name } = unit;
    expect(await messages(name, { kind: "tail", lines: 2 })).toEqual(["three", "four"]);
    expect(await messages(name, { kind: "tail", lines: 100 })).toHaveLength(4);
    const [, second, third, fourth] = await entriesOf(name);
    const since = (realtimeUs = 0) => messages(name, { kind: "since", realtimeUs });
    expect(await since(third?.realtimeUs)).toEqual(["three", "four"]);
    expect(await since((third?.realtimeUs ?? 0) + 3_600_000_000)).toEqual([]);
    expect(await messages(name, { kind: "after", cursor: second?.cursor ?? "" })).toEqual(["three", "four"]);
    expect(await messages(name, { kind: "after", cursor: fourth?.cursor ?? "" })).toEqual([]);
    expect(await lastCursor(of(name), never)).toBe(fourth?.cursor);
    expect(await lastMessages(name, 3, never)).toEqual(["two", "three", "four"]);
  });

  test("of one that wrote nothing is empty", async () => {
    expect(await messages(unitName())).toEqual([]);
    expect(await messages(unitName(), { kind: "tail", lines: 5 })).toEqual([]);
    expect(await lastCursor(of(unitName()), never)).toBeUndefined();
  });

  test("of a slice is that of all units in it", async () => {
    const slice = unitName().replaceAll("-", "_").replace(".service", ".slice") as UnitName;
    await using one = await written("echo one; sleep 0.2", `Slice=${slice}`);
    await using two = await written("echo two; sleep 0.2", `Slice=${slice}`);
    await using _other = await written("echo other");
    const match = { units: [one.name], slice };
    const entries = (await Array.fromAsync(readJournal(match, undefined, never))).flat();
    expect(entries.map(({ message, unit }) => [message, unit])).toEqual([
      ["one", one.name],
      ["two", two.name],
    ]);
  });

  test("tells what journald has dropped, and nobody else can tell that", async () => {
    await using unit = await writeUnit(
      "[Service]\nLogRateLimitIntervalSec=1\nLogRateLimitBurst=5\nExecStart=/bin/sh -c 'seq 1000; sleep 1.5; echo after; exec sleep 1000'\n",
    );
    const forged = { MESSAGE: "Suppressed 9 messages from me", OBJECT_SYSTEMD_UNIT: unit.name };
    const fields = JSON.stringify({ ...forged, MESSAGE_ID: "a596d6fe7bfa4994828e72309e95d61e" });
    const forger = Bun.spawn([process.execPath, `${import.meta.dir}/send-entry.ts`, fields]);
    await waitUntil(
      "the forged entry",
      () => run("journalctl", "--quiet", `OBJECT_SYSTEMD_UNIT=${unit.name}`) !== "",
    );
    forger.kill();
    run("systemctl", "start", unit.name);
    const entries = await waitUntil("the end", async () => {
      run("journalctl", "--sync");
      const found = await entriesOf(unit.name);
      return found.at(-1)?.message === "after" && found;
    });
    const told = entries.filter(({ transport }) => transport === "driver");
    expect(told).toHaveLength(1);
    expect(told[0]?.message).toMatch(/^Suppressed \d+ messages from /);
    expect(told[0]?.unit).toBe(unit.name);
    expect(entries.filter(({ message }) => message.includes("from me"))).toEqual([]);
  });

  test("has bytes that are no text, escapes and long lines", async () => {
    await using unit = await written(
      'printf "a\\\\377b\\\\n\\\\033[1mbold\\\\033[m\\\\ttab\\\\n"; head -c 6000 /dev/zero | tr "\\\\0" x; echo',
    );
    expect(await messages(unit.name)).toEqual(["a\ufffdb", "\u001b[1mbold\u001b[m\ttab", "x".repeat(6000)]);
  });

  test("says where a line was cut", async () => {
    await using unit = await written('head -c 100000 /dev/zero | tr "\\\\0" x; echo; echo end');
    const entries = await entriesOf(unit.name);
    expect(entries.map(({ isPartial, message }) => [isPartial, message.length])).toEqual([
      [true, 48 * 1024],
      [true, 48 * 1024],
      [false, 100_000 - 96 * 1024],
      [false, 3],
    ]);
  });

  test("that cannot be read is an error", async () => {
    const entries = messages(unitName(), { kind: "tail", lines: -1 });
    await expect(entries).rejects.toThrow(JournalError);
    await expect(entries).rejects.toMatchObject({ exitCode: 1 });
  });
});

describe("a follower", () => {
  test("hears what comes after an entry", async () => {
    await using unit = await writer();
    await unit.write("one");
    const cursor = await waitUntil("the first line", () => lastCursor(of(unit.name), never));
    const heard: string[] = [];
    for await (const entries of followJournal(of(unit.name), undefined, never)) {
      heard.push(...entries.map(({ message }) => message));
      if (heard.includes("one")) break;
    }
    const abort = new AbortController();
    const reading = (async () => {
      for await (const entries of followJournal(of(unit.name), cursor, abort.signal))
        heard.push(...entries.map(({ message }) => message));
    })();
    await unit.write("two");
    await waitUntil("it", () => heard.includes("two"));
    abort.abort();
    await reading;
    expect(heard).toEqual(["one", "two"]);
    expect(await processesOf(unit.name)).toEqual([]);
  });

  // journalctl 252 and 257 lose these with --lines where nothing matched before.
  test("misses no first line", async () => {
    await using unit = await writer();
    const batches = followJournal(of(unit.name), undefined, never);
    const first = batches.next();
    await waitUntil("journalctl", async () => (await processesOf(unit.name)).length > 0);
    await unit.write("first");
    expect((await first).value?.[0]).toMatchObject({ message: "first" });
    await batches.return();
    expect(await processesOf(unit.name)).toEqual([]);
  });

  test("that leaves its loop leaves no journalctl", async () => {
    await using unit = await written("echo one");
    const failing = async () => {
      for await (const _ of followJournal(of(unit.name), undefined, never)) throw new Error("mine");
    };
    await expect(failing()).rejects.toThrow("mine");
    expect(await processesOf(unit.name)).toEqual([]);
  });

  test("whose signal is aborted already starts none", async () => {
    expect(await Array.fromAsync(followJournal(of(unitName()), undefined, AbortSignal.abort()))).toEqual([]);
  });

  test("that is slow slows journalctl down", async () => {
    await using unit = await written("seq -f %%02000.0f 20000");
    const count = await waitUntil("the lines", async () => {
      const last = await lastMessages(unit.name, 1, never);
      return Number(last[0] ?? 0) === 20_000 && Number(last[0]);
    });
    const batches = readJournal(of(unit.name), undefined, never);
    let read = (await batches.next()).value?.length ?? 0;
    const [command] = await processesOf(unit.name);
    expect(command).toBeDefined();
    const heap = process.memoryUsage().rss;
    while (read < 1000) read += (await batches.next()).value?.length ?? 0;
    expect(process.memoryUsage().rss - heap).toBeLessThan(16 * 1024 * 1024);
    expect(await processesOf(unit.name)).toHaveLength(1); // it waits for us
    for await (const entries of batches) read += entries.length;
    expect(read).toBe(count);
  }, 30_000);
});
