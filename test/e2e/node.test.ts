// What a machine and its pods use, by the kubelet's paths, compared with what systemd and the kernel count themselves.

import { expect, test } from "bun:test";
import { mkdir, readFile } from "node:fs/promises";
import type { Node, PodList } from "kubernetes-types/core/v1.d.ts";
import { waitUntil } from "../wait-until.ts";
import { Machine, run, uuidOf } from "./machine.ts";

const mebibyte = 1024 * 1024;

/** Takes 20 MiB, writes 3 MiB into its root and 2 MiB into a volume, works all the time. */
function busyManifest(image: string): string {
  return `apiVersion: v1
kind: Pod
metadata:
  name: busy
spec:
  terminationGracePeriodSeconds: 2
  containers:
    - name: main
      image: ${image}
      command:
        - /bin/sh
        - -c
        - |
          dd if=/dev/zero of=/tmp/written bs=1M count=3
          dd if=/dev/zero of=/scratch/kept bs=1M count=2
          (while :; do :; done) &
          head -c 20971520 /dev/zero | tail -c 20971520 | sleep 1000
      volumeMounts:
        - {name: scratch, mountPath: /scratch}
    - name: idle
      image: ${image}
      command: [sleep, "1000"]
      resources:
        limits: {memory: 64Mi}
  volumes:
    - name: scratch
      emptyDir: {}
`;
}

interface Summary {
  readonly node: Record<string, never> & { readonly memory: { readonly availableBytes: number } };
  readonly pods: readonly PodStats[];
}
interface Stats {
  readonly cpu?: { readonly usageNanoCores?: number; readonly usageCoreNanoSeconds: number };
  readonly memory?: {
    readonly usageBytes: number;
    readonly workingSetBytes: number;
    readonly availableBytes?: number;
  };
}
interface PodStats extends Stats {
  readonly podRef: { readonly name: string };
  readonly containers: readonly (Stats & {
    readonly name: string;
    readonly rootfs?: { readonly usedBytes: number };
  })[];
  readonly network?: { readonly name: string; readonly rxBytes: number };
  readonly volume?: readonly { readonly name: string; readonly usedBytes: number }[];
  readonly "ephemeral-storage"?: { readonly usedBytes: number };
  readonly process_stats?: { readonly process_count: number };
}

async function json<T>(machine: Machine, path: string): Promise<T> {
  const response = await machine.get(path);
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  return (await response.json()) as T;
}

async function unitNumber(unit: string, property: string): Promise<number> {
  return Number((await run("systemctl", "show", "--value", "-p", property, unit)).trim());
}

/** What promtool says of it: nothing, where all is well. */
async function promtool(text: string): Promise<string> {
  const child = Bun.spawn(["promtool", "check", "metrics"], {
    stdin: new TextEncoder().encode(text),
    stdout: "pipe",
    stderr: "pipe",
  });
  return (await child.stdout.text()) + (await child.stderr.text());
}

test("statistics agree with systemd's own, and metrics are as Prometheus wants them", async () => {
  await using machine = await Machine.create();
  await mkdir(`${machine.path}/state`, { recursive: true });
  await machine.startAgent();
  await machine.write("busy.yaml", busyManifest(machine.image));
  const pod = await machine.waitForReady("busy");
  const uuid = uuidOf(pod);
  const [main, idle] = ["main", "idle"].map((name) => `gantry-${uuid}-${name}.service`) as [string, string];
  await waitUntil(
    "its memory to be taken",
    async () => (await unitNumber(main, "MemoryCurrent")) > 24 * mebibyte,
  );

  const { node, pods } = await json<Summary>(machine, "/stats/summary");
  const [stats] = pods;
  const container = (name: string) => stats?.containers.find((each) => each.name === name);
  expect(pods.map(({ podRef }) => podRef.name)).toEqual(["busy-node"]);
  expect(container("main")?.memory?.usageBytes).toBeWithin(
    0.9 * (await unitNumber(main, "MemoryCurrent")),
    1.1 * (await unitNumber(main, "MemoryCurrent")),
  );
  expect(container("idle")?.memory?.availableBytes).toBeWithin(60 * mebibyte, 64 * mebibyte + 1);
  expect(container("main")?.memory?.availableBytes).toBeUndefined();
  expect(stats?.memory?.workingSetBytes).toBeGreaterThanOrEqual(
    container("main")?.memory?.workingSetBytes ?? 0,
  );
  const tasks = (await unitNumber(main, "TasksCurrent")) + (await unitNumber(idle, "TasksCurrent"));
  expect(stats?.process_stats?.process_count).toBeWithin(tasks, tasks + 3); // and the pod unit's own

  const worked = await processSeconds(main);
  expect((container("main")?.cpu?.usageCoreNanoSeconds ?? 0) / 1e9).toBeWithin(worked - 2, worked + 0.5);
  expect(container("main")?.cpu?.usageNanoCores).toBeGreaterThan(100_000_000);
  expect(container("idle")?.cpu?.usageNanoCores).toBeLessThan(50_000_000);
  expect(stats?.cpu?.usageNanoCores).toBeGreaterThanOrEqual(container("main")?.cpu?.usageNanoCores ?? 0);

  expect(stats?.network?.name).toBe("eth0");
  expect(stats?.volume).toMatchObject([{ name: "scratch" }]);
  expect(stats?.volume?.[0]?.usedBytes).toBeWithin(2 * mebibyte, 3 * mebibyte);
  expect(container("main")?.rootfs?.usedBytes).toBeWithin(3 * mebibyte, 4 * mebibyte);
  expect(stats?.["ephemeral-storage"]?.usedBytes).toBeWithin(5 * mebibyte, 6 * mebibyte);
  expect(node).toMatchObject({ nodeName: "node", fs: { capacityBytes: expect.any(Number) } } as object);
  const available =
    Number(/^MemAvailable: +(\d+)/m.exec(await readFile("/proc/meminfo", "utf8"))?.[1]) * 1024;
  expect(node.memory.availableBytes).toBeWithin(available - 200 * mebibyte, available + 200 * mebibyte);

  await checkMetrics(machine);
  await checkNode(machine);
});

/** Seconds of CPU that its processes that are there have used. */
async function processSeconds(unit: string): Promise<number> {
  const cgroup = (await run("systemctl", "show", "--value", "-p", "ControlGroup", unit)).trim();
  const pids = (await run("sh", "-c", `cat /sys/fs/cgroup/*${cgroup}/cgroup.procs | sort -u`)).split("\n");
  let ticks = 0;
  for (const pid of pids.filter((each) => each !== "")) {
    const fields = (await readFile(`/proc/${pid}/stat`, "latin1")).split(") ").at(-1)?.split(" ") ?? [];
    ticks += Number(fields[11]) + Number(fields[12]);
  }
  return ticks / 100;
}

async function checkMetrics(machine: Machine): Promise<void> {
  const resources = await (await machine.get("/metrics/resource")).text();
  expect(await promtool(resources)).toBe("");
  const labels = 'container="main",namespace="default",pod="busy-node"';
  expect(resources).toMatch(
    new RegExp(`^container_cpu_usage_seconds_total\\{${labels}\\} [0-9.]+ \\d+$`, "m"),
  );
  expect(resources).toMatch(new RegExp(`^container_memory_working_set_bytes\\{${labels}\\} \\d+ \\d+$`, "m"));
  expect(resources).toContain("\nresource_scrape_error 0\n");

  const text = await waitUntil("the Pod to count as ready", async () => {
    const metrics = await (await machine.get("/metrics")).text();
    return metrics.includes("gantry_manifest_ready_duration_seconds_count 1\n") && metrics;
  });
  // The kubelet's own name is without the suffix that a counter should have; there were none yet.
  expect(await promtool(text)).toBe("");
  for (const line of [
    /^gantry_build_info\{version="[^"]+"\} 1$/m,
    /^gantry_manifests\{state="accepted"\} 1$/m,
    /^gantry_reconcile_passes_total\{reason="manifests"\} \d+$/m,
    /^kubelet_running_pods 1$/m,
    /^kubelet_running_containers\{container_state="running"\} 2$/m,
    /^kubelet_pod_start_duration_seconds_count 1$/m,
    /^kubelet_pleg_relist_duration_seconds_count [1-9]\d*$/m,
    /^kubelet_runtime_operations_total\{operation_type="create_container"\} 1$/m,
    /^kubelet_runtime_operations_duration_seconds_count\{operation_type="start_container"\} 1$/m,
    /^process_open_fds [1-9]\d*$/m,
    /^process_resident_memory_bytes [1-9]\d*$/m,
    /^process_proportional_memory_bytes [1-9]\d*$/m,
    /^process_cpu_seconds_total [0-9.]+$/m,
  ])
    expect(text).toMatch(line);
}

async function checkNode(machine: Machine): Promise<void> {
  const node = await json<Node>(machine, "/node");
  expect(node.metadata?.name).toBe("node");
  expect(node.status?.conditions?.map(({ type, status }) => [type, status])).toEqual([
    ["MemoryPressure", "False"],
    ["DiskPressure", "False"],
    ["PIDPressure", "False"],
  ]);
  expect(await json<object>(machine, "/spec/")).toMatchObject({
    num_cores: navigator.hardwareConcurrency,
    memory_capacity: expect.any(Number),
    boot_id: (await readFile("/proc/sys/kernel/random/boot_id", "utf8")).trim(),
  });
  const running = await json<PodList>(machine, "/runningpods/");
  expect(
    running.items.map(({ metadata, spec }) => [metadata?.name, spec?.containers.map(({ name }) => name)]),
  ).toEqual([["busy-node", ["main", "idle"]]]);
  const { items } = await json<{ items: readonly object[] }>(machine, "/images");
  expect(items).toEqual([
    {
      id: expect.stringMatching(/^sha512-[0-9a-f]{64}$/),
      names: [expect.any(String), machine.image],
      sizeBytes: expect.any(Number),
      importedAt: expect.any(String),
      lastUsedAt: expect.any(String),
      isOurs: true,
      usedBy: ["default/busy-node"],
    },
  ]);
}
