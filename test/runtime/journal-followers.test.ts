// Many who follow what one unit writes: what each hears, how many journalctl there are for it, and what it costs who is slow.

import { describe, expect, test } from "bun:test";
import type { UnitName } from "../../src/pod/names.ts";
import { JournalFollowers } from "../../src/runtime/journal-followers.ts";
import type { JournalMatch, JournalStart } from "../../src/systemd/journal.ts";
import { never, run, startReader, type TestUnit } from "../systemd/unit.ts";
import { waitUntil } from "../wait-until.ts";

const of = (unit: UnitName): JournalMatch => ({ units: [unit] });

/** Runs what it is told, in one unit. */
async function writer(): Promise<TestUnit & { tell(script: string): void }> {
  const unit = await startReader("sh", "LogRateLimitIntervalSec=0");
  return { ...unit, tell: (script) => run("sh", "-c", `echo '${script}' >${unit.fifo}`) };
}

const countOf = (unit: UnitName, option: string) =>
  run("pgrep", "-fc", "--", `journalctl.*${option}.*_SYSTEMD_UNIT=${unit}`).trim();

interface Follower {
  readonly heard: string[];
  readonly done: Promise<void>;
  leave(): void;
  end(): void;
}

function follower(followers: JournalFollowers, unit: UnitName, start?: JournalStart): Follower {
  const [leave, ended] = [new AbortController(), new AbortController()];
  const heard: string[] = [];
  const batches = followers.follow(of(unit), { start, signal: leave.signal, ended: ended.signal });
  const done = (async () => {
    for await (const entries of batches) heard.push(...entries.map(({ message }) => message));
  })();
  return { heard, done, leave: () => leave.abort(), end: () => ended.abort() };
}

const numbers = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, at) => String(from + at));

describe("followers of one unit", () => {
  test("share one journalctl, hear all of it once, and leave none behind", async () => {
    await using unit = await writer();
    const followers = new JournalFollowers();
    const early = Array.from({ length: 20 }, () => follower(followers, unit.name));
    unit.tell("seq 1 100");
    await waitUntil("the first lines", () => early.every(({ heard }) => heard.length === 100));
    const late = Array.from({ length: 20 }, () => follower(followers, unit.name));
    unit.tell("seq 101 200");
    const all = [...early, ...late];
    await waitUntil("all lines", () => all.every(({ heard }) => heard.length >= 200));
    expect(countOf(unit.name, "--follow")).toBe("1");
    for (const { heard } of all) expect(heard).toEqual(numbers(1, 200));
    for (const { leave } of all) leave();
    await Promise.all(all.map(({ done }) => done));
    await waitUntil("journalctl to go", () => countOf(unit.name, "") === "0");
  });

  test("that come while it writes miss nothing and hear nothing twice", async () => {
    await using unit = await writer();
    const followers = new JournalFollowers();
    unit.tell("for i in $(seq 1 3000); do echo $i; done");
    const all: Follower[] = [];
    for (let count = 0; count < 12; count++) {
      all.push(follower(followers, unit.name));
      await Bun.sleep(count * 7); // at different moments of it
    }
    await waitUntil("all lines", () => all.every(({ heard }) => heard.length >= 3000));
    for (const { heard, leave } of all) {
      leave();
      expect(heard).toEqual(numbers(1, 3000));
    }
    await Promise.all(all.map(({ done }) => done));
  });

  test("begin where they want to", async () => {
    await using unit = await writer();
    const followers = new JournalFollowers();
    unit.tell("seq 1 10");
    const from = async (start: JournalStart, count: number) => {
      const one = follower(followers, unit.name, start);
      await waitUntil("its lines", () => one.heard.length === count);
      one.leave();
      await one.done;
      return one.heard;
    };
    expect(await from(undefined, 10)).toEqual(numbers(1, 10));
    expect(await from({ kind: "tail", lines: 3 }, 3)).toEqual(numbers(8, 10));
    const ahead = follower(followers, unit.name, {
      kind: "since",
      realtimeUs: (Date.now() + 3_600_000) * 1000,
    });
    await waitUntil("it to wait", () => countOf(unit.name, "--follow") === "1");
    unit.tell("echo more");
    await waitUntil("the next line", () => ahead.heard.length === 1);
    ahead.leave();
  });

  test("of what has ended read the rest and need no journalctl that follows", async () => {
    await using unit = await writer();
    const followers = new JournalFollowers();
    const live = follower(followers, unit.name);
    unit.tell("seq 1 100; exit");
    await waitUntil("the end", () => run("systemctl", "is-active", unit.name).trim() === "inactive");
    run("journalctl", "--sync");
    live.end();
    await live.done;
    expect(live.heard).toEqual(numbers(1, 100));
    const after = follower(followers, unit.name);
    after.end();
    await after.done;
    expect(after.heard).toEqual(numbers(1, 100));
    await waitUntil("journalctl to go", () => countOf(unit.name, "") === "0");
  });

  test("that are slow get all of it, and cost little", async () => {
    await using unit = await writer();
    const followers = new JournalFollowers();
    const leave = new AbortController();
    const slow = followers.follow(of(unit.name), { start: undefined, signal: leave.signal, ended: never });
    const quick = follower(followers, unit.name);
    unit.tell("echo first");
    const heard = (await slow.next()).value?.map(({ message }) => message) ?? [];
    await waitUntil("the first line", () => quick.heard.length === 1);
    const before = process.memoryUsage().rss;
    unit.tell("seq -f %01000.0f 20000"); // 20 MB
    await waitUntil("the quick one", () => Number(quick.heard.at(-1)) === 20_000, 60_000);
    quick.heard.length = 0;
    Bun.gc(true);
    expect(process.memoryUsage().rss - before).toBeLessThan(60 * 1024 * 1024); // 20 MB of it was the quick one's
    while (Number(heard.at(-1)) !== 20_000)
      heard.push(...((await slow.next()).value ?? []).map(({ message }) => message));
    expect(heard.slice(1).map(Number)).toEqual(numbers(1, 20_000).map(Number));
    quick.leave();
    leave.abort();
    await Promise.all([quick.done, slow.return()]);
    await waitUntil("journalctl to go", () => countOf(unit.name, "") === "0");
  }, 90_000);

  test("regression: one who had not noticed yet that journalctl failed kept it from who came later", async () => {
    await using unit = await writer();
    const followers = new JournalFollowers();
    const leave = new AbortController();
    const slow = followers.follow(of(unit.name), { start: undefined, signal: leave.signal, ended: never });
    unit.tell("echo one");
    await slow.next();
    const quick = follower(followers, unit.name);
    await waitUntil("a line", () => quick.heard.length === 1);
    run("pkill", "-KILL", "-f", `journalctl.*--follow.*${unit.name}`);
    await expect(quick.done).rejects.toThrow("Cannot read the journal");
    const late = follower(followers, unit.name);
    unit.tell("echo two");
    await waitUntil("the next line", () => late.heard.length === 2);
    expect(late.heard).toEqual(["one", "two"]);
    late.leave();
    await late.done;
    await expect(slow.next()).rejects.toThrow("Cannot read the journal");
    await waitUntil("journalctl to go", () => countOf(unit.name, "") === "0");
  });

  test("hear of it when journalctl fails", async () => {
    await using unit = await writer();
    const one = follower(new JournalFollowers(), unit.name);
    unit.tell("echo one");
    await waitUntil("a line", () => one.heard.length === 1);
    run("pkill", "-KILL", "-f", `journalctl.*${unit.name}`);
    await expect(one.done).rejects.toThrow("Cannot read the journal");
  });
});
