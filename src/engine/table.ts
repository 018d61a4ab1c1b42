// Columns that are as wide as they must be, made with tab stops of 8: the layout of Go's text/tabwriter, in which rkt prints its lists.
// Invariant: a column's width is settled over consecutive rows that have a cell beyond it.

const tabStop = 8;

/** Rows of cells as text, a line each. The last cell of a row takes part in no column. */
export function formatTable(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  let text = "";

  const writeRow = (row: readonly string[]) => {
    row.forEach((cell, column) => {
      text += cell;
      const width = widths[column];
      if (column < row.length - 1 && width !== undefined)
        text += "\t".repeat(Math.ceil((width - cell.length) / tabStop));
    });
    text += "\n";
  };

  /** Lays out rows from `from` up to `to`, of which all columns left of `widths.length` are settled. */
  const layOut = (from: number, to: number) => {
    const column = widths.length;
    const reachesBeyond = (at: number) => (rows[at]?.length ?? 0) - 1 > column;
    let done = from;
    for (let at = from; at < to; at++) {
      if (!reachesBeyond(at)) continue;
      for (; done < at; done++) writeRow(rows[done] ?? []);
      let width = 0;
      for (; at < to && reachesBeyond(at); at++) width = Math.max(width, rows[at]?.[column]?.length ?? 0);
      widths.push(Math.ceil((width + 1) / tabStop) * tabStop);
      layOut(done, at);
      widths.pop();
      done = at;
      at--;
    }
    for (; done < to; done++) writeRow(rows[done] ?? []);
  };

  layOut(0, rows.length);
  return text;
}
