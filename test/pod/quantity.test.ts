// Quantities as Kubernetes v1.5.2 made them (quantities.json, computed by running it), and what follows from its rules.

import { expect, test } from "bun:test";
import { parseQuantity } from "../../src/pod/quantity.ts";
import vectors from "./fixtures/quantities.json";

interface Vector {
  readonly in: string;
  readonly err: string | null;
  readonly string?: string;
  readonly millivalue?: number;
}

test.each(vectors as readonly Vector[])("$in", ({ in: text, err, string = "", millivalue = 0 }) => {
  expect(parseQuantity(text)).toEqual(
    err === null ? { problem: undefined, milli: BigInt(millivalue), text: string } : { problem: err },
  );
});

test.each<[string, bigint, string]>([
  ["1.5", 1500n, "1500m"],
  ["0.5Gi", 536_870_912_000n, "512Mi"],
  ["1e3", 1_000_000n, "1e3"],
  ["1e1", 10_000n, "10"],
  ["12E-1", 1200n, "1200e-3"],
  ["-1", -1000n, "-1"],
  ["-0.0005", -1n, "-500u"],
  ["0.1n", 1n, "1n"],
  ["007", 7000n, "007"],
  ["1000", 1_000_000n, "1k"],
  ["1000000k", 10n ** 12n, "1G"],
  ["1000E", 10n ** 24n, "1000E"],
  ["0.5Ki", 512_000n, "512"],
  ["0.1Ki", 102_400n, "102400m"],
  ["2048Ki", 2_097_152_000n, "2Mi"],
  ["1Ei", 2n ** 60n * 1000n, "1Ei"],
  ["100Ei", (2n ** 63n - 1n) * 1000n, "9223372036854775807"],
  ["0Ki", 0n, "0"],
  ["m", 0n, "0"],
  ["9007199254740993", 9_007_199_254_740_993_000n, "9007199254740993"],
])("%s is %d thousandths, %s", (text, milli, canonical) => {
  expect(parseQuantity(text)).toEqual({ problem: undefined, milli, text: canonical });
});

test.each([
  ["", "quantities must match"],
  ["1 ", "quantities must match"],
  ["1,5", "quantities must match"],
  ["1..5", "quantities must match"],
  ["0x10", "quantities must match"],
  ["--1", "suffix"],
  ["1K", "suffix"],
  ["1e", "suffix"],
  ["1MiB", "quantities must match"],
  ["1kk", "suffix"],
  ["1e1000000000", "numeric part"],
  ["9".repeat(1000), "numeric part"],
])("%s is none: %s", (text, problem) => {
  expect(parseQuantity(text).problem).toContain(problem);
});
