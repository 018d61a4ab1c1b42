// A replacement whose old revision has been told to end: whatever comes then, something runs, unless nothing is to.

import { expect, test } from "bun:test";
import { podKey } from "../../src/pod/names.ts";
import { swapEndMs } from "../../src/reconcile/in-flight.ts";
import { waitUntil } from "../wait-until.ts";
import { baseDesired, basePod } from "./base-world.ts";
import { gate, Loop } from "./loop.ts";

const web = podKey("default", "web");
const version = (specHash: string, image = "busybox") =>
  baseDesired({ pods: [basePod({ specHash, image })] });
const hashes = (loop: Loop) => loop.live.map(({ specHash }) => String(specHash));

/** `aaaa` has been told to end, as `bbbb` is to run, and takes its time. */
async function amidSwap() {
  const loop = new Loop(version("aaaa"));
  await waitUntil("the first version", () => loop.live.length === 1);
  const stop = gate(web);
  loop.runtime.faults.set("stop", stop.fault);
  loop.want(version("bbbb"));
  await waitUntil("the stop", () => stop.waiting.length === 1);
  const obsolete = () =>
    waitUntil("the swap to be obsolete", () =>
      loop.reports.some(
        (report) => report.kind === "observed" && report.plan.outdated.length + report.plan.cancel.length > 0,
      ),
    );
  return { loop, stop, obsolete };
}

test("regression: a second edit left nothing running, where it could not be prepared", async () => {
  const { loop, stop, obsolete } = await amidSwap();
  await using _ = loop;
  loop.want(version("cccc", "missing"));
  await obsolete();
  stop.open();
  await waitUntil("the second edit to fail", () => loop.waitingOf()?.kind === "retry");
  expect(hashes(loop)).toEqual(["bbbb"]);
  loop.want(version("dddd"));
  await waitUntil("a third edit", () => hashes(loop).join() === "dddd");
});

test("an edit at the last moment before that leaves the old version running", async () => {
  await using loop = new Loop(version("aaaa"));
  await waitUntil("the first version", () => loop.live.length === 1);
  const prepare = loop.runtime.prepare.bind(loop.runtime);
  loop.runtime.prepare = async (pod, attempt, signal) => {
    const uuid = await prepare(pod, attempt, signal);
    if (pod.specHash === "bbbb")
      await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
    return uuid;
  };
  loop.want(version("bbbb"));
  await waitUntil("it to be prepared", () => loop.runtime.revisions.length === 2);
  loop.want(version("cccc", "missing"));
  await waitUntil("the second edit to fail", () => loop.waitingOf()?.kind === "retry");
  expect(hashes(loop)).toEqual(["aaaa"]);
});

test("what is deleted then is not started any more", async () => {
  const { loop, stop, obsolete } = await amidSwap();
  await using _ = loop;
  loop.want(baseDesired({ pods: [] }));
  await obsolete();
  stop.open();
  await waitUntil("nothing to be left", () => loop.runtime.revisions.length === 0);
  expect(loop.lines.filter((line) => line.startsWith("debug run: done"))).toHaveLength(1);
});

test("regression: an agent that was told to end then left the pod down", async () => {
  const { loop, stop } = await amidSwap();
  const ended = loop.stop();
  stop.open();
  await ended;
  expect(hashes(loop)).toEqual(["bbbb"]);
});

test("an agent that was told to end waits so long, and then the next one starts it at once", async () => {
  const { loop } = await amidSwap();
  const ended = loop.stop();
  await waitUntil("the alarm", () => loop.clock.nextAlarmMs === swapEndMs);
  expect(loop.live.map(({ state }) => state.kind)).toEqual(["stopping"]);
  loop.clock.advance(swapEndMs);
  await ended;
  expect(hashes(loop)).toEqual([]);
  loop.runtime.faults.clear();
  await using next = new Loop(version("bbbb"), loop);
  await waitUntil("the new version", () => hashes(next).join() === "bbbb");
});
