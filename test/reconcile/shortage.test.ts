// What a node that is short of something has removed and stopped.

import { describe, expect, test } from "bun:test";
import { podKey } from "../../src/pod/names.ts";
import type { Failure, Revision } from "../../src/pod/observed-pod.ts";
import { evictionGraceSeconds } from "../../src/pod/shortage.ts";
import { plan } from "../../src/reconcile/plan.ts";
import { baseRevision, baseWorld, exited, nowMs } from "./base-world.ts";

const evicted: Failure = { reason: "Evicted", message: "The node was low on resource: ephemeral-storage." };
const evict = new Map([[podKey("default", "web"), evicted]]);
const running = baseRevision({ number: 3, restartCount: 2 });
const last = baseRevision({ number: 2, restartCount: 1, state: exited({ agoMs: 5000 }) });
const older = baseRevision({ number: 1, state: exited({ agoMs: 10_000 }) });

/** What is removed at once, and when something is to be looked at next, from now. */
function removed(change: Parameters<typeof baseWorld>[0] & { revisions: readonly Revision[] }) {
  const { actions, recheckAtMs } = plan(baseWorld(change));
  const uuids = actions.flatMap((action) => (action.kind === "remove" ? action.revision.uuid : []));
  return { uuids, inMs: recheckAtMs === undefined ? undefined : recheckAtMs - nowMs };
}

describe("a disk with room", () => {
  test("keeps what ended less than a minute ago, and the last one of what runs", () => {
    expect(removed({ revisions: [running, last, older] })).toEqual({ uuids: [], inMs: 50_000 });
    expect(removed({ revisions: [running, last] })).toEqual({ uuids: [], inMs: undefined });
  });
});

describe("a disk that is short", () => {
  test("keeps nothing for its log alone, the oldest goes first", () => {
    expect(removed({ revisions: [running, last, older], isDiskShort: true }).uuids).toEqual([older.uuid]);
    expect(removed({ revisions: [running, last], isDiskShort: true }).uuids).toEqual([last.uuid]);
  });

  test("keeps the last of what does not run, as its next start depends on it", () => {
    const crashed = baseRevision({
      number: 2,
      restartCount: 3,
      backOffMs: 80_000,
      state: exited({ agoMs: 5000 }),
    });
    expect(removed({ revisions: [crashed], isDiskShort: true }).uuids).toEqual([]);
  });

  test("keeps nothing of what was evicted", () => {
    const gone = baseRevision({ state: exited({ agoMs: 1000, killed: evicted }) });
    expect(removed({ revisions: [gone], isDiskShort: true, evict }).uuids).toEqual([gone.uuid]);
    expect(removed({ revisions: [gone], isDiskShort: false, evict }).uuids).toEqual([]);
  });
});

test("what is evicted is stopped with that as its cause, at once", () => {
  expect(plan(baseWorld({ revisions: [running], evict })).actions).toMatchObject([
    { kind: "stop", revisions: [running], stop: { cause: evicted, graceSeconds: evictionGraceSeconds } },
  ]);
});
