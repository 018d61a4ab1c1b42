// A container's lines out of a real journal: of an app's own unit, and out of the console of a real rkt's pod.

import { describe, expect, test } from "bun:test";
import { randomUUID } from "node:crypto";
import {
  appUnitName,
  type ImageId,
  type PodUid,
  podSliceName,
  podUnitName,
  type RktUuid,
} from "../../src/pod/names.ts";
import type { Revision } from "../../src/pod/observed-pod.ts";
import type { PodLog, PodLogQuery } from "../../src/pod/pod-log.ts";
import { type ChangedPod, type LoggedPods, PodLogs } from "../../src/runtime/pod-logs.ts";
import { baseRevision } from "../reconcile/base-world.ts";
import { run, writeUnit } from "../systemd/unit.ts";
import { waitUntil } from "../wait-until.ts";

const pod = {
  metadata: { uid: "0123456789abcdef0123456789abcdef" },
  spec: { containers: [{ name: "main" }, { name: "side" }], initContainers: [{ name: "init" }] },
  status: {
    containerStatuses: [{ name: "main", state: { waiting: { reason: "ErrImagePull" } } }, { name: "side" }],
  },
};

/** A status that a test changes. */
class Pods implements LoggedPods {
  current: Revision | undefined;
  previous: Revision | undefined;
  isThere = true;
  readonly #listeners = new Set<(change: ChangedPod) => void>();

  constructor(current: Revision | undefined, previous?: Revision) {
    this.current = current;
    this.previous = previous;
  }

  get(): typeof pod | undefined {
    return this.isThere ? pod : undefined;
  }

  revisionsOf() {
    return { current: this.current, previous: this.previous };
  }

  subscribe(listener: (change: ChangedPod) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  get listenerCount(): number {
    return this.#listeners.size;
  }

  change(next: Partial<Pick<Pods, "current" | "previous" | "isThere">>): void {
    Object.assign(this, next);
    const object = { metadata: { namespace: "default", name: "web" } };
    for (const listener of this.#listeners) listener({ kind: "modified", object });
  }
}

const pods = (current: Revision | undefined, previous?: Revision) => new Pods(current, previous);

function query(change: Partial<PodLogQuery> = {}): PodLogQuery {
  const { signal } = new AbortController();
  return {
    namespace: "default",
    name: "web",
    container: "main",
    revisions: "current",
    follow: false,
    signal,
    ...change,
  };
}

function withApps(uuid: RktUuid, ...names: string[]): Revision {
  const apps = names.map((name) => ({
    name,
    imageId: "sha512-0" as ImageId,
    state: { kind: "running" } as const,
  }));
  return { ...baseRevision(), uuid, apps };
}

const finished = { finishedAtMs: 0, finishedMs: 0, ranForMs: 0 };
const exited = { ...finished, isStopped: false, killed: undefined, failure: undefined };
const ended = (revision: Revision): Revision => ({
  ...revision,
  state: { kind: "exited", ...exited } as never,
});

async function lines(log: PodLog): Promise<string[]> {
  if (log.kind !== "stream") throw new Error(log.kind);
  return (await Array.fromAsync(log.lines)).flat().map(({ message }) => message);
}

/** Follows in the background. */
function followed(log: PodLog): { readonly seen: string[]; readonly done: Promise<void> } {
  if (log.kind !== "stream") throw new Error(log.kind);
  const seen: string[] = [];
  const done = (async () => {
    for await (const batch of log.lines) seen.push(...batch.map(({ message }) => message));
  })();
  return { seen, done };
}

describe("what there is no log of", () => {
  const ours = withApps(randomUUID() as RktUuid, "main", "side");
  const open = (status: LoggedPods, change: Partial<PodLogQuery>) =>
    new PodLogs({ status, isBuiltin: true }).open(query(change));

  test.each<[what: string, status: LoggedPods, change: Partial<PodLogQuery>, answer: PodLog]>([
    ["a pod that is not there", Object.assign(pods(ours), { isThere: false }), {}, { kind: "podNotFound" }],
    [
      "a container that is not there",
      Object.assign(pods(ours), { revisionsOf: () => undefined }),
      { container: "no" },
      { kind: "containerNotFound", containers: ["init", "main", "side"] },
    ],
    [
      "no container, of several",
      pods(ours),
      { container: undefined },
      { kind: "containerRequired", containers: ["main", "side"] },
    ],
    ["a revision before the first", pods(ours), { revisions: "previous" }, { kind: "noPrevious" }],
    [
      "one that waits",
      pods(undefined),
      {},
      { kind: "notStarted", container: "main", reason: "ErrImagePull" },
    ],
    [
      "one that is being made",
      pods(undefined),
      { container: "side" },
      { kind: "notStarted", container: "side", reason: "ContainerCreating" },
    ],
  ])("%s", (_, status, change, answer) => {
    expect(open(status, change)).toEqual(answer);
  });

  test("a container that the edit has taken away, but that still runs, has its log", () => {
    expect(open(pods(withApps(ours.uuid, "old")), { container: "old" }).kind).toBe("stream");
  });
});

describe("with the built-in engine", () => {
  test("an app's own unit, of the revision that is asked for", async () => {
    const [first, second] = [randomUUID(), randomUUID()] as [RktUuid, RktUuid];
    await using _a = await printed(appUnitName(first, "main"), "echo first");
    await using _b = await printed(appUnitName(second, "main"), "echo second");
    await using _c = await printed(appUnitName(second, "side"), "echo side");
    const logs = new PodLogs({
      status: pods(withApps(second, "main"), withApps(first, "main")),
      isBuiltin: true,
    });
    await waitUntil("the journal", async () => (await lines(logs.open(query()))).length > 0);
    expect(await lines(logs.open(query()))).toEqual(["second"]);
    expect(await lines(logs.open(query({ revisions: "previous" })))).toEqual(["first"]);
  });

  const xs = (count: number) => `head -c ${count} /dev/zero | tr "\\\\0" x`;

  test("a line that journald has cut is put together again", async () => {
    const uuid = randomUUID() as RktUuid;
    await using _ = await printed(appUnitName(uuid, "main"), `${xs(100_000)}; echo; echo end`);
    const logs = new PodLogs({ status: pods(withApps(uuid, "main")), isBuiltin: true });
    const all = await waitUntil("the end", async () => {
      const found = await lines(logs.open(query()));
      return found.at(-1) === "end" && found;
    });
    expect(all.map(({ length }) => length)).toEqual([100_000, 3]);
  });

  test("regression: the beginning of a line that the app has not ended yet was left out", async () => {
    const uuid = randomUUID() as RktUuid;
    const script = `${xs(60_000)}; exec sleep 1000`;
    const unit = `[Service]\nExecStart=/bin/sh -c '${script}'\n`;
    await using _ = await writeUnit(unit, appUnitName(uuid, "main"));
    run("systemctl", "start", appUnitName(uuid, "main"));
    const logs = new PodLogs({ status: pods(withApps(uuid, "main")), isBuiltin: true });
    const [begun] = await waitUntil("it", async () => {
      const found = await lines(logs.open(query()));
      return found.length > 0 && found;
    });
    expect(begun).toMatch(/^x{40000,60000}$/);
  });
});

test("where journald has dropped lines, one says so in their place: of a revision, of all, read and followed", async () => {
  const [uuid, uid] = [randomUUID() as RktUuid, randomUUID().replaceAll("-", "") as PodUid];
  const script = "seq 1000; sleep 1.5; echo after; exec sleep 1000";
  const settings = `Slice=${podSliceName(uid)}\nLogRateLimitIntervalSec=1\nLogRateLimitBurst=5`;
  const text = `[Service]\n${settings}\nExecStart=/bin/sh -c '${script}'\n`;
  await using unit = await writeUnit(text, appUnitName(uuid, "main"));
  const status = Object.assign(pods(withApps(uuid, "main")), { get: () => ({ ...pod, metadata: { uid } }) });
  const logs = new PodLogs({ status, isBuiltin: true });
  const leave = new AbortController();
  const following = { follow: true, signal: leave.signal };
  const live = (["current", "all"] as const).map((revisions) =>
    followed(logs.open(query({ revisions, ...following }))),
  );
  run("systemctl", "start", unit.name);
  await waitUntil("the end", () => live.every(({ seen }) => seen.at(-1) === "after"));
  leave.abort();
  for (const revisions of ["current", "all"] as const) {
    const log = logs.open(query({ revisions }));
    if (log.kind !== "stream") throw new Error(log.kind);
    const read = (await Array.fromAsync(log.lines)).flat();
    const kept = read.findIndex(({ isNotice }) => isNotice); // journald keeps more than the burst where the disk has room
    expect(kept).toBeGreaterThanOrEqual(5);
    const notice = `… ${1000 - kept} messages suppressed: journald's rate limit`;
    const expected = [...Array.from({ length: kept }, (_, at) => String(at + 1)), notice, "after"];
    expect(read.map(({ message }) => message)).toEqual(expected);
    expect(read.map(({ isNotice, revision }) => [isNotice, revision])).toEqual(
      expected.map((message) => [message === notice, uuid]),
    );
    for (const { seen, done } of live) {
      await done;
      expect(seen).toEqual(expected);
    }
  }
});

describe("followed", () => {
  /** An app that writes what it is told. */
  async function running(uuid: RktUuid, script: string) {
    const unit = await writeUnit(`[Service]\nExecStart=/bin/sh -c '${script}'\n`, appUnitName(uuid, "main"));
    run("systemctl", "start", unit.name);
    return unit;
  }

  const followers = (uuid: RktUuid) => run("pgrep", "-fc", "--", `--follow.*${uuid}`).trim();

  test("a log ends when its container has, with all that it wrote", async () => {
    const uuid = randomUUID() as RktUuid;
    await using unit = await running(uuid, "echo one; sleep 1000");
    const status = pods(withApps(uuid, "main"));
    const logs = new PodLogs({ status, isBuiltin: true });
    const log = logs.open(query({ follow: true }));
    expect(log).toMatchObject({ kind: "stream", isRunning: true, container: "main" });
    const { seen, done } = followed(log);
    await waitUntil("the first line", () => seen.length === 1);
    expect(followers(uuid)).toBe("1");
    run("systemctl", "stop", unit.name);
    status.change({ current: ended(withApps(uuid, "main")) });
    await done;
    expect(seen).toEqual(["one"]);
    expect(status.listenerCount).toBe(0);
    await waitUntil("journalctl to go", () => followers(uuid) === "0");
    // And of what has ended already the same, without one that follows.
    const again = logs.open(query({ follow: true }));
    expect(again).toMatchObject({ kind: "stream", isRunning: false });
    expect(await lines(again)).toEqual(["one"]);
  });

  test.each<[string, (status: Pods) => void]>([
    [
      "the next revision runs",
      (status) => status.change({ current: withApps(randomUUID() as RktUuid, "main") }),
    ],
    ["the pod is gone", (status) => status.change({ isThere: false })],
  ])("it ends when %s", async (_what, change) => {
    const uuid = randomUUID() as RktUuid;
    await using _unit = await running(uuid, "echo one; sleep 1000");
    const status = pods(withApps(uuid, "main"));
    const { seen, done } = followed(new PodLogs({ status, isBuiltin: true }).open(query({ follow: true })));
    await waitUntil("the first line", () => seen.length === 1);
    change(status);
    await done;
  });

  test("all revisions are one log, also those that are gone; it goes on with the next", async () => {
    const slice = podSliceName(pod.metadata.uid as PodUid);
    const [old, first, second] = [randomUUID(), randomUUID(), randomUUID()] as [RktUuid, RktUuid, RktUuid];
    const inSlice = (script: string) => `${script}; sleep 0.2`;
    const start = async (uuid: RktUuid, app: string, script: string) => {
      const text = `[Service]\nSlice=${slice}\nType=oneshot\nExecStart=/bin/sh -c '${inSlice(script)}'\n`;
      const unit = await writeUnit(text, appUnitName(uuid, app));
      run("systemctl", "start", unit.name);
      return unit;
    };
    await using _a = await start(old, "main", "echo old");
    await using _b = await start(first, "main", "echo first");
    await using _c = await start(first, "side", "echo not ours");
    run("journalctl", "--sync");
    const status = pods(withApps(first, "main"));
    const leave = new AbortController();
    const logs = new PodLogs({ status, isBuiltin: true });
    expect(await lines(logs.open(query({ revisions: "all" })))).toEqual(["old", "first"]);
    expect(await lines(logs.open(query({ revisions: "all", tailLines: 1 })))).toEqual(["first"]);
    const log = logs.open(query({ revisions: "all", follow: true, tailLines: 1, signal: leave.signal }));
    const { seen, done } = followed(log);
    await waitUntil("what was", () => seen.length === 1);
    status.change({ current: withApps(second, "main") });
    await using _d = await start(second, "main", "echo second");
    await waitUntil("the next", () => seen.length === 2);
    expect(seen).toEqual(["first", "second"]);
    status.change({ isThere: false });
    await done;
    leave.abort();
  });
});

describe("with a real rkt, one console for all", () => {
  const console = [
    "[  101.000001] main[7]: one\\r",
    "[  101.000002] side[8]: not ours\\r",
    "networking: rkt says",
    "[  101.000003] main[7]: two\\r",
    "[  101.000004] other[9]: of no app\\r",
    "[  101.000005] main[7]: three\\r",
  ];
  const script = `printf "${console.join("\\n")}\\n"`;

  async function ofConsole(apps: readonly string[]) {
    const uuid = randomUUID() as RktUuid;
    const unit = await printed(podUnitName(uuid), script);
    const logs = new PodLogs({ status: pods(withApps(uuid, ...apps)), isBuiltin: false });
    await waitUntil("the journal", async () => (await lines(logs.open(query()))).includes("three"));
    return { logs, uuid, [Symbol.asyncDispose]: () => unit[Symbol.asyncDispose]() };
  }

  test("only the app's lines, without the console's ends of lines", async () => {
    await using at = await ofConsole(["main", "side"]);
    expect(await lines(at.logs.open(query()))).toEqual(["one", "two", "three"]);
    expect(await lines(at.logs.open(query({ container: "side" })))).toEqual(["not ours"]);
  });

  test("the tail is the app's", async () => {
    await using at = await ofConsole(["main", "side"]);
    expect(await lines(at.logs.open(query({ tailLines: 2 })))).toEqual(["two", "three"]);
    expect(await lines(at.logs.open(query({ tailLines: 0 })))).toEqual([]);
  });

  test.each([0, 1, 2, 10])("followed from its tail of %d, each line comes once", async (tailLines) => {
    await using at = await ofConsole(["main", "side"]);
    const leave = new AbortController();
    const log = at.logs.open(query({ follow: true, tailLines, signal: leave.signal }));
    const expected = ["one", "two", "three"].slice(tailLines === 0 ? 3 : -tailLines);
    const { seen, done } = followed(log);
    await waitUntil("the follower", () => run("pgrep", "-f", "--", `--follow.*${at.uuid}`) !== "");
    run("systemctl", "start", podUnitName(at.uuid));
    await waitUntil("the last line", () => seen.length === expected.length + 3);
    leave.abort();
    await done;
    expect(seen).toEqual([...expected, "one", "two", "three"]);
  });

  test("many who follow from a tail and take none of it keep no journalctl but the one they share", async () => {
    const uuid = randomUUID() as RktUuid;
    const settings = "LogRateLimitIntervalSec=0";
    await using _unit = await printed(podUnitName(uuid), "seq -f %01000.0f 3000", settings); // more than pipes hold
    const logs = new PodLogs({ status: pods(withApps(uuid, "main")), isBuiltin: false });
    const last = "2999".padStart(1000, "0");
    await waitUntil("the journal", async () => (await lines(logs.open(query()))).includes(last));
    const leave = new AbortController();
    const follow = () => {
      const log = logs.open(query({ follow: true, tailLines: 2500, signal: leave.signal }));
      if (log.kind !== "stream") throw new Error(log.kind);
      return log.lines[Symbol.asyncIterator]();
    };
    const all = Array.from({ length: 20 }, follow);
    const counts: number[] = [];
    const first = Promise.all(all.map((one) => one.next()));
    const isDone = first.then(() => true);
    await waitUntil("the first lines of all", () => {
      counts.push(Number(run("pgrep", "-fc", "--", `journalctl.*${uuid}`)));
      return Promise.race([isDone, Bun.sleep(0).then(() => false)]);
    });
    // Four that count, four that read what is not in the feed, and the feed's.
    expect(Math.max(...counts)).toBeLessThanOrEqual(9);
    for (const { value } of await first) expect(Number(value?.[0]?.message)).toBe(501);
    await waitUntil(
      "the others to go",
      () => run("pgrep", "-fc", "--", `journalctl.*${uuid}`).trim() === "1",
    );
    leave.abort();
    await Promise.all(all.map((one) => one.return?.()));
  });

  test("of a pod with one app, what is not of that form is the app's: fly's", async () => {
    await using at = await ofConsole(["main"]);
    expect(await lines(at.logs.open(query()))).toContain("networking: rkt says");
  });
});

/** A unit of that name, run to its end. */
async function printed(name: ReturnType<typeof podUnitName>, script: string, settings = "") {
  const unit = await writeUnit(
    `[Service]\nType=oneshot\n${settings}\nExecStart=/bin/sh -c '${script.replaceAll("%", "%%")}'\n`,
    name,
  );
  run("systemctl", "start", name);
  return unit;
}
