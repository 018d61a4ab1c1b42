import { expect, test } from "bun:test";
import { expand } from "../../src/pod/expansion.ts";
import vectors from "./fixtures/expansion.json";

test.each(vectors.cases)('kubelet: "$in"', (vector) => {
  expect(expand(vector.in, new Map(Object.entries(vectors.env)))).toBe(vector.out);
});

const variables = new Map([
  ["VAR_A", "A"],
  ["VAR_B", "B"],
  ["VAR_C", "C"],
  ["VAR_REF", "$(VAR_A)"],
  ["VAR_EMPTY", ""],
]);

test.each([
  ["$(VAR_A)-$(VAR_A)", "A-A"],
  ["___$(VAR_B)___", "___B___"],
  ["$$(VAR_B)_$(VAR_A)", "$(VAR_B)_A"],
  ["$$(VAR_A)_$$(VAR_B)", "$(VAR_A)_$(VAR_B)"],
  ["f000-$$VAR_A", "f000-$VAR_A"],
  ["foo\\$(VAR_C)bar", "foo\\Cbar"],
  ["$(VAR_A$(VAR_B))", "$(VAR_A$(VAR_B))"],
  ["$(VAR_A$(VAR_B)", "$(VAR_A$(VAR_B)"],
  ["$(VAR_REF)", "$(VAR_A)"],
  ["foo$(VAR_EMPTY)bar", "foobar"],
  ["foo$(VAR_Awhoops!", "foo$(VAR_Awhoops!"],
  ["f00__(VAR_A)__", "f00__(VAR_A)__"],
  ["$?_boo_$!", "$?_boo_$!"],
  ["$VAR_A", "$VAR_A"],
  ["$(VAR_DNE)", "$(VAR_DNE)"],
  ["$\u007bVAR_A}", "$\u007bVAR_A}"],
  ["$$$$$$(BIG_MONEY)", "$$$(BIG_MONEY)"],
  ["$$$$$$(VAR_A)", "$$$(VAR_A)"],
  ["$$$$$$$(GOOD_ODDS)", "$$$$(GOOD_ODDS)"],
  ["$$$$$$$(VAR_A)", "$$$A"],
  ["$VAR_A)", "$VAR_A)"],
  ["$(VAR_B)_______$(A", "B_______$(A"],
  ["$(VAR_C)_______$(", "C_______$("],
  ["$(VAR_A)foobarzab$", "Afoobarzab$"],
  ["foo-\\$(VAR_A", "foo-\\$(VAR_A"],
  ["--$($($($($--", "--$($($($($--"],
  ["$($($($($--foo$(", "$($($($($--foo$("],
  ["foo0--$($($($(", "foo0--$($($($("],
  ["$(foo$$var)", "$(foo$$var)"],
  ["\n", "\n"],
])("kubelet's expand_test.go: %s", (text, expanded) => {
  expect(expand(text, variables)).toBe(expanded);
});

test("a megabyte of openings takes no time", () => {
  const start = performance.now();
  const text = "$(".repeat(500_000);
  expect(expand(text, variables)).toBe(text);
  expect(performance.now() - start).toBeLessThan(500);
});
