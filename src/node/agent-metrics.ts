// What the agent counts of its own work, under the kubelet's names where it has one.

import { Counter, counter, gauge, Histogram, type MetricFamily, type MetricSample } from "./metric.ts";
import { StartTimes } from "./start-times.ts";

/** The kubelet's, for what may take as long as a pull. */
const startBounds = [
  0.5, 1, 2, 3, 4, 5, 6, 8, 10, 20, 30, 45, 60, 120, 180, 240, 300, 360, 480, 600, 900, 1200, 1800, 2700,
  3600,
];
/** Prometheus' own. */
const bounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** What is there at the moment, asked for with the rest. */
export interface AgentState {
  readonly runningPods: number;
  /** By state: `running`, `exited`, `created`. */
  readonly containers: ReadonlyMap<string, number>;
  readonly desiredPods: number;
  /** By state: `accepted`, `rejected`, `skipped`. */
  readonly manifests: ReadonlyMap<string, number>;
  readonly stuckThings: number;
  readonly probes: readonly { readonly kind: string; readonly result: string; readonly count: number }[];
  readonly nodeName: string;
  readonly version: string;
}

export interface Operation {
  readonly type: string;
  readonly seconds: number;
  readonly isError: boolean;
}

export class AgentMetrics {
  readonly #passes = new Counter(
    "gantry_reconcile_passes_total",
    "Looks at the machine, by what asked for them; one that many asked for counts for each.",
  );
  readonly #relists = new Histogram(
    "kubelet_pleg_relist_duration_seconds",
    "Duration in seconds for looking at all pods of the machine.",
    bounds,
  );
  readonly #operations = new Counter(
    "kubelet_runtime_operations_total",
    "Cumulative number of runtime operations by operation type.",
  );
  readonly #operationErrors = new Counter(
    "kubelet_runtime_operations_errors_total",
    "Cumulative number of runtime operation errors by operation type.",
  );
  readonly #operationDurations = new Histogram(
    "kubelet_runtime_operations_duration_seconds",
    "Duration in seconds of runtime operations by operation type.",
    [
      0.005, 0.0125, 0.03125, 0.078125, 0.1953125, 0.48828125, 1.220703125, 3.0517578125, 7.62939453125,
      19.0734863281, 47.6837158203, 119.2092895508, 298.023223877,
    ],
  );
  readonly #podStarts = new Histogram(
    "kubelet_pod_start_duration_seconds",
    "Duration in seconds from seeing a pod for the first time to the pod starting to run",
    startBounds,
  );
  readonly #ready = new Histogram(
    "gantry_manifest_ready_duration_seconds",
    "Duration in seconds from a change of a manifest to its pod being Ready",
    [0.1, 0.25, ...startBounds],
  );
  readonly #evictions = new Counter(
    "kubelet_evictions",
    "Cumulative number of pod evictions by eviction signal",
  );
  readonly #imagesCollected = new Counter(
    "kubelet_image_garbage_collected_total",
    "Total number of images garbage collected, by the reason for it.",
  );
  readonly starts = new StartTimes({
    onRunning: (seconds) => this.#podStarts.observe(seconds),
    onReady: (seconds) => this.#ready.observe(seconds),
  });

  countPass(reasons: readonly string[]): void {
    for (const reason of reasons) this.#passes.add({ reason });
  }

  countLook(seconds: number): void {
    this.#relists.observe(seconds);
  }

  countOperation({ type, seconds, isError }: Operation): void {
    const labels = { operation_type: type };
    this.#operations.add(labels);
    this.#operationDurations.observe(seconds, labels);
    if (isError) this.#operationErrors.add(labels);
  }

  countEviction(signal: string): void {
    this.#evictions.add({ eviction_signal: signal });
  }

  countCollectedImage(): void {
    this.#imagesCollected.add({ reason: "space" });
  }

  families(state: AgentState): readonly MetricFamily[] {
    const byLabel = (label: string, counts: ReadonlyMap<string, number>): readonly MetricSample[] =>
      [...counts].map(([name, value]) => ({ labels: { [label]: name }, value }));
    return [
      gauge("gantry_build_info", "The version; the value is always 1.", [
        { labels: { version: state.version }, value: 1 },
      ]),
      gauge("kubelet_node_name", "The node's name. The count is always 1.", [
        { labels: { node: state.nodeName }, value: 1 },
      ]),
      gauge("kubelet_running_pods", "Number of pods that have a running pod sandbox", state.runningPods),
      gauge(
        "kubelet_running_containers",
        "Number of containers by their state",
        byLabel("container_state", state.containers),
      ),
      gauge("kubelet_desired_pods", "The number of pods that the manifests ask for", [
        { labels: { static: "true" }, value: state.desiredPods },
      ]),
      gauge("gantry_manifests", "Manifest files by what became of them", byLabel("state", state.manifests)),
      gauge("gantry_stuck_things", "What should be gone and could not be removed yet", state.stuckThings),
      counter(
        "prober_probe_total",
        "Cumulative number of probes of containers by result.",
        state.probes.map(({ kind, result, count }) => ({
          labels: { probe_type: kind.replace(/^./, (letter) => letter.toUpperCase()), result },
          value: count,
        })),
      ),
      ...[
        this.#passes,
        this.#relists,
        this.#operations,
        this.#operationErrors,
        this.#operationDurations,
        this.#podStarts,
        this.#ready,
        this.#evictions,
        this.#imagesCollected,
      ].map(({ family }) => family),
    ];
  }
}
