// Numbers for Prometheus: families of samples, their text, and the instruments that count. Ours, as prom-client costs 10 MB and 7 ms.

export type Labels = Readonly<Record<string, string>>;

export interface MetricFamily {
  readonly name: string;
  readonly help: string;
  readonly kind: "counter" | "gauge" | "histogram";
  readonly samples: readonly MetricSample[];
}

export interface MetricSample {
  /** What follows the family's name: `_bucket`, `_sum`, `_count` of a histogram. */
  readonly suffix?: string;
  readonly labels?: Labels | undefined;
  readonly value: number;
  /** Milliseconds since the epoch; undefined: when it is asked for. */
  readonly timestampMs?: number | undefined;
}

/** The text format, version 0.0.4. A family without samples is left out. */
export function metricsText(families: readonly MetricFamily[]): string {
  return families
    .filter(({ samples }) => samples.length > 0)
    .map(({ name, help, kind, samples }) =>
      [
        `# HELP ${name} ${escapeHelp(help)}`,
        `# TYPE ${name} ${kind}`,
        ...samples.map((sample) => line(name, sample)),
      ]
        .map((text) => `${text}\n`)
        .join(""),
    )
    .join("");
}

export function gauge(
  name: string,
  help: string,
  samples: readonly MetricSample[] | number | undefined,
): MetricFamily {
  const all = typeof samples === "number" ? [{ value: samples }] : (samples ?? []);
  return { name, help, kind: "gauge", samples: all };
}

export function counter(
  name: string,
  help: string,
  samples: readonly MetricSample[] | number | undefined,
): MetricFamily {
  return { ...gauge(name, help, samples), kind: "counter" };
}

export class Counter {
  readonly #name: string;
  readonly #help: string;
  readonly #values = new Map<string, { readonly labels: Labels; value: number }>();

  constructor(name: string, help: string) {
    this.#name = name;
    this.#help = help;
  }

  add(labels: Labels = {}, amount = 1): void {
    const key = JSON.stringify(labels);
    const entry = this.#values.get(key) ?? { labels, value: 0 };
    this.#values.set(key, entry);
    entry.value += amount;
  }

  get family(): MetricFamily {
    return counter(this.#name, this.#help, [...this.#values.values()]);
  }
}

export class Histogram {
  readonly #name: string;
  readonly #help: string;
  readonly #bounds: readonly number[];
  readonly #series = new Map<string, { readonly labels: Labels; readonly counts: number[]; sum: number }>();

  /** `bounds` rise; what is greater than all of them is counted too. */
  constructor(name: string, help: string, bounds: readonly number[]) {
    this.#name = name;
    this.#help = help;
    this.#bounds = bounds;
  }

  observe(value: number, labels: Labels = {}): void {
    const key = JSON.stringify(labels);
    const series = this.#series.get(key) ?? {
      labels,
      counts: Array.from({ length: this.#bounds.length + 1 }, () => 0),
      sum: 0,
    };
    this.#series.set(key, series);
    const at = this.#bounds.findIndex((bound) => value <= bound);
    const index = at === -1 ? this.#bounds.length : at;
    series.counts[index] = (series.counts[index] ?? 0) + 1;
    series.sum += value;
  }

  get family(): MetricFamily {
    const samples = [...this.#series.values()].flatMap(({ labels, counts, sum }): MetricSample[] => {
      let value = 0;
      const buckets = counts.map((count, index) => {
        value += count;
        const le = String(this.#bounds[index] ?? "+Inf");
        return { suffix: "_bucket", labels: { ...labels, le }, value };
      });
      return [...buckets, { suffix: "_sum", labels, value: sum }, { suffix: "_count", labels, value }];
    });
    return { name: this.#name, help: this.#help, kind: "histogram", samples };
  }
}

function line(name: string, { suffix = "", labels = {}, value, timestampMs }: MetricSample): string {
  const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escapeLabel(text)}"`);
  const set = pairs.length > 0 ? `{${pairs.join(",")}}` : "";
  return `${name}${suffix}${set} ${value}${timestampMs === undefined ? "" : ` ${timestampMs}`}`;
}

function escapeHelp(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
}

function escapeLabel(text: string): string {
  return escapeHelp(text).replaceAll('"', '\\"');
}
