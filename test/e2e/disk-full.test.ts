// A small disk that fills up: what nobody uses makes room, and where that is not enough the pod that fills it goes.

import { expect, test } from "bun:test";
import { mkdir, readdir, statfs, writeFile } from "node:fs/promises";
import type { Node, Pod } from "kubernetes-types/core/v1.d.ts";
import { writeAci } from "../aci.ts";
import { waitUntil } from "../wait-until.ts";
import { Machine, run, uuidOf } from "./machine.ts";

const mebibyte = 1024 * 1024;

/** A machine whose state is on a disk of that size. */
async function machineWithDisk(mebibytes: number): Promise<Machine> {
  const machine = await Machine.create();
  await mkdir(`${machine.path}/state`);
  await run("mount", "-t", "tmpfs", "-o", `size=${mebibytes}m`, "tmpfs", `${machine.path}/state`);
  return machine;
}

async function freeMebibytes(machine: Machine): Promise<number> {
  const { bavail, bsize } = await statfs(`${machine.path}/state`);
  return (bavail * bsize) / mebibyte;
}

async function fill(machine: Machine, leftMebibytes: number): Promise<void> {
  const bytes = Math.floor(((await freeMebibytes(machine)) - leftMebibytes) * mebibyte);
  await writeFile(`${machine.path}/state/others`, Buffer.alloc(bytes));
}

function scratchPod(name: string, image: string, script: string, emptyDir = "{}"): string {
  return `apiVersion: v1
kind: Pod
metadata:
  name: ${name}
spec:
  hostNetwork: true
  terminationGracePeriodSeconds: 2
  containers:
    - name: main
      image: ${image}
      command: [/bin/sh, -c, ${JSON.stringify(script)}]
      volumeMounts:
        - {name: scratch, mountPath: /scratch}
  volumes:
    - name: scratch
      emptyDir: ${emptyDir}
`;
}

const isEvicted = (pod: Pod) => pod.status?.phase === "Failed" && pod.status.reason === "Evicted";

async function diskPressure(machine: Machine): Promise<string | undefined> {
  const node = (await (await machine.get("/node")).json()) as Node;
  return node.status?.conditions?.find(({ type }) => type === "DiskPressure")?.status;
}

test("an image that does not fit waits until what is dead has made room; nothing that runs is touched", async () => {
  await using machine = await machineWithDisk(64);
  await machine.startAgent();
  // Leaves 30 MiB behind when it ends the first time.
  const script =
    "test -e /scratch/again && exec sleep 1000; touch /scratch/again; dd if=/dev/zero of=/written bs=1M count=30; exit 1";
  await machine.write("once.yaml", scratchPod("once", machine.image, script));
  const once = await machine.waitForPod(
    "once",
    "restarted and running",
    (pod) => pod.status?.containerStatuses?.[0]?.restartCount === 1 && pod.status.containerStatuses[0].ready,
  );
  await fill(machine, 4);

  const large = `${machine.path}/large.aci`;
  await writeAci(large, { entries: [{ name: "rootfs/fill", content: Buffer.alloc(12 * mebibyte, 1) }] });
  await machine.write("large.yaml", scratchPod("large", large, "exec sleep 1000"));
  await machine.waitForPod("large", "failing for want of space", (pod) =>
    /no space/i.test(pod.status?.containerStatuses?.[0]?.state?.waiting?.message ?? ""),
  );
  await waitUntil("the dead one to have made room", async () => (await freeMebibytes(machine)) > 20, 30_000);
  expect(machine.log).not.toContain("Attempting to reclaim");
  await machine.waitForPod("large", "running", (pod) => pod.status?.phase === "Running", 60_000);
  expect(uuidOf((await machine.pod("once")) as Pod)).toBe(uuidOf(once));
}, 120_000);

test("the pod that fills the disk is evicted with what it wrote, and so is one over its own limit; others stay", async () => {
  await using machine = await machineWithDisk(64);
  await machine.startAgent();
  const modest = "echo here >/scratch/file; exec sleep 1000";
  await machine.write("modest.yaml", scratchPod("modest", machine.image, modest));
  const before = await machine.waitForReady("modest");
  const over = "dd if=/dev/zero of=/scratch/file bs=1M count=3; exec sleep 1000";
  await machine.write("over.yaml", scratchPod("over", machine.image, over, "{sizeLimit: 2Mi}"));
  const hog = "dd if=/dev/zero of=/scratch/file bs=1M count=1000; exec sleep 1000";
  await machine.write("hog.yaml", scratchPod("hog", machine.image, hog));

  const evictedOver = await machine.waitForPod("over", "evicted", isEvicted, 30_000);
  expect(evictedOver.status?.message).toBe('Usage of EmptyDir volume "scratch" exceeds the limit "2Mi".');
  const evictedHog = await machine.waitForPod("hog", "evicted", isEvicted, 60_000);
  expect(evictedHog.status?.message).toMatch(
    /^The node was low on resource: ephemeral-storage\. Threshold quantity: \d+, available: \d+(Ki)?\./,
  );
  await waitUntil("the disk to have room", async () => (await freeMebibytes(machine)) > 40);
  expect(await diskPressure(machine)).toBe("True");
  for (const { metadata } of [evictedOver, evictedHog]) {
    const volume = `${machine.path}/state/pods/${metadata?.uid}/volumes/kubernetes.io~empty-dir/scratch`;
    expect(await readdir(volume)).toEqual([]);
  }
  const after = (await machine.pod("modest")) as Pod;
  expect([uuidOf(after), after.status?.phase]).toEqual([uuidOf(before), "Running"]);
}, 120_000);

/** Nothing fits on /run any more, until it is disposed of. */
async function fullRun(): Promise<AsyncDisposable> {
  const { blocks, bfree, bsize } = await statfs("/run");
  const resize = (bytes: number) => run("mount", "-o", `remount,size=${bytes}`, "/run");
  await resize((blocks - bfree) * bsize);
  return { [Symbol.asyncDispose]: async () => void (await resize(blocks * bsize)) };
}

test("a unit that cannot be written on a full /run leaves nothing behind, and the pod starts once there is room", async () => {
  await using machine = await Machine.create();
  await machine.startAgent();
  {
    await using _full = await fullRun();
    await machine.write("web.yaml", scratchPod("web", machine.image, "exec sleep 1000"));
    const { status } = await machine.waitForPod("web", "waiting for room", (pod) => {
      const message = pod.status?.containerStatuses?.[0]?.state?.waiting?.message ?? "";
      return /ENOSPC|no space/i.test(message);
    });
    expect(status?.containerStatuses?.[0]?.state?.waiting?.reason).toBe("CreateContainerError");
    expect(await machine.runningUnits()).toEqual(new Map());
    const rktPods = ["prepare", "prepared", "run"].map((phase) =>
      readdir(`${machine.path}/state/rkt/pods/${phase}`).catch(() => []),
    );
    expect((await Promise.all(rktPods)).flat()).toEqual([]);
  }
  await machine.waitForPod("web", "running", (pod) => pod.status?.phase === "Running", 30_000);
}, 60_000);
