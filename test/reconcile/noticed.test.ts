// What two looks at the machine, one after the other, have to tell.

import { expect, test } from "bun:test";
import { podKey } from "../../src/pod/names.ts";
import type { Waiting } from "../../src/pod/waiting.ts";
import { noticedEvents, noticedOf } from "../../src/reconcile/noticed.ts";
import { basePod, baseRevision, exited, exitedApp, sidecar } from "./base-world.ts";

const pod = basePod({ initContainers: [{ name: "proxy", isSidecar: true }] });
const object = { kind: "Pod", key: podKey("default", "web"), uid: pod.uid } as const;

function look(waiting: readonly Waiting[], ...revisions: readonly ReturnType<typeof baseRevision>[]) {
  return {
    plan: { pods: [pod], waiting: new Map([[object.key, waiting]]) },
    observation: { revisions, podDirectories: [] },
  };
}

function told(before: ReturnType<typeof look>, now: ReturnType<typeof look>) {
  return noticedEvents(noticedOf(before.plan, before.observation), now.plan, now.observation);
}

const crashed = baseRevision({ state: exited() });
const backOff = { kind: "restart", stage: crashed.stage, backOffMs: 10_000, untilMs: 5 } as const;

test("a start that failed is told when it is first seen", () => {
  const failure = { reason: "RunContainerError", message: "no such program" } as const;
  const failed = baseRevision({ state: exited({ failure }) });
  const running = look([], baseRevision());
  const event = { object, type: "Warning", reason: "Failed", message: "Error: no such program" };
  expect(told(running, look([], failed))).toMatchObject([event]);
  expect(told(look([], failed), look([], failed))).toEqual([]);
});

test("of containers that share fate the one that failed is told", () => {
  const apps = ["good", "bad"].flatMap((name) =>
    crashed.apps.map((app) => ({ ...app, name, state: exitedApp(name === "bad" ? 3 : 0) })),
  );
  expect(told(look([]), look([backOff], { ...crashed, apps }))).toMatchObject([
    { object: { container: "bad" }, reason: "BackOff" },
  ]);
});

test("the waits of two stages are two, and a longer one is another", () => {
  const ofProxy = { ...backOff, stage: sidecar("proxy") };
  const longer = { ...backOff, untilMs: 6 };
  const containersOf = (...waits: Parameters<typeof told>) =>
    told(...waits).map((event) => event.object.kind === "Pod" && event.object.container);
  expect(containersOf(look([backOff]), look([backOff, ofProxy]))).toEqual(["proxy"]);
  expect(containersOf(look([backOff, ofProxy]), look([longer, ofProxy]))).toEqual(["main"]);
});
