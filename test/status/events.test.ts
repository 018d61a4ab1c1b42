// How events are counted, bounded, told of and brought back.

import { expect, test } from "bun:test";
import type { CountedEvent, EventReason, PodEvent } from "../../src/pod/event.ts";
import { type PodUid, podKey } from "../../src/pod/names.ts";
import { EventStore } from "../../src/status/events.ts";
import { FakeClock } from "../fakes/fake-clock.ts";

function create(laterMs = 0) {
  const clock = new FakeClock();
  clock.advance(laterMs);
  const written: CountedEvent[] = [];
  const store = new EventStore({
    clock,
    nodeName: "node",
    isInitContainer: (_key, container) => container === "setup",
    write: (event) => written.push(event),
  });
  const told: string[] = [];
  store.subscribe(({ kind, object }) => told.push(`${kind} ${object.message} ${object.count}`));
  return {
    clock,
    store,
    record: store.record,
    written,
    counts: () => written.splice(0).map(({ count }) => count),
    told: () => told.splice(0),
    messages: () => store.list().map(({ message, count }) => `${message} ${count}`),
  };
}

const podObject = {
  kind: "Pod",
  key: podKey("default", "web"),
  uid: "uid-web" as PodUid,
  container: "main",
} as const;

function event(message: string, change: { reason?: EventReason; name?: string } = {}): PodEvent {
  const { reason = "Pulled", name = "web" } = change;
  const object = { ...podObject, key: podKey("default", name), uid: `uid-${name}` as PodUid };
  return { object, type: "Normal", reason, message };
}

test("the same of the same object is one event with its count and times", () => {
  const { store, record, clock, told } = create();
  record(event("one"));
  record(event("two"));
  clock.advance(1000);
  record(event("one"));
  record(event("one", { name: "db" }));
  record(event("one", { reason: "Started" }));
  expect(told()).toEqual(["added one 1", "added two 1", "modified one 2", "added one 1", "added one 1"]);
  expect(store.list().map(({ message, count }) => `${message} ${count}`)).toEqual([
    "two 1",
    "one 2",
    "one 1",
    "one 1",
  ]);
  expect(store.list()[1]).toMatchObject({
    firstTimestamp: "2026-01-01T00:16:40Z",
    lastTimestamp: "2026-01-01T00:16:41Z",
  });
});

test("a message of several lines is one line without control characters, and a long one is cut", () => {
  const { store, record } = create();
  record(event("one\n  \u001b]two\n"));
  record(event("x".repeat(5000)));
  const [first, second] = store.list();
  expect(first?.message).toBe("one;  ]two");
  expect(second?.message).toHaveLength(1024);
});

test("a repeat is written at a power of two, and every five minutes", () => {
  const { record, clock, counts } = create();
  for (let count = 0; count < 10; count++) record(event("one"));
  expect(counts()).toEqual([1, 2, 4, 8]);
  clock.advance(299_000);
  record(event("one"));
  expect(counts()).toEqual([]);
  clock.advance(2000);
  record(event("one"));
  record(event("one"));
  expect(counts()).toEqual([12]);
});

test("many that differ only in their message become one, until they are rare again", () => {
  const { record, clock, messages } = create();
  for (let number = 1; number <= 13; number++) record(event(`took ${number} s`));
  record(event("took 1 s"));
  expect(messages()).toHaveLength(11);
  expect(messages().slice(-2)).toEqual(["(combined from similar events): took 13 s 3", "took 1 s 2"]);
  clock.advance(11 * 60_000);
  record(event("took 14 s"));
  expect(messages().at(-1)).toBe("took 14 s 1");
});

test("the oldest of more than a thousand is forgotten, and that is told", () => {
  const { store, record, told } = create();
  for (let number = 0; number < 1000; number++) record(event("one", { name: `pod-${number}` }));
  record(event("one", { name: "pod-0" }));
  told();
  record(event("new"));
  expect(store.list()).toHaveLength(1000);
  expect(store.list()[0]?.involvedObject.name).toBe("pod-2");
  expect(told()).toEqual(["added new 1", "deleted one 1"]);
});

test("what happened since a version is known for a while, and then that it is not known any more", () => {
  const { store, record } = create();
  const start = Number(store.resourceVersion);
  record(event("one"));
  const version = Number(store.resourceVersion);
  record(event("two"));
  const since = (from: number) => store.since(from)?.map(({ kind, object }) => `${kind} ${object.message}`);
  expect(since(start)).toEqual(["added one", "added two"]);
  expect(since(version)).toEqual(["added two"]);
  expect(since(Number(store.resourceVersion))).toEqual([]);
  expect(since(Number(store.resourceVersion) + 1)).toBeUndefined();
  expect(since(start - 1)).toBeUndefined();
  for (let number = 0; number < 511; number++) record(event("one"));
  expect(since(start)).toBeUndefined();
  expect(since(version)).toHaveLength(512);
});

test("what earlier agents wrote comes first, and counts together with what was seen meanwhile", () => {
  const { store, record, clock, messages, counts, written } = create();
  const before = (message: string, count: number, agoMs: number): CountedEvent => {
    const lastMs = clock.wallMs() - agoMs;
    return { ...event(message), count, firstMs: lastMs - 1000, lastMs };
  };
  const olds = [before("old", 1, 9000), before("repeated", 2, 8000), before("old", 4, 7000)];
  record(event("repeated"));
  record(event("new"));
  store.restore([...olds, ...written.slice()]);
  expect(messages()).toEqual(["old 4", "repeated 3", "new 1"]);
  expect(store.list()[1]).toMatchObject({
    firstTimestamp: "2026-01-01T00:16:31Z",
    lastTimestamp: "2026-01-01T00:16:40Z",
  });
  expect(counts()).toEqual([1, 1]);
  record(event("old"));
  expect(counts()).toEqual([5]);
});

test("regression: of more than a thousand that earlier agents wrote the oldest are left out, and none of ours", () => {
  const { store, record, told } = create();
  for (let number = 0; number < 5; number++) record(event("ours", { name: `pod-${number}` }));
  told();
  const theirs = Array.from({ length: 1200 }, (_, number) => ({
    ...event(`theirs ${number}`),
    ...{ count: 1, firstMs: number, lastMs: number },
  }));
  store.restore(theirs);
  const messages = store.list().map(({ message }) => message);
  expect([messages.length, messages[0], messages.at(-6), messages.at(-1)]).toEqual([
    1000,
    "theirs 205",
    "theirs 1199",
    "ours",
  ]);
  expect(told().filter((line) => !line.startsWith("added theirs"))).toEqual([]);
});

test("an event as Kubernetes shows it", () => {
  const { store, record } = create();
  record({ ...event("Created"), object: { ...podObject, container: "setup" } });
  const { metadata, ...rest } = store.list()[0] ?? {};
  expect(rest).toEqual({
    kind: "Event",
    apiVersion: "v1",
    involvedObject: {
      kind: "Pod",
      namespace: "default",
      name: "web",
      uid: "uid-web",
      apiVersion: "v1",
      fieldPath: "spec.initContainers{setup}",
    },
    reason: "Pulled",
    message: "Created",
    source: { component: "gantry", host: "node" },
    firstTimestamp: "2026-01-01T00:16:40Z",
    lastTimestamp: "2026-01-01T00:16:40Z",
    count: 1,
    type: "Normal",
    reportingComponent: "gantry",
    reportingInstance: "node",
  });
  expect(metadata).toEqual({
    name: expect.stringMatching(/^web\.[0-9a-f]{16}$/),
    namespace: "default",
    uid: expect.stringMatching(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/),
    resourceVersion: store.resourceVersion,
    creationTimestamp: "2026-01-01T00:16:40Z",
  });
  record({ object: { kind: "Node" }, type: "Normal", reason: "Starting", message: "Starting" });
  expect(store.list()[1]).toMatchObject({
    metadata: { namespace: "default" },
    involvedObject: { kind: "Node", name: "node", uid: "node" },
  });
});

test("the next agent gives an event the same name, and greater versions", () => {
  const first = create();
  first.record(event("one"));
  const second = create(1000);
  second.store.restore(first.written);
  const [before, after] = [first.store.list()[0]?.metadata, second.store.list()[0]?.metadata];
  expect([after?.name, after?.uid]).toEqual([before?.name, before?.uid]);
  expect(Number(after?.resourceVersion)).toBeGreaterThan(Number(before?.resourceVersion));
});
