// Input that means harm, or is none at all: a clear Problem, soon.

import { describe, expect, test } from "bun:test";
import { nat, sample } from "fast-check";
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
    [
      "a long text repeated by aliases",
      `apiVersion: v1\nkind: Pod\nx: &x ${"a".repeat(900_000)}\nmetadata: {name: web}\nspec: {containers: [{name: a, image: b, args: [${"*x,".repeat(20_000)}]}]}`,
    ],
    [
      "a long text repeated by aliases in a ConfigMap",
      `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\nbinaryData: {a: &x ${"a".repeat(900_000)}, ${Array.from({ length: 2000 }, (_, i) => `k${i}: *x`)}}`,
    ],
    [
      "a little too much text in a ConfigMap",
      `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {a: &x ${"a".repeat(600_000)}, b: *x}`,
    ],
    [
      "aliases in aliases where nothing is looked into",
      `apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec:\n  containers: [{name: a, image: b}]\n  affinity:\n    a0: &a0 x\n${Array.from({ length: 700 }, (_, i) => `    a${i + 1}: &a${i + 1} ${"[".repeat(50)}*a${i}${"]".repeat(50)}\n`).join("")}`,
    ],
    ["many containers", `${minimalPod("web")}${"    - {name: a}\n".repeat(50_000)}`],
  ])(
    "%s",
    (_, text) => {
      const before = performance.now();
      const { content, problems } = validateFile("/m/x.yaml", text, options);
      expect(performance.now() - before).toBeLessThan(4000);
      expect(content.pods).toEqual([]);
      expect(problems.length).toBeWithin(1, 101);
      for (const { message } of problems) expect(message.length).toBeLessThan(1500);
    },
    20_000,
  );
});
