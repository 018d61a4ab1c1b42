// Names and values below each other, values in one column, as kubectl describes things. Pure.

import { onOneLine } from "./output.ts";

/** A value may be lines of its own, or an outline below its name; undefined leaves it out. */
export type Outline = readonly (readonly [
  name: string,
  value: string | readonly string[] | Nested | undefined,
])[];

interface Nested {
  readonly outline: Outline;
}

export function nested(outline: Outline): Nested {
  return { outline };
}

export function formatOutline(outline: Outline, indent = 0): string {
  const shown = outline.filter(([, value]) => value !== undefined);
  const names = shown.filter(([, value]) => !isNested(value)).map(([name]) => name.length);
  const width = Math.max(0, ...names) + 3;
  const margin = " ".repeat(indent);
  return shown
    .map(([name, value = ""]) => {
      if (isNested(value)) return `${margin}${name}:\n${formatOutline(value.outline, indent + 2)}`;
      const [first = "", ...rest] = [value].flat().map(onOneLine);
      const lines = [`${`${name}:`.padEnd(width)}${first}`, ...rest.map((line) => " ".repeat(width) + line)];
      return lines.map((line) => `${margin}${line}`.trimEnd().concat("\n")).join("");
    })
    .join("");
}

function isNested(value: Outline[number][1]): value is Nested {
  return typeof value === "object" && "outline" in value;
}
