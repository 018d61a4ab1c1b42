import { expect, test } from "bun:test";
import { type PodProgress, StartTimes } from "../../src/node/start-times.ts";
import { podKey, type SpecHash } from "../../src/pod/names.ts";

const key = podKey("default", "web");
const wanted = (specHash: string) => [{ key, specHash: specHash as SpecHash }];
const progress = (specHash: string, how: "waits" | "runs" | "ready"): PodProgress[] => [
  { key, specHash: specHash as SpecHash, isRunning: how !== "waits", isReady: how === "ready" },
];

function times() {
  const told: string[] = [];
  const starts = new StartTimes({
    onRunning: (seconds) => told.push(`running ${seconds}`),
    onReady: (seconds) => told.push(`ready ${seconds}`),
  });
  return { told, starts };
}

test("a new Pod is counted once when it runs and once when it is Ready", () => {
  const { told, starts } = times();
  starts.noteWanted(wanted("a"), 1000);
  starts.noteProgress(progress("a", "waits"), 1100);
  starts.noteProgress(progress("a", "runs"), 2000);
  starts.noteProgress(progress("a", "runs"), 2500);
  starts.noteProgress(progress("a", "ready"), 4000);
  starts.noteProgress(progress("a", "runs"), 5000); // not Ready any more: that is no start
  starts.noteProgress(progress("a", "ready"), 6000);
  expect(told).toEqual(["running 1", "ready 3"]);
});

test("an edit is counted until the Pod is Ready as it is written then", () => {
  const { told, starts } = times();
  starts.noteWanted(wanted("a"), 0);
  starts.noteProgress(progress("a", "waits"), 0);
  starts.noteProgress(progress("a", "ready"), 1000);
  starts.noteWanted(wanted("b"), 10_000);
  starts.noteProgress(progress("a", "ready"), 10_100); // of before
  starts.noteProgress(progress("b", "waits"), 10_200);
  starts.noteWanted(wanted("c"), 11_000); // the first edit has never run
  starts.noteProgress(progress("c", "waits"), 11_100);
  starts.noteProgress(progress("c", "ready"), 12_000);
  expect(told).toEqual(["running 1", "ready 1", "ready 1"]);
});

test("what runs already when it is first seen says nothing, and a deleted Pod is forgotten", () => {
  const { told, starts } = times();
  starts.noteWanted(wanted("a"), 0);
  starts.noteProgress(progress("a", "runs"), 100);
  starts.noteProgress(progress("a", "ready"), 200);
  expect(told).toEqual([]);
  starts.noteWanted([], 1000);
  starts.noteProgress(progress("a", "ready"), 1100);
  starts.noteWanted(wanted("a"), 2000);
  starts.noteProgress(progress("a", "waits"), 2000);
  starts.noteProgress(progress("a", "ready"), 3000);
  expect(told).toEqual(["running 1", "ready 1"]);
});
