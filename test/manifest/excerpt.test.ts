import { expect, test } from "bun:test";
import { excerptOf } from "../../src/manifest/excerpt.ts";
import type { Problem } from "../../src/pod/problem.ts";

function problemAt(line: number): Problem {
  return { code: "Invalid", file: "/a.yaml", line, column: 1, field: "", message: "", hint: "" };
}

const numbered = Array.from({ length: 20 }, (_, index) => `line ${index + 1}`).join("\n");

test("the lines around each problem, once each", () => {
  const lines = excerptOf(numbered, [problemAt(1), problemAt(10), problemAt(11)]).map(({ line }) => line);
  expect(lines).toEqual([1, 2, 3, 8, 9, 10, 11, 12, 13]);
});

test("none for a problem of the whole file far from it", () => {
  expect(excerptOf(numbered, [problemAt(-5)])).toEqual([]);
});

test.each([
  ["kind: Secret"],
  ['{"kind": "Secret"}'],
  ["kind: 'Secret'"],
  ["kind: SecretList"],
  ["kind: *alias"],
  ["kind: !!str Secret"],
  ['kind: "\\x53ecret"'],
  ["? kind\n: Secret"],
  ["stringData: {password: x"],
])("none of a file that may hold a Secret: %s", (text) => {
  expect(excerptOf(`${text}\npassword: hunter2`, [problemAt(1)])).toEqual([]);
});
