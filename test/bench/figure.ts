// What a benchmark has found out, and how it is printed: beside the same work done by hand in the same run, and what is asked for.

export interface Figure {
  readonly what: string;
  readonly unit: string;
  readonly samples: readonly number[];
  /** Of the same work done by hand, or by nothing but what it takes in any case. */
  readonly floor?: readonly number[];
  /** Of the median; left out where nothing is asked for. */
  readonly target?: Target;
}

export interface Target {
  readonly atMost?: number;
  readonly atLeast?: number;
  /** Of the median to the floor's. */
  readonly ratioAtMost?: number;
}

export function printFigures(figures: readonly Figure[]): void {
  console.table(
    figures.map((figure) => ({
      what: figure.what,
      unit: figure.unit,
      median: shown(percentile(figure.samples, 0.5)),
      p99: figure.samples.length > 1 ? shown(percentile(figure.samples, 0.99)) : "",
      floor: figure.floor === undefined ? "" : shown(percentile(figure.floor, 0.5)),
      ratio: figure.floor === undefined ? "" : ratioOf(figure).toFixed(2),
      target: targetText(figure.target ?? {}),
      met: figure.target === undefined ? "" : isMet(figure, figure.target) ? "yes" : "NO",
    })),
  );
}

function isMet(figure: Figure, { atMost, atLeast, ratioAtMost }: Target): boolean {
  const median = percentile(figure.samples, 0.5);
  return (
    median <= (atMost ?? Number.POSITIVE_INFINITY) &&
    median >= (atLeast ?? Number.NEGATIVE_INFINITY) &&
    (ratioAtMost === undefined || ratioOf(figure) <= ratioAtMost)
  );
}

function ratioOf({ samples, floor = [] }: Figure): number {
  return percentile(samples, 0.5) / percentile(floor, 0.5);
}

function targetText({ atMost, atLeast, ratioAtMost }: Target): string {
  return [
    ...(atMost === undefined ? [] : [`<= ${atMost}`]),
    ...(atLeast === undefined ? [] : [`>= ${atLeast}`]),
    ...(ratioAtMost === undefined ? [] : [`ratio <= ${ratioAtMost}`]),
  ].join(", ");
}

function percentile(samples: readonly number[], part: number): number {
  const sorted = [...samples].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(part * sorted.length) - 1)] ?? Number.NaN;
}

function shown(value: number): string {
  return Number.isInteger(value) ? String(value) : value.toFixed(value < 10 ? 2 : 1);
}
