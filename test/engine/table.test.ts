import { expect, test } from "bun:test";
import { formatTable } from "../../src/engine/table.ts";
import { recording } from "../fakes/recording.ts";

test.each(["10-fly/106", "10-fly/104", "10-fly/131", "30-host-multi-app/003"])(
  "lays out what rkt laid out in %s",
  (name) => {
    const { stdout } = recording(name);
    expect(formatTable(rowsOf(stdout))).toBe(stdout);
  },
);

test("a width ends with its block of rows", () => {
  const rows = [["a", "b"], ["longer cell", "c"], [""], ["d", "e"]];
  expect(formatTable(rows)).toBe("a\t\tb\nlonger cell\tc\n\nd\te\n");
});

/** The cells of a recorded table: where each column starts is where its header does. */
function rowsOf(table: string): string[][] {
  const lines = table.trimEnd().split("\n").map(expandTabs);
  const legend = lines[0] ?? "";
  const starts = [...legend.matchAll(/(?<=^|\s{2,}|\s(?=[A-Z]))[A-Z]+( (NAME|ID|TIME))?/g)].map(
    ({ index }) => index,
  );
  return table
    .trimEnd()
    .split("\n")
    .map((line) => {
      const wide = expandTabs(line).padEnd(legend.length);
      return starts.map((start, column) => wide.slice(start, starts[column + 1]).trim());
    });
}

function expandTabs(line: string): string {
  let wide = "";
  for (const c of line) wide += c === "\t" ? " ".repeat(8 - (wide.length % 8)) : c;
  return wide;
}
