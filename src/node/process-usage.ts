// What this process itself uses, under the names that Prometheus' own libraries have, and its share of memory. Read when asked.

import { readdirSync, readFileSync } from "node:fs";
import { counter, gauge, type MetricFamily } from "./metric.ts";

/** USER_HZ, on every machine that we run on. */
const ticksPerSecond = 100;

export function processMetrics(): readonly MetricFamily[] {
  const read = (path: string) => readFileSync(path, "latin1");
  // After the name, which may hold blanks and parentheses: proc_pid_stat(5) from field 3 on.
  const fields = read("/proc/self/stat").split(") ").at(-1)?.split(" ").map(Number) ?? [];
  const [userTicks = 0, systemTicks = 0] = fields.slice(11, 13);
  const threads = fields[17];
  const startTicks = fields[19] ?? 0;
  const bootSeconds = Number(/^btime (\d+)$/m.exec(read("/proc/stat"))?.[1] ?? 0);
  const status = read("/proc/self/status");
  const rollup = read("/proc/self/smaps_rollup");
  const bytes = (text: string, name: string) => {
    const kibibytes = new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(text)?.[1];
    return kibibytes === undefined ? undefined : Number(kibibytes) * 1024;
  };
  const filesMax = /^Max open files\s+(\d+)/m.exec(read("/proc/self/limits"))?.[1];
  return [
    counter(
      "process_cpu_seconds_total",
      "Total user and system CPU time spent in seconds.",
      (userTicks + systemTicks) / ticksPerSecond,
    ),
    gauge(
      "process_start_time_seconds",
      "Start time of the process since unix epoch in seconds.",
      bootSeconds + startTicks / ticksPerSecond,
    ),
    gauge("process_resident_memory_bytes", "Resident memory size in bytes.", bytes(status, "VmRSS")),
    gauge("process_virtual_memory_bytes", "Virtual memory size in bytes.", bytes(status, "VmSize")),
    gauge(
      "process_proportional_memory_bytes",
      "Resident memory in bytes, of what is shared only this process's share (PSS).",
      bytes(rollup, "Pss"),
    ),
    gauge(
      "process_anonymous_memory_bytes",
      "Memory in bytes that no file holds.",
      bytes(rollup, "Anonymous"),
    ),
    gauge("process_open_fds", "Number of open file descriptors.", readdirSync("/proc/self/fd").length - 1), // one is ours
    gauge(
      "process_max_fds",
      "Maximum number of open file descriptors.",
      filesMax === undefined ? undefined : Number(filesMax),
    ),
    gauge("process_threads", "Number of threads.", threads),
  ];
}
