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
  ["gone once, it still counts", [...settled, [60, undefined]], one, 110],
  ["gone for a moment", [...settled, [60, undefined], [100, two], [150, two]], two, undefined],
  ["gone twice", [...settled, [60, undefined], [110, undefined]], undefined, undefined],
  [
    "gone, could not be seen, gone: not two in a row",
    [...settled, [60, undefined], [80, "failed"], [120, undefined]],
    one,
    170,
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
        [50, undefined],
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
