import { describe, expect, test } from "bun:test";
import { type Candidate, evictionMessage, formatQuantity, rankForEviction } from "../../src/node/eviction.ts";
import type { Resource } from "../../src/node/threshold.ts";
import { type PodUid, podKey } from "../../src/pod/names.ts";

/** Asked for 10 and uses 5 of each. */
function candidate(name: string, change: Partial<Candidate> = {}): Candidate {
  return {
    key: podKey("default", name),
    uid: `uid-${name}` as PodUid,
    priority: 0,
    memory: { request: 10, used: 5 },
    disk: { request: 10, used: 5 },
    inodes: 5,
    tasks: 5,
    containers: [],
    ...change,
  };
}

const critical = 2_000_000_000;
const use = (used: number | undefined, request = 10) => ({ used, request });

describe("the first to go is", () => {
  const cases: [what: string, resource: Resource, candidates: Candidate[], order: string[]][] = [
    [
      "who uses more than it asked for, whatever its priority",
      "memory",
      [candidate("a"), candidate("b", { priority: 5, memory: use(11) })],
      ["b", "a"],
    ],
    [
      "of those the one of the lower priority, however little it is over",
      "memory",
      [candidate("a", { priority: 1, memory: use(100) }), candidate("b", { memory: use(11) })],
      ["b", "a"],
    ],
    [
      "of those the one that is furthest over",
      "memory",
      [candidate("a", { memory: use(30, 10) }), candidate("b", { memory: use(25, 0) })],
      ["b", "a"],
    ],
    [
      "among those within their requests the one nearest to it",
      "memory",
      [candidate("a", { memory: use(5) }), candidate("b", { memory: use(9) })],
      ["b", "a"],
    ],
    [
      "what could not be measured",
      "memory",
      [candidate("a", { memory: use(100) }), candidate("b", { priority: 5, memory: use(undefined) })],
      ["b", "a"],
    ],
    [
      "never a critical one while there is another",
      "memory",
      [candidate("a", { priority: critical, memory: use(100) }), candidate("b", { priority: critical - 1 })],
      ["b", "a"],
    ],
    [
      "for a disk never a critical one",
      "ephemeral-storage",
      [candidate("a", { priority: critical, disk: use(100) }), candidate("b")],
      ["b"],
    ],
    [
      "for a disk who has most on it",
      "ephemeral-storage",
      [candidate("a", { disk: use(20, 0) }), candidate("b", { disk: use(30, 0) })],
      ["b", "a"],
    ],
    ["for inodes who has most files", "inodes", [candidate("a"), candidate("b", { inodes: 6 })], ["b", "a"]],
    [
      "for process ids the one of the lowest priority, then who has most processes",
      "pids",
      [
        candidate("a", { priority: 1, tasks: 100 }),
        candidate("b", { tasks: 5 }),
        candidate("c", { tasks: 6 }),
      ],
      ["c", "b", "a"],
    ],
    ["of equals by name", "memory", [candidate("b"), candidate("a")], ["a", "b"]],
  ];
  test.each(cases)("%s", (_what, resource, candidates, order) => {
    expect(rankForEviction(candidates, resource).map(({ key }) => key.replace("default/", ""))).toEqual(
      order,
    );
  });
});

test("a victim is told why, in the kubelet's words", () => {
  const mebibyte = 1024 * 1024;
  const victim = candidate("web", {
    containers: [
      { name: "main", memory: use(150 * mebibyte, 100 * mebibyte), disk: use(2048, 0) },
      { name: "side", memory: use(1, 2), disk: use(0, 0) },
    ],
  });
  expect(
    evictionMessage(
      { signal: "memory.available", quantity: 100 * mebibyte, available: 60 * mebibyte + 1024 },
      victim,
    ),
  ).toBe(
    "The node was low on resource: memory. Threshold quantity: 100Mi, available: 61441Ki. " +
      "Container main was using 150Mi, request is 100Mi, has larger consumption of memory.",
  );
  expect(evictionMessage({ signal: "nodefs.available", quantity: 4096, available: 0 }, victim)).toBe(
    "The node was low on resource: ephemeral-storage. Threshold quantity: 4Ki, available: 0. " +
      "Container main was using 2Ki, request is 0, has larger consumption of ephemeral-storage.",
  );
  expect(evictionMessage({ signal: "pid.available", quantity: 1000, available: 12 }, victim)).toBe(
    "The node was low on resource: pids. Threshold quantity: 1k, available: 12.",
  );
});

test.each([
  [0, "0"],
  [1023, "1023"],
  [1536, "1536"],
  [3 * 1024 ** 4, "3Ti"],
])("%p bytes are %s", (bytes, text) => {
  expect(formatQuantity(bytes, "memory")).toBe(text);
});
