// A sample under the kubelet's names for GET /metrics/resource (pkg/kubelet/metrics/collectors/resource_metrics.go). Pure.

import { counter, gauge, type Labels, type MetricFamily, type MetricSample } from "./metric.ts";
import type { Sample } from "./sample.ts";

/** Undefined: it could not be measured. */
export function resourceMetrics(sample: Sample | undefined): readonly MetricFamily[] {
  const isError = sample === undefined ? 1 : 0;
  const errors = ["scrape_error", "resource_scrape_error"].map((name) =>
    gauge(name, "1 if there was an error while getting container metrics, 0 otherwise", isError),
  );
  return sample === undefined ? errors : [...usage(sample), ...errors];
}

function usage({ wallMs, node, pods }: Sample): readonly MetricFamily[] {
  const value = (
    labels: Labels,
    amount: number | undefined,
    timestampMs?: number,
  ): readonly MetricSample[] => (amount === undefined ? [] : [{ labels, value: amount, timestampMs }]);
  const now = (labels: Labels, amount: number | undefined) => value(labels, amount, wallMs);
  const seconds = (cpu: { readonly totalNs: number } | undefined) => cpu && cpu.totalNs / 1e9;
  const ofPod = pods.map((each) => ({
    ...each,
    labels: { namespace: each.pod.namespace, pod: each.pod.name },
  }));
  const ofContainer = ofPod.flatMap(({ containers, labels }) =>
    containers.map((each) => ({ ...each, labels: { container: each.container.name, ...labels } })),
  );
  return [
    counter(
      "node_cpu_usage_seconds_total",
      "Cumulative cpu time consumed by the node in core-seconds",
      now({}, seconds(node.cpu)),
    ),
    gauge(
      "node_memory_working_set_bytes",
      "Current working set of the node in bytes",
      now({}, node.memory?.workingSetBytes),
    ),
    gauge(
      "container_start_time_seconds",
      "Start time of the container since unix epoch in seconds",
      ofContainer.flatMap(({ container, labels }) => value(labels, container.startedAtMs / 1000)),
    ),
    counter(
      "container_cpu_usage_seconds_total",
      "Cumulative cpu time consumed by the container in core-seconds",
      ofContainer.flatMap(({ cpu, labels }) => now(labels, seconds(cpu))),
    ),
    gauge(
      "container_memory_working_set_bytes",
      "Current working set of the container in bytes",
      ofContainer.flatMap(({ memory, labels }) => now(labels, memory?.workingSetBytes)),
    ),
    counter(
      "pod_cpu_usage_seconds_total",
      "Cumulative cpu time consumed by the pod in core-seconds",
      ofPod.flatMap(({ cpu, labels }) => now(labels, seconds(cpu))),
    ),
    gauge(
      "pod_memory_working_set_bytes",
      "Current working set of the pod in bytes",
      ofPod.flatMap(({ memory, labels }) => now(labels, memory?.workingSetBytes)),
    ),
  ];
}
