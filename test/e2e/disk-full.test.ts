// A small disk that fills up: what nobody uses makes room, and where that is not enough the pod that fills it goes.

import { expect, test } from "bun:test";
import { mkdir, readdir, statfs, writeFile } from "node:fs/promises";
import type { Node, Pod } from "kubernetes-types/core/v1.d.ts";
import { writeAci } from "../aci.ts";
import { waitUntil } from "../wait-until.ts";
import { Machine, type MachineOptions, run, uuidOf } from "./machine.ts";

const mebibyte = 1024 * 1024;

/** A machine whose state is on a disk of that size. */
async function machineWithDisk(mebibytes: number, options: MachineOptions = {}): Promise<Machine> {
  const machine = await Machine.create(options);
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
  await using machine = await machineWithDisk(64, { isConfined: true });
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
  // Before the other leaves it no room for that.
  await waitUntil("it to be over", async () =>
    (await machine.logs("over").catch(() => "")).includes("3+0 records out"),
  );
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

/** What there is of pods. */
async function rktPods(machine: Machine): Promise<readonly string[]> {
  const phases = ["prepare", "prepared", "run"].map((phase) =>
    readdir(`${machine.path}/state/rkt/pods/${phase}`).catch(() => []),
  );
  return (await Promise.all(phases)).flat();
}

/** Nothing fits on /run any more, until it is disposed of. */
async function fullRun(): Promise<AsyncDisposable> {
  const { blocks, bfree, bsize } = await statfs("/run");
  const resize = (bytes: number) => run("mount", "-o", `remount,size=${bytes}`, "/run");
  await resize((blocks - bfree) * bsize);
  return { [Symbol.asyncDispose]: async () => void (await resize(blocks * bsize)) };
}

test.each([false, true])(
  "a unit that cannot be written on a full /run leaves nothing behind, and the pod starts once there is room (confined: %p)",
  async (isConfined) => {
    await using machine = await Machine.create({ isConfined });
    await machine.startAgent();
    {
      await using _full = await fullRun();
      await machine.write("web.yaml", scratchPod("web", machine.image, "exec sleep 1000"));
      const { status } = await machine.waitForPod("web", "waiting for room", (pod) => {
        const message = pod.status?.containerStatuses?.[0]?.state?.waiting?.message ?? "";
        // systemd has no place for a unit to fetch in, and does not say why.
        return (isConfined ? /systemd has not run it/ : /ENOSPC|no space/i).test(message);
      });
      const reason = isConfined
        ? /^(ErrImagePull|ImagePullBackOff|CreateContainerError)$/
        : /^CreateContainerError$/;
      expect(status?.containerStatuses?.[0]?.state?.waiting?.reason).toMatch(reason);
      expect(await machine.runningUnits()).toEqual(new Map());
      // Confined it may have got as far as to be prepared, and then not be removed for the same reason.
      expect((await rktPods(machine)).length).toBeLessThanOrEqual(isConfined ? 1 : 0);
    }
    await machine.waitForPod("web", "running", (pod) => pod.status?.phase === "Running", 30_000);
    await waitUntil("it to be the only one", async () => (await rktPods(machine)).length === 1);
  },
  60_000,
);

test("regression: on a full /run the confined agent took each probe by exec, which systemd could not run, for a failed one", async () => {
  await using machine = await Machine.create({ isConfined: true });
  await machine.startAgent();
  const probe =
    "      livenessProbe: {exec: {command: ['true']}, periodSeconds: 1, failureThreshold: 1}\n  volumes:";
  await machine.write(
    "web.yaml",
    scratchPod("web", machine.image, "exec sleep 1000").replace("  volumes:", probe),
  );
  await machine.waitForReady("web");
  const probes = async (result: string) => {
    const metrics = await (await machine.get("/metrics")).text();
    const [, count] = new RegExp(`^prober_probe_total\\{.*"${result}".*\\} (\\d+)$`, "m").exec(metrics) ?? [];
    return Number(count ?? 0);
  };
  const before = await machine.runningUnits();
  {
    await using _full = await fullRun();
    await waitUntil("probes that are not run", async () => (await probes("unknown")) > 1);
  }
  const good = await probes("successful");
  await waitUntil("probes that are", async () => (await probes("successful")) > good);
  expect([await probes("failed"), await machine.runningUnits()]).toEqual([0, before]);
});
