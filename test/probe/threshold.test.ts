// The kubelet's rules (prober/worker_test.go), result by result, and what must hold of any results.

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { ProbeKind } from "../../src/pod/handler.ts";
import { addResult, beginTally, type Result, type Tally } from "../../src/probe/threshold.ts";

const letters: Readonly<Record<string, Result>> = { S: "success", F: "failure" };

/** The conclusion after each result: `S` success, `F` failure, `-` neither. */
function conclusions(
  kind: ProbeKind,
  thresholds: [success: number, failure: number],
  results: string,
): string {
  let tally: Tally = beginTally(kind);
  const [successThreshold, failureThreshold] = thresholds;
  return [...results]
    .map((letter) => {
      tally = addResult(tally, letters[letter] ?? "failure", { successThreshold, failureThreshold });
      return tally.conclusion?.[0]?.toUpperCase() ?? "-";
    })
    .join("");
}

describe("before any result", () => {
  const cases: [kind: ProbeKind, conclusion: Result | undefined][] = [
    ["liveness", "success"],
    ["readiness", "failure"],
    ["startup", undefined],
  ];
  test.each(cases)("%s is %p", (kind, conclusion) => {
    expect(beginTally(kind)).toEqual({ conclusion, last: undefined, run: 0 });
  });
});

describe("after each result:", () => {
  const cases: [
    what: string,
    kind: ProbeKind,
    thresholds: [number, number],
    results: string,
    expected: string,
  ][] = [
    ["success at once, failure only at the third", "readiness", [1, 3], "SSSFFF", "SSSSSF"],
    ["success only at the third, failure at once", "readiness", [3, 1], "SSSF", "FFSF"],
    ["liveness lives until the third failure", "liveness", [1, 3], "FFF", "SSF"],
    ["a success in between starts the count anew", "liveness", [1, 3], "FFSFFSFFF", "SSSSSSSSF"],
    ["a failure in between starts the count anew", "readiness", [3, 1], "SSFSSFSSS", "FFFFFFFFS"],
    ["readiness comes back", "readiness", [2, 2], "SSFFSS", "FSSFFS"],
    ["startup is undecided below both thresholds", "startup", [2, 3], "SFSFF", "-----"],
    ["startup starts", "startup", [1, 3], "FFS", "--S"],
    ["startup fails", "startup", [1, 3], "FFF", "--F"],
    ["thresholds of 1 follow each result", "readiness", [1, 1], "SFSF", "SFSF"],
  ];
  test.each(cases)("%s", (_what, kind, thresholds, results, expected) => {
    expect(conclusions(kind, thresholds, results)).toBe(expected);
  });

  test("what was concluded by an earlier agent is where it begins", () => {
    const ready = beginTally("readiness", "success");
    const one = addResult(ready, "failure", { successThreshold: 1, failureThreshold: 2 });
    expect(one.conclusion).toBe("success");
    expect(addResult(one, "failure", { successThreshold: 1, failureThreshold: 2 }).conclusion).toBe(
      "failure",
    );
  });
});

const anyKind = fc.constantFrom<ProbeKind>("startup", "liveness", "readiness");
const anyThreshold = fc.integer({ min: 1, max: 5 });
const anyResults = fc.array(fc.constantFrom<Result>("success", "failure"), { maxLength: 40 });

test("whatever the results, the conclusion is that of the last run that was long enough", () => {
  fc.assert(
    fc.property(
      anyKind,
      anyThreshold,
      anyThreshold,
      anyResults,
      (kind, successThreshold, failureThreshold, results) => {
        const least = { success: successThreshold, failure: failureThreshold };
        const tally = results.reduce<Tally>(
          (soFar, result) => addResult(soFar, result, { successThreshold, failureThreshold }),
          beginTally(kind),
        );
        const decisive = results.findLast((result, at) => {
          const run = results.slice(Math.max(0, at + 1 - least[result]), at + 1);
          return run.length === least[result] && run.every((each) => each === result);
        });
        expect(tally.conclusion).toBe(decisive ?? beginTally(kind).conclusion);
      },
    ),
  );
});
