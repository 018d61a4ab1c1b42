// What counts of a directory, over looks at given times.

import { expect, test } from "bun:test";
import type { Entry } from "../../src/manifest/listing.ts";
import { Settling } from "../../src/manifest/settling.ts";

const one: Entry = { kind: "file", identity: "1", size: 1 };
const two: Entry = { kind: "file", identity: "2", size: 2 };

/** Each look's time and what it saw of one path; undefined: not there, "failed": the directory could not be read. */
function settle(
  looks: readonly (readonly [number, Entry | undefined | "failed"])[],
  remembered: string[] = [],
) {
  const settling = new Settling(remembered);
  for (const [nowMs, seen] of looks) {
    if (seen === "failed") settling.lookFailed();
    else settling.look(new Map(seen ? [["/m/a", seen]] : []), { nowMs, covers: () => true });
  }
  return { counts: settling.settled.get("/m/a"), dueMs: settling.dueMs };
}

const settled = [
  [0, one],
  [50, one],
] as const;

test.each<[string, Parameters<typeof settle>[0], Entry | undefined, number | undefined]>([
  ["seen once, it does not count", [[0, one]], undefined, 50],
  [
    "seen twice, but too soon",
    [
      [0, one],
      [40, one],
    ],
    undefined,
    50,
  ],
  [
    "seen twice, 50 ms apart",
    [
      [0, one],
      [50, one],
    ],
    one,
    undefined,
  ],
  [
    "written in between: the time starts again",
    [
      [0, one],
      [40, two],
      [60, two],
    ],
    undefined,
    90,
  ],
  [
    "and then it counts",
    [
      [0, one],
      [40, two],
      [90, two],
    ],
    two,
    undefined,
  ],
  ["a change does not count at once", [...settled, [60, two]], one, 110],
  ["a change that is taken back", [...settled, [60, two], [70, one], [120, one]], one, undefined],
  ["gone once, it still counts", [...settled, [60, undefined]], one, 310],
  ["gone for a moment", [...settled, [60, undefined], [100, two], [150, two]], two, undefined],
  ["gone twice, but too soon", [...settled, [60, undefined], [110, undefined]], one, 310],
  ["gone twice", [...settled, [60, undefined], [310, undefined]], undefined, undefined],
  [
    "gone, could not be seen, gone: not two in a row",
    [...settled, [60, undefined], [80, "failed"], [120, undefined]],
    one,
    370,
  ],
])("%s", (_, looks, counts, dueMs) => {
  expect(settle(looks)).toEqual({ counts, dueMs });
});

test("what is only remembered counts until it was found missing twice", () => {
  expect(settle([[0, undefined]], ["/m/a"]).counts).toEqual({ kind: "remembered" });
  expect(
    settle(
      [
        [0, undefined],
        [250, undefined],
      ],
      ["/m/a"],
    ).counts,
  ).toBeUndefined();
});

test("what a look could not have seen is not missing", () => {
  const settling = new Settling(["/m/a"]);
  for (const nowMs of [0, 50, 100]) settling.look(new Map(), { nowMs, covers: () => false });
  expect(settling.settled.get("/m/a")).toEqual({ kind: "remembered" });
});

/** Each look's time and the names that it saw; what counts after it. */
function settleNames(looks: readonly (readonly [number, string])[]): readonly string[] {
  const settling = new Settling([]);
  return looks.map(([nowMs, names]) => {
    const entries = names
      .split("")
      .map((name): [string, Entry] => [name, { kind: "file", identity: name, size: 1 }]);
    settling.look(new Map(entries), { nowMs, covers: () => true });
    return [...settling.settled.keys()].sort().join("");
  });
}

test("what goes one after the other is missed together", () => {
  const looks = [
    [0, "abc"],
    [50, "abc"],
    [100, "bc"],
    [300, "c"],
    [400, "c"],
    [549, "c"],
    [550, "c"],
  ] as const;
  expect(settleNames(looks)).toEqual(["", "abc", "abc", "abc", "abc", "abc", "c"]);
});

test("a file under another name takes the old one's place in one step; a third is not held up", () => {
  const looks = [
    [0, "a"],
    [50, "a"],
    [100, "b"],
    [200, "b"],
    [350, "b"],
    [400, "bc"],
    [450, "bc"],
  ] as const;
  expect(settleNames(looks)).toEqual(["", "a", "a", "a", "b", "b", "bc"]);
});

test("what comes and goes all the time does not hold up the others for ever", () => {
  const looks = Array.from({ length: 40 }, (_, index): [number, string] => [
    100 + index * 100,
    index % 4 === 0 ? "bx" : "b",
  ]);
  const counts = settleNames([[0, "abx"], [50, "abx"], ...looks]);
  expect(counts.at(-1)).not.toContain("a");
});
