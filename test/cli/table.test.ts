import { expect, test } from "bun:test";
import { parseDurationMs } from "../../src/cli/duration.ts";
import { UsageError } from "../../src/cli/failure.ts";
import { formatOutline, nested } from "../../src/cli/outline.ts";
import { Table } from "../../src/cli/table.ts";

test("columns are as wide as their widest cell, and stay where they are", () => {
  const table = new Table();
  expect(
    table.add([
      ["NAME", "READY", "AGE"],
      ["web-edge1", "1/1", "5s"],
    ]),
  ).toBe("NAME        READY   AGE\nweb-edge1   1/1     5s\n");
  expect(table.add([])).toBe("");
  expect(table.add([["a", "0/1", ""]])).toBe("a           0/1\n");
});

test("nothing that a pod says moves a terminal", () => {
  expect(new Table().add([["\x1b[2Jx\x9b1m", "two\nlines\tand more"]])).toBe(
    "\ufffd[2Jx\ufffd1m   two lines and more\n",
  );
});

test("an outline", () => {
  const outline = formatOutline([
    ["Name", "web"],
    ["Annotations", ["a: 1", "b: 2"]],
    ["Reason", undefined],
    ["Containers", nested([["main", nested([["Image", "i\nj"]])]])],
  ]);
  expect(outline).toBe(
    "Name:         web\nAnnotations:  a: 1\n              b: 2\nContainers:\n  main:\n    Image:  i j\n",
  );
});

test.each([
  ["0", 0],
  ["30s", 30_000],
  ["1h30m", 5_400_000],
  ["1.5s", 1500],
  ["250ms", 250],
])("%s is %d ms", (text, ms) => {
  expect(parseDurationMs("--timeout", text)).toBe(ms);
});

test.each(["", "5", "soon", "5s!", "-5s", "5 s"])("%j is no duration", (text) => {
  expect(() => parseDurationMs("--timeout", text)).toThrow(UsageError);
});
