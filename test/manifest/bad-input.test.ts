// Input that means harm, or is none at all: a clear Problem, soon.

import { describe, expect, test } from "bun:test";
import { assert, constantFrom, integer, nat, oneof, property, sample, string, tuple } from "fast-check";
import { validateFile } from "../../src/manifest/validate-file.ts";
import { minimalPod, options } from "./pod-manifest.ts";

function laughs(depth: number): string {
  const levels = Array.from({ length: depth }, (_, i) =>
    i === 0
      ? "a0: &a0 [ha, ha]"
      : `a${i}: &a${i} [${Array(10)
          .fill(`*a${i - 1}`)
          .join(", ")}]`,
  );
  return `${levels.join("\n")}\n`;
}

const containers = `x: &c {name: a, image: b, env: &e [${"{name: A},".repeat(2000)}]}`;

describe("takes less than 4 s and gives at least one and at most 100 problems:", () => {
  const mebibyte = 1024 * 1024;
  const fill = (text: string) => text.repeat(Math.floor(mebibyte / text.length));
  // Just short of what is refused unread.
  const many = (text: string) => text.repeat(24_000);
  test.each<[string, string]>([
    ["10 MB", "a".repeat(10_000_000)],
    ["billion laughs", `apiVersion: v1\nkind: Pod\n${laughs(30)}`],
    [
      "billion laughs where the schema wants them",
      `${containers}\napiVersion: v1\nkind: Pod\nspec: {containers: [${"*c,".repeat(20_000)}]}`,
    ],
    [
      "merge keys that multiply",
      `apiVersion: v1\nkind: Pod\nx: &x {${"a: 1,".repeat(500)}}\nmetadata:\n  <<: [${"*x,".repeat(20_000)}]`,
    ],
    ["NUL", "\0".repeat(1000)],
    ["random bytes", String.fromCharCode(...sample(nat(255), { seed: 7, numRuns: 4000 }))],
    ["open brackets", fill("[")],
    ["open braces", fill("{a: ")],
    ["dashes", fill("- ")],
    ["question marks", fill("? ")],
    ["colons", fill(": ")],
    ["closing braces", fill("}\n")],
    ["anchors", fill("&a ")],
    ["tags", fill("!a ")],
    ["documents", fill("---\n")],
    ["unfinished blocks", fill("a: |\n")],
    ["24,000 open brackets", many("[")],
    ["24,000 open braces", many("{a: ")],
    ["24,000 dashes", many("- ")],
    ["24,000 question marks", many("? ")],
    ["24,000 colons", many(": ")],
    ["24,000 closing braces", many("}\n")],
    ["24,000 anchors", many("&a ")],
    ["24,000 tags", many("!a ")],
    ["24,000 documents", many("---\n")],
    ["24,000 unfinished blocks", many("a: |\n")],
    [
      "many keys",
      `apiVersion: v1\nkind: Pod\n${Array.from({ length: 80_000 }, (_, i) => `k${i}: 1`).join("\n")}`,
    ],
    ["one long word", fill("a")],
    ["one long name", `apiVersion: v1\nkind: Pod\nmetadata: {name: ${"a".repeat(mebibyte - 100)}}\n`],
    ["many containers", `${minimalPod("web")}${"    - {name: a}\n".repeat(50_000)}`],
  ])(
    "%s",
    (_, text) => {
      const before = performance.now();
      const { pods, problems } = validateFile("/m/x.yaml", text, options);
      expect(performance.now() - before).toBeLessThan(4000);
      expect(pods).toEqual([]);
      expect(problems.length).toBeWithin(1, 101);
      for (const { message } of problems) expect(message.length).toBeLessThan(1500);
    },
    20_000,
  );
});

test("any mutation of a good manifest gives Pods or Problems, within 100 ms, never an exception", () => {
  const texts = [
    minimalPod("web"),
    `${minimalPod("web")}      env: [{name: A, value: "1"}]\n      ports: [{containerPort: 80}]\n  volumes: [{name: v, emptyDir: {}}]\n`,
    JSON.stringify({ apiVersion: "v1", kind: "List", items: [Bun.YAML.parse(minimalPod("web"))] }),
  ];
  const piece = oneof(
    string({ maxLength: 4 }),
    constantFrom(
      "\n",
      "  ",
      "- ",
      ": ",
      "*a",
      "&a ",
      "<<: ",
      "{",
      "}",
      "[",
      "]",
      "|\n",
      "!!",
      "---\n",
      "null",
      "__proto__: 1\n",
      "\t",
      "\0",
      "'",
      '"',
      "%",
      "\ufeff",
      "\ud800",
    ),
  );
  const mutation = tuple(nat(), integer({ min: 0, max: 12 }), piece);
  let slowestMs = 0;
  assert(
    property(constantFrom(...texts), tuple(mutation, mutation, mutation), (text, mutations) => {
      const mutated = mutations.reduce((whole, [position, removed, added]) => {
        const at = position % (whole.length + 1);
        return whole.slice(0, at) + added + whole.slice(at + removed);
      }, text);
      const before = performance.now();
      const { pods, problems } = validateFile("/m/x.yaml", mutated, options);
      slowestMs = Math.max(slowestMs, performance.now() - before);
      expect(pods.length === 0 || problems.length === 0).toBe(true);
      for (const { line, column } of problems) expect(line > 0 === column > 0).toBe(true);
    }),
    { numRuns: 5000 },
  );
  expect(slowestMs).toBeLessThan(100);
}, 60_000);
