// A container's lines out of a real journal: of an app's own unit, and out of the console of a real rkt's pod.

import { describe, expect, test } from "bun:test";
import { randomUUID } from "node:crypto";
import { appUnitName, type ImageId, podUnitName, type RktUuid } from "../../src/pod/names.ts";
import type { Revision } from "../../src/pod/observed-pod.ts";
import type { PodLog, PodLogQuery } from "../../src/pod/pod-log.ts";
import { type LoggedPods, PodLogs } from "../../src/runtime/pod-logs.ts";
import { baseRevision } from "../reconcile/base-world.ts";
import { run, writeUnit } from "../systemd/unit.ts";
import { waitUntil } from "../wait-until.ts";

const pod = {
  spec: { containers: [{ name: "main" }, { name: "side" }] },
  status: {
    containerStatuses: [{ name: "main", state: { waiting: { reason: "ErrImagePull" } } }, { name: "side" }],
  },
};

function pods(
  current: Revision | undefined,
  previous?: Revision,
  shown: typeof pod | undefined = pod,
): LoggedPods {
  return { get: () => shown, revisionsOf: () => ({ current, previous }) };
}

function query(change: Partial<PodLogQuery> = {}): PodLogQuery {
  const { signal } = new AbortController();
  return {
    namespace: "default",
    name: "web",
    container: "main",
    previous: false,
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

async function lines(log: PodLog): Promise<string[]> {
  if (log.kind !== "stream") throw new Error(log.kind);
  return (await Array.fromAsync(log.entries)).map(({ message }) => message);
}

describe("what there is no log of", () => {
  const ours = withApps(randomUUID() as RktUuid, "main", "side");
  const open = (status: LoggedPods, change: Partial<PodLogQuery>) =>
    new PodLogs({ status, isBuiltin: true }).open(query(change));

  test.each<[what: string, status: LoggedPods, change: Partial<PodLogQuery>, answer: PodLog]>([
    ["a pod that is not there", { ...pods(ours), get: () => undefined }, {}, { kind: "podNotFound" }],
    [
      "a container that is not there",
      pods(ours),
      { container: "no" },
      { kind: "containerNotFound", containers: ["main", "side"] },
    ],
    [
      "no container, of several",
      pods(ours),
      { container: undefined },
      { kind: "containerRequired", containers: ["main", "side"] },
    ],
    ["a revision before the first", pods(ours), { previous: true }, { kind: "noPrevious" }],
    ["one that waits", pods(undefined), {}, { kind: "notStarted", reason: "ErrImagePull" }],
    [
      "one that is being made",
      pods(undefined),
      { container: "side" },
      { kind: "notStarted", reason: "ContainerCreating" },
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
    expect(await lines(logs.open(query({ previous: true })))).toEqual(["first"]);
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
    if (log.kind !== "stream") throw new Error(log.kind);
    const expected = [
      ...["one", "two", "three"].slice(tailLines === 0 ? 3 : -tailLines),
      "one",
      "two",
      "three",
    ];
    const seen: string[] = [];
    const reading = (async () => {
      for await (const { message } of log.entries) if (seen.push(message) === expected.length) leave.abort();
    })();
    if (tailLines > 0) await waitUntil("the tail", () => seen.length > 0);
    else await waitUntil("the follower", () => run("pgrep", "-f", "--", `--follow.*${at.uuid}`) !== "");
    run("systemctl", "start", podUnitName(at.uuid));
    await reading;
    expect(seen).toEqual(expected);
  });

  test("of a pod with one app, what is not of that form is the app's: fly's", async () => {
    await using at = await ofConsole(["main"]);
    expect(await lines(at.logs.open(query()))).toContain("networking: rkt says");
  });
});

/** A unit of that name, run to its end. */
async function printed(name: ReturnType<typeof podUnitName>, script: string) {
  const unit = await writeUnit(
    `[Service]\nType=oneshot\nExecStart=/bin/sh -c '${script.replaceAll("%", "%%")}'\n`,
    name,
  );
  run("systemctl", "start", name);
  return unit;
}
