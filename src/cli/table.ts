// Tables as kubectl prints them: columns three spaces apart, as wide as their widest cell.

import { type Color, onOneLine, paint } from "./output.ts";

export type Cell = string | { readonly text: string; readonly color: Color | undefined };
export type Row = readonly Cell[];

const gap = 3;
const widthMin = 6;

/** Keeps its columns where they are when rows are added later. */
export class Table {
  #widths: readonly number[] = [];

  /** The rows as lines. */
  add(rows: readonly Row[]): string {
    const columns = Math.max(this.#widths.length, ...rows.map((row) => row.length));
    this.#widths = Array.from({ length: columns }, (_, column) =>
      Math.max(this.#widths[column] ?? widthMin, ...rows.map((row) => textOf(row[column]).length + gap)),
    );
    return rows.map((row) => `${this.#line(row)}\n`).join("");
  }

  #line(row: Row): string {
    return row
      .map((cell, column) => {
        const text = textOf(cell);
        const isLast = row.slice(column + 1).every((later) => textOf(later) === "");
        const padding = isLast ? "" : " ".repeat((this.#widths[column] ?? 0) - text.length);
        return paint(text, typeof cell === "string" ? undefined : cell.color) + padding;
      })
      .join("");
  }
}

function textOf(cell: Cell | undefined): string {
  return onOneLine(typeof cell === "object" ? cell.text : (cell ?? ""));
}
