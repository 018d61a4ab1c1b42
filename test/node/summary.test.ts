import { expect, test } from "bun:test";
import { metricsText } from "../../src/node/metric.ts";
import { resourceMetrics } from "../../src/node/resource-metrics.ts";
import type { Sample } from "../../src/node/sample.ts";
import { statsSummary } from "../../src/node/summary.ts";
import type { PodUid } from "../../src/pod/names.ts";

const wallMs = Date.UTC(2026, 0, 1, 12);
const space = { totalBytes: 1000, freeBytes: 400, inodes: 100, inodesFree: 90 };
const memory = {
  usageBytes: 500,
  workingSetBytes: 300,
  rssBytes: 200,
  pageFaults: 9,
  majorPageFaults: 1,
  limitBytes: 1000,
};
const eth0 = { name: "eth0", rxBytes: 1, rxErrors: 2, txBytes: 3, txErrors: 4 };

const sample: Sample = {
  wallMs,
  node: {
    startedAtMs: wallMs - 3_600_000,
    cpu: { totalNs: 7_000_000_000, nanoCores: 500 },
    memory,
    network: { defaultInterface: "ens3", interfaces: [eth0] },
    nodeFs: space,
    imageFs: space,
    tasks: 12,
    tasksMax: 100,
  },
  pods: [
    {
      pod: {
        uid: "abc" as PodUid,
        namespace: "default",
        name: "web-node",
        startedAtMs: wallMs - 60_000,
        hasOwnNetwork: true,
        cgroup: "/gantry.slice/gantry-abc.slice",
        containers: [],
        volumes: [{ name: "scratch", path: "/scratch", isOnDisk: true }],
      },
      cpu: { totalNs: 1_500_000_000, nanoCores: 20 },
      memory: { ...memory, limitBytes: undefined },
      tasks: 3,
      network: { defaultInterface: "eth0", interfaces: [eth0] },
      containers: [
        {
          container: { name: "main", startedAtMs: wallMs - 59_500, cgroup: "", written: "/upper" },
          cpu: { totalNs: 1_000_000_000, nanoCores: undefined },
          memory: undefined,
          written: { bytes: 10, inodes: 1 },
        },
      ],
      volumes: new Map([["scratch", { bytes: 5, inodes: 2 }]]),
    },
  ],
};

test("a summary as the kubelet's", () => {
  const time = "2026-01-01T12:00:00Z";
  const disk = { time, availableBytes: 400, capacityBytes: 1000, inodes: 100, inodesFree: 90 };
  const used = {
    time,
    usageBytes: 500,
    workingSetBytes: 300,
    rssBytes: 200,
    pageFaults: 9,
    majorPageFaults: 1,
  };
  expect(statsSummary(sample, "node")).toEqual({
    node: {
      nodeName: "node",
      startTime: "2026-01-01T11:00:00Z",
      cpu: { time, usageNanoCores: 500, usageCoreNanoSeconds: 7_000_000_000 },
      memory: { ...used, availableBytes: 700 },
      network: { time, name: "", interfaces: [eth0] }, // the kubelet's, too, is empty without the default interface
      fs: { ...disk, usedBytes: 600, inodesUsed: 10 },
      runtime: {
        imageFs: { ...disk, usedBytes: 600, inodesUsed: 10 },
        containerFs: { ...disk, usedBytes: 600, inodesUsed: 10 },
      },
      rlimit: { time, maxpid: 100, curproc: 12 },
    },
    pods: [
      {
        podRef: { name: "web-node", namespace: "default", uid: "abc" },
        startTime: "2026-01-01T11:59:00Z",
        containers: [
          {
            name: "main",
            startTime: "2026-01-01T11:59:00Z",
            cpu: { time, usageCoreNanoSeconds: 1_000_000_000 },
            rootfs: { ...disk, usedBytes: 10, inodesUsed: 1 },
          },
        ],
        cpu: { time, usageNanoCores: 20, usageCoreNanoSeconds: 1_500_000_000 },
        memory: used,
        network: { time, ...eth0, interfaces: [eth0] },
        volume: [{ ...disk, usedBytes: 5, inodesUsed: 2, name: "scratch" }],
        "ephemeral-storage": { ...disk, usedBytes: 15, inodesUsed: 3 },
        process_stats: { process_count: 3 },
      },
    ],
  });
});

test("resource metrics as the kubelet's: what was not measured is left out", () => {
  expect(metricsText(resourceMetrics(sample)).replaceAll(/^# .*\n/gm, "")).toBe(
    `node_cpu_usage_seconds_total 7 ${wallMs}
node_memory_working_set_bytes 300 ${wallMs}
container_start_time_seconds{container="main",namespace="default",pod="web-node"} ${(wallMs - 59_500) / 1000}
container_cpu_usage_seconds_total{container="main",namespace="default",pod="web-node"} 1 ${wallMs}
pod_cpu_usage_seconds_total{namespace="default",pod="web-node"} 1.5 ${wallMs}
pod_memory_working_set_bytes{namespace="default",pod="web-node"} 300 ${wallMs}
scrape_error 0
resource_scrape_error 0
`,
  );
  expect(metricsText(resourceMetrics(undefined))).toContain("resource_scrape_error 1\n");
});
