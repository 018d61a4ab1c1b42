import { expect, test } from "bun:test";
import { Counter, counter, gauge, Histogram, metricsText } from "../../src/node/metric.ts";

test("a family's text", () => {
  const families = [
    gauge("one", "A number\nof \\ things", 1.5),
    counter("two_total", "By label", [
      { labels: { pod: 'a"b\\c\nd' }, value: 2, timestampMs: 12 },
      { labels: { pod: "e" }, value: 1e21 },
    ]),
    gauge("none", "Without samples", undefined),
  ];
  expect(metricsText(families)).toBe(`# HELP one A number\\nof \\\\ things
# TYPE one gauge
one 1.5
# HELP two_total By label
# TYPE two_total counter
two_total{pod="a\\"b\\\\c\\nd"} 2 12
two_total{pod="e"} 1e+21
`);
});

test("a counter counts by label", () => {
  const probes = new Counter("probes_total", "Probes");
  probes.add({ pod: "a" });
  probes.add({ pod: "a" }, 2);
  probes.add({ pod: "b" });
  expect(probes.family.samples).toEqual([
    { labels: { pod: "a" }, value: 3 },
    { labels: { pod: "b" }, value: 1 },
  ]);
});

test("a histogram's buckets add up, and a bound belongs to its bucket", () => {
  const durations = new Histogram("took_seconds", "How long it took", [0.1, 1]);
  for (const value of [0.05, 0.1, 0.5, 3]) durations.observe(value, { kind: "x" });
  expect(metricsText([durations.family])).toBe(`# HELP took_seconds How long it took
# TYPE took_seconds histogram
took_seconds_bucket{kind="x",le="0.1"} 2
took_seconds_bucket{kind="x",le="1"} 3
took_seconds_bucket{kind="x",le="+Inf"} 4
took_seconds_sum{kind="x"} 3.65
took_seconds_count{kind="x"} 4
`);
});
