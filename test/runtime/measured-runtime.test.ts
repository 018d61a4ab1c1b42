import { expect, test } from "bun:test";
import { type Runtime, RuntimeError } from "../../src/reconcile/runtime.ts";
import { measuredRuntime } from "../../src/runtime/measured-runtime.ts";
import { StuckThings } from "../../src/runtime/stuck-things.ts";
import { FakeClock } from "../fakes/fake-clock.ts";
import { baseRevision, exited } from "../reconcile/base-world.ts";

const signal = new AbortController().signal;

function world() {
  const clock = new FakeClock();
  const revisions = [baseRevision({ state: exited() })];
  const world = { busy: true, revisions, operations: [] as string[], looks: [] as number[] };
  const remove = async () => {
    clock.advance(500);
    if (world.busy) throw new RuntimeError("FailedKillPod", "Cannot remove rkt pod: /x is busy");
  };
  const inner: Partial<Runtime> = {
    observe: async () => {
      clock.advance(250);
      return {
        revisions: world.revisions,
        podDirectories: world.revisions.map(({ podUid: uid }) => ({
          ...{ uid, content: undefined, accepted: undefined, good: undefined },
        })),
      };
    },
    remove,
    removePodDirectory: remove,
  };
  const stuck = new StuckThings();
  const runtime = measuredRuntime(inner as Runtime, {
    onOperation: ({ type, seconds, isError }) =>
      world.operations.push(`${type} ${seconds} ${isError ? "failed" : "done"}`),
    onLook: (seconds) => world.looks.push(seconds),
    stuck,
    clock,
  });
  return { clock, world, stuck, runtime };
}

test("each call is told with what it took, and its failure is passed on", async () => {
  const { runtime, world: seen } = world();
  const { revisions } = await runtime.observe(signal);
  expect(revisions).toBe(seen.revisions);
  expect(runtime.remove(baseRevision(), signal)).rejects.toThrow("is busy");
  seen.busy = false;
  await runtime.removePodDirectory(baseRevision().podUid, signal);
  expect(seen.operations).toEqual([
    "list_containers 0.25 done",
    "remove_container 0.5 failed",
    "remove_pod_directory 0.5 done",
  ]);
  expect(seen.looks).toEqual([0.25]);
});

test("what cannot be removed is stuck since the first try, until it is removed or gone", async () => {
  const { runtime, clock, stuck, world: seen } = world();
  const { uuid, podUid } = baseRevision();
  const tryAll = async () => {
    await runtime.remove(baseRevision(), signal).catch(() => undefined);
    await runtime.removePodDirectory(podUid, signal).catch(() => undefined);
  };
  await tryAll();
  const first = stuck.list();
  expect(first.map(({ what, why }) => [what, why])).toEqual([
    [`rkt pod ${uuid}`, "Cannot remove rkt pod: /x is busy"],
    [`directory of pod ${podUid}`, "Cannot remove rkt pod: /x is busy"],
  ]);
  clock.advance(60_000);
  await tryAll();
  expect(stuck.list()).toEqual(first);

  await runtime.observe(signal);
  expect(stuck.list()).toHaveLength(2);
  seen.busy = false;
  await runtime.remove(baseRevision(), signal);
  expect(stuck.list().map(({ what }) => what)).toEqual([`directory of pod ${podUid}`]);
  seen.revisions = [];
  await runtime.observe(signal);
  expect(stuck.list()).toEqual([]);
});
