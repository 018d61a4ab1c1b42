// A machine that is booted, goes down and is booted again on the same disk: a disposable systemd inside of the tests' own, whose /run,
// processes, mounts and networks are gone each time.

import { expect, test } from "bun:test";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { formatDuration } from "../../src/status/waiting-state.ts";
import { writeAci } from "../aci.ts";
import { executable } from "../e2e/executable.ts";
import { tempDir } from "../temp-dir.ts";
import type { BootPlan, Seen } from "./boot.ts";

interface PodOptions {
  readonly name: string;
  readonly image: string;
  readonly restartPolicy?: string;
  readonly annotations?: string;
  /** From its start until it is Ready. */
  readonly startSeconds?: number;
  /** From when it is told to end until it does. */
  readonly endSeconds?: number;
  /** What it does from then on. */
  readonly stay?: string;
}

/** In a network of its own; tells when it starts, is Ready and has ended in peace. */
function pod(options: PodOptions, path: string): string {
  const { name, image, restartPolicy = "Always", annotations = "" } = options;
  const { startSeconds = 0, endSeconds = 0, stay = "sleep 1000000 & wait" } = options;
  const tell = (what: string) => `echo ${name} ${what} >>/told/all`;
  const script = `trap 'sleep ${endSeconds}; ${tell("ended")}; exit 0' TERM
${tell("started")}; sleep ${startSeconds}; ${tell("up")}; touch /tmp/up; ${stay}`;
  return `apiVersion: v1
kind: Pod
metadata: {name: ${name}, annotations: {${annotations}}}
spec:
  terminationGracePeriodSeconds: 20
  restartPolicy: ${restartPolicy}
  containers:
    - name: main
      image: ${image}
      imagePullPolicy: Always
      command: [/bin/sh, -c, ${JSON.stringify(script)}]
      readinessProbe: {exec: {command: [test, -e, /tmp/up]}, periodSeconds: 1}
      volumeMounts: [{name: told, mountPath: /told}]
  volumes: [{name: told, hostPath: {path: ${path}/told}}]
`;
}

const started = ["started", "up"];
const address = "192.0.2.7";

test("a machine loses its power, boots without its registry, is shut down, and boots with it again", async () => {
  await using dir = await tempDir();
  const { path } = dir;
  for (const name of ["manifests", "told"]) await mkdir(`${path}/${name}`);
  const image = `${path}/busybox.aci`;
  await writeAci(image);
  const backOff = "gantry.io/restart-backoff: 1s";
  const pods: readonly PodOptions[] = [
    { name: "local", image },
    { name: "never", image, restartPolicy: "Never" },
    { name: "pulled", image: "127.0.0.1:5000/app:1" },
    { name: "db", image, startSeconds: 1 },
    // The more of its grace period it needs, the later is db told to end.
    { name: "web", image, annotations: "gantry.io/after: default/db", endSeconds: 4 },
    { name: "crashing", image, annotations: backOff, stay: "exit 1" },
  ];
  for (const each of pods) await writeFile(`${path}/manifests/${each.name}.yaml`, pod(each, path));
  const boot = (plan: Omit<BootPlan, "path" | "executable">) => bootOnce({ ...plan, path });

  const first = await boot({
    hasRegistry: true,
    address: undefined,
    end: "power cut",
    never: "Ready",
    restarts: 2,
  });
  const second = await boot({
    hasRegistry: false,
    address,
    end: "shutdown",
    never: "Failed",
    restarts: restartsOf(first) + 1,
  });
  const third = await boot({
    hasRegistry: true,
    address: undefined,
    end: "power cut",
    never: "Failed",
    restarts: restartsOf(second) + 1,
  });
  const boots = [first, second, third];
  const told = (await readFile(`${path}/told/all`, "utf8")).trim().split("\n");
  const toldBy = (name: string) =>
    told.flatMap((line) => (line.startsWith(`${name} `) ? line.slice(name.length + 1) : []));

  for (const name of ["local", "pulled", "db", "web"]) {
    expect(new Set(boots.map((seen) => seen[name]?.uuid)).size).toBe(3);
    expect([name, ...toldBy(name)]).toEqual([name, ...started, ...started, "ended", ...started]);
  }
  expect(toldBy("never")).toEqual(started);
  expect([second.never?.uuid, third.never?.uuid]).toEqual([first.never?.uuid, first.never?.uuid]);

  const ordered = ["db started", "db up", "web started", "web up"];
  expect(told.filter((line) => /^(db|web) /.test(line))).toEqual([
    ...ordered,
    ...ordered,
    "web ended",
    "db ended",
    ...ordered,
  ]);
  // Doubled each time, over the boots too.
  expect(boots.map(({ crashing }) => crashing?.state)).toEqual(
    boots.map((seen) => `back-off ${formatDuration(1000 * 2 ** (restartsOf(seen) - 1))}`),
  );
  const hostIPs = boots.map((seen) => [...new Set(Object.values(seen).map(({ hostIP }) => hostIP))]);
  expect(hostIPs).toEqual([["127.0.0.1"], [address], ["127.0.0.1"]]);
}, 240_000);

function restartsOf({ crashing }: Seen): number {
  return crashing?.restarts ?? 0;
}

/** Resolves once it is down, with what there was when all was as planned. */
async function bootOnce(plan: Omit<BootPlan, "executable">): Promise<Seen> {
  const { path } = plan;
  await rm(`${path}/seen.json`, { force: true });
  const told = JSON.stringify({ ...plan, executable: await executable() } satisfies BootPlan);
  const withSystemd = join(import.meta.dir, "../with-systemd");
  const script = join(import.meta.dir, "boot.ts");
  const child = Bun.spawn([withSystemd, "--bind", path, process.execPath, script, told], {
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const output = await Promise.all([child.stdout.text(), child.stderr.text()]);
  await child.exited;
  const seen = await readFile(`${path}/seen.json`, "utf8").catch(() => undefined);
  if (seen === undefined) throw new Error(`a boot that did not come to its end:\n${output.join("\n")}`);
  return JSON.parse(seen) as Seen;
}
