// A machine that is booted, goes down and is booted again on the same disk: a disposable systemd inside of the tests' own, whose /run,
// processes, mounts and networks are gone each time.

import { expect, test } from "bun:test";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { writeAci } from "../aci.ts";
import { executable } from "../e2e/executable.ts";
import { tempDir } from "../temp-dir.ts";
import type { BootPlan, Seen } from "./boot.ts";

interface PodOptions {
  readonly name: string;
  readonly image: string;
  readonly restartPolicy?: string;
}

/** In a network of its own; tells when it starts and when it is ended in peace. */
function pod({ name, image, restartPolicy = "Always" }: PodOptions, path: string): string {
  const tell = (what: string) => `echo ${what} >>/told/${name}`;
  const script = `trap '${tell("ended")}; exit 0' TERM; ${tell("started")}; touch /tmp/up; sleep 1000000 & wait`;
  return `apiVersion: v1
kind: Pod
metadata: {name: ${name}}
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

test("a machine loses its power, boots without its registry, is shut down, and boots with it again", async () => {
  await using dir = await tempDir();
  const { path } = dir;
  for (const name of ["manifests", "told"]) await mkdir(`${path}/${name}`);
  await writeAci(`${path}/busybox.aci`);
  const pods = [
    { name: "local", image: `${path}/busybox.aci` },
    { name: "never", image: `${path}/busybox.aci`, restartPolicy: "Never" },
    { name: "pulled", image: "127.0.0.1:5000/app:1" },
  ];
  for (const each of pods) await writeFile(`${path}/manifests/${each.name}.yaml`, pod(each, path));
  const told = async (name: string) => (await readFile(`${path}/told/${name}`, "utf8")).trim().split("\n");
  const boot = (plan: Omit<BootPlan, "path" | "executable">) => bootOnce({ ...plan, path });

  const first = await boot({ hasRegistry: true, end: "power cut", never: "Ready" });
  const second = await boot({ hasRegistry: false, end: "shutdown", never: "Failed" });
  const third = await boot({ hasRegistry: true, end: "power cut", never: "Failed" });
  for (const name of ["local", "pulled"]) {
    expect(new Set([first, second, third].map((seen) => seen[name]?.uuid)).size).toBe(3);
    expect(await told(name)).toEqual(["started", "started", "ended", "started"]);
  }
  expect(await told("never")).toEqual(["started"]);
  expect([second.never?.uuid, third.never?.uuid]).toEqual([first.never?.uuid, first.never?.uuid]);
}, 180_000);

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
