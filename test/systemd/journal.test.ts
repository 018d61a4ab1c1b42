import { describe, expect, test } from "bun:test";
import { readdir, readFile } from "node:fs/promises";
import type { UnitName } from "../../src/pod/names.ts";
import {
  decodeEntry,
  JournalError,
  type JournalQuery,
  lastMessages,
  readJournal,
} from "../../src/systemd/journal.ts";
import { waitUntil } from "../wait-until.ts";
import { never, run, runScript, type TestUnit, unitName, writeUnit } from "./unit.ts";

/** A unit that has written these lines and ended. */
async function written(script: string): Promise<TestUnit> {
  const unit = await runScript(script);
  run("journalctl", "--sync");
  return unit;
}

async function messages(query: Omit<JournalQuery, "signal" | "follow">): Promise<string[]> {
  const all: string[] = [];
  for await (const { message } of readJournal({ follow: false, signal: never, ...query })) all.push(message);
  return all;
}

async function processesOf(unit: UnitName): Promise<string[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const commands = pids.map((pid) => readFile(`/proc/${pid}/cmdline`, "latin1").catch(() => ""));
  return (await Promise.all(commands)).filter((command) => command.includes(`_SYSTEMD_UNIT=${unit}`));
}

/** Appends lines to a log as they are asked for, from within one unit. */
async function writer(): Promise<TestUnit & { write(line: string): Promise<void> }> {
  const fifo = `/tmp/${unitName()}`;
  run("mkfifo", fifo);
  const unit = await writeUnit(`[Service]\nExecStart=/bin/sh -c 'exec cat <>${fifo}'\n`);
  run("systemctl", "start", unit.name);
  return { ...unit, write: async (line) => void (await Bun.$`echo ${line} >${fifo}`) };
}

describe("the journal of a unit", () => {
  test("is what it wrote, in order, with time and origin", async () => {
    const before = BigInt(Date.now()) * 1000n;
    await using unit = await written("echo one; echo two >&2; echo; echo last");
    const entries = await Array.fromAsync(readJournal({ unit: unit.name, follow: false, signal: never }));
    expect(entries.map(({ message }) => message)).toEqual(
      ["one", "two", "", "last"].filter((line) => line !== ""),
    );
    for (const entry of entries) {
      expect(entry).toMatchObject({ priority: 6, transport: "stdout", isPartial: false });
      expect(entry.pid).toBeGreaterThan(1);
      expect(entry.realtimeUs).toBeGreaterThanOrEqual(before);
    }
    expect(new Set(entries.map(({ cursor }) => cursor)).size).toBe(entries.length);
  });

  test("is cut to its tail and to a time", async () => {
    await using unit = await written("echo one; echo two; sleep 0.05; echo three; echo four");
    const { name } = unit;
    expect(await messages({ unit: name, tailLines: 2 })).toEqual(["three", "four"]);
    expect(await messages({ unit: name, tailLines: 0 })).toEqual([]);
    expect(await messages({ unit: name, tailLines: 100 })).toHaveLength(4);
    const entries = await Array.fromAsync(readJournal({ unit: name, follow: false, signal: never }));
    const sinceMs = Number((entries[2]?.realtimeUs ?? 0n) / 1000n);
    expect(await messages({ unit: name, sinceMs })).toEqual(["three", "four"]);
    expect(await messages({ unit: name, sinceMs, tailLines: 1 })).toEqual(["four"]);
    expect(await messages({ unit: name, sinceMs: sinceMs + 3_600_000 })).toEqual([]);
    expect(await lastMessages(name, 3, never)).toEqual(["two", "three", "four"]);
  });

  test("of one that wrote nothing is empty", async () => {
    expect(await messages({ unit: unitName() })).toEqual([]);
    expect(await messages({ unit: unitName(), tailLines: 5 })).toEqual([]);
  });

  test("has bytes that are no text, escapes and long lines", async () => {
    await using unit = await written(
      'printf "a\\\\377b\\\\n\\\\033[1mbold\\\\033[m\\\\ttab\\\\n"; head -c 6000 /dev/zero | tr "\\\\0" x; echo',
    );
    expect(await messages({ unit: unit.name })).toEqual([
      "a\ufffdb",
      "\u001b[1mbold\u001b[m\ttab",
      "x".repeat(6000),
    ]);
  });

  test("says where a line was cut", async () => {
    await using unit = await written('head -c 100000 /dev/zero | tr "\\\\0" x; echo; echo end');
    const entries = await Array.fromAsync(readJournal({ unit: unit.name, follow: false, signal: never }));
    expect(entries.map(({ isPartial, message }) => [isPartial, message.length])).toEqual([
      [true, 48 * 1024],
      [true, 48 * 1024],
      [false, 100_000 - 96 * 1024],
      [false, 3],
    ]);
  });

  test("that cannot be read is an error", async () => {
    const entries = messages({ unit: unitName(), tailLines: -1 });
    await expect(entries).rejects.toThrow(JournalError);
    await expect(entries).rejects.toMatchObject({ exitCode: 1 });
  });
});

describe("a follower", () => {
  const after = { one: ["one"], none: [] as string[] };

  test.each([
    ["everything", {}, [...after.one, "two", "three"]],
    ["nothing of what was", { tailLines: 0 }, ["two", "three"]],
    ["the tail", { tailLines: 1 }, ["one", "two", "three"]],
  ])("hears %s, then what comes", async (_what, query, expected) => {
    await using unit = await writer();
    await unit.write("one");
    await waitUntil("the first line", async () => (await messages({ unit: unit.name })).length === 1);
    const abort = new AbortController();
    const heard: string[] = [];
    const entries = readJournal({ unit: unit.name, follow: true, signal: abort.signal, ...query });
    const reading = (async () => {
      for await (const { message } of entries) {
        heard.push(message);
        if (message === "two") await unit.write("three");
      }
    })();
    await waitUntil("journalctl", async () =>
      (await processesOf(unit.name)).some((command) => command.includes("--follow")),
    );
    await unit.write("two");
    await waitUntil("the lines", () => heard.includes("three"));
    abort.abort();
    await reading;
    expect(heard).toEqual(expected);
    expect(await processesOf(unit.name)).toEqual([]);
  });

  // journalctl 252 and 257 lose these with --lines=0 where nothing matched before.
  test.each([[0], [10], [undefined]])("with a tail of %p misses no first line", async (tailLines) => {
    await using unit = await writer();
    const entries = readJournal({ unit: unit.name, follow: true, tailLines, signal: never });
    const first = entries.next();
    await waitUntil("journalctl", async () => (await processesOf(unit.name)).length > 0);
    await unit.write("first");
    expect((await first).value).toMatchObject({ message: "first" });
    await entries.return();
    expect(await processesOf(unit.name)).toEqual([]);
  });

  test("that leaves its loop leaves no journalctl", async () => {
    await using unit = await written("echo one");
    for await (const { message } of readJournal({ unit: unit.name, follow: true, signal: never })) {
      expect(message).toBe("one");
      break;
    }
    expect(await processesOf(unit.name)).toEqual([]);
    const failing = async () => {
      for await (const _ of readJournal({ unit: unit.name, follow: true, signal: never }))
        throw new Error("mine");
    };
    await expect(failing()).rejects.toThrow("mine");
    expect(await processesOf(unit.name)).toEqual([]);
  });

  test("whose signal is aborted already starts none", async () => {
    const query = { unit: unitName(), follow: true, signal: AbortSignal.abort() };
    expect(await Array.fromAsync(readJournal(query))).toEqual([]);
  });

  test("that is slow slows journalctl down", async () => {
    await using unit = await written("seq -f %%02000.0f 20000");
    const count = await waitUntil("the lines", async () => {
      const last = await lastMessages(unit.name, 1, never);
      return Number(last[0] ?? 0) === 20_000 && Number(last[0]);
    });
    const entries = readJournal({ unit: unit.name, follow: false, signal: never });
    await entries.next();
    const [command] = await processesOf(unit.name);
    expect(command).toBeDefined();
    const heap = process.memoryUsage().rss;
    let read = 1;
    while (read < 1000 && !(await entries.next()).done) read++;
    expect(process.memoryUsage().rss - heap).toBeLessThan(16 * 1024 * 1024);
    expect(await processesOf(unit.name)).toHaveLength(1); // it waits for us
    for await (const _ of entries) read++;
    expect(read).toBe(count);
  }, 30_000);
});

test("a field that comes several times, or is missing, does not hurt", () => {
  const entry = { __REALTIME_TIMESTAMP: "1", __CURSOR: "c" };
  expect(decodeEntry(JSON.stringify(entry))).toEqual({
    message: "",
    realtimeUs: 1n,
    pid: undefined,
    priority: 6,
    transport: "",
    cursor: "c",
    isPartial: false,
  });
  const several = { ...entry, MESSAGE: [[104, 105], "b"], PRIORITY: ["3", "4"], _PID: "7" };
  expect(decodeEntry(JSON.stringify(several))).toMatchObject({ message: "hi", priority: 3, pid: 7 });
  expect(decodeEntry(JSON.stringify({ ...entry, MESSAGE: null }))).toMatchObject({ message: "" });
});
