// From a manifest's securityContext and resources to what the kernel and systemd say of the container.

import { describe, expect, test } from "bun:test";
import { readlink } from "node:fs/promises";
import { waitUntil } from "../wait-until.ts";
import { Machine } from "./machine.ts";

/** Before 257 the built-in engine has no PID namespaces. */
const hasOwnPids = Number(/^systemd (\d+)/.exec(await Bun.$`systemctl --version`.text())?.[1]) >= 257;

const status =
  "grep -E '^(Uid|CapEff|CapBnd|NoNewPrivs|Seccomp):' /proc/self/status | tr '\\t' ' '; echo end";

function manifest(image: string, { pod = "", container = "" }: { pod?: string; container?: string }): string {
  return `apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  hostNetwork: true
  terminationGracePeriodSeconds: 2
${pod}  containers:
    - name: main
      image: ${image}
      command: [sh, -c, ${JSON.stringify(`${status}; exec sleep 1000`)}]
${container}`;
}

async function said(machine: Machine): Promise<string> {
  return waitUntil("the container's lines", async () => {
    const log = await machine.logs("web");
    return log.includes("end\n") && log;
  });
}

describe.each([
  ["nothing", {}, ["Uid: 0 0 0 0", "CapEff: 00000000a80425fb", "NoNewPrivs: 0", "Seccomp: 2"]],
  [
    "the restricted pod security standard",
    {
      container:
        "      securityContext: {allowPrivilegeEscalation: false, runAsUser: 1000, runAsNonRoot: true, capabilities: {drop: [ALL]}, seccompProfile: {type: RuntimeDefault}}\n",
    },
    [
      "Uid: 1000 1000 1000 1000",
      "CapEff: 0000000000000000",
      "CapBnd: 0000000000000000",
      "NoNewPrivs: 1",
      "Seccomp: 2",
    ],
  ],
  [
    "one capability more and no filter",
    {
      container:
        "      securityContext: {capabilities: {add: [NET_ADMIN], drop: [MKNOD]}, seccompProfile: {type: Unconfined}}\n",
    },
    ["CapEff: 00000000a00435fb", "Seccomp: 0"],
  ],
  [
    "privileges",
    { container: "      securityContext: {privileged: true}\n" },
    ["Seccomp: 0", "NoNewPrivs: 0"],
  ],
])("a container that asks for %s", (_what, asked, expected) => {
  test("has it", async () => {
    await using machine = await Machine.create();
    await machine.startAgent();
    await machine.write("web.yaml", manifest(machine.image, asked));
    await machine.waitForReady("web");
    const lines = (await said(machine)).split("\n");
    for (const line of expected) expect(lines).toContain(line);
  });
});

test("its user, its groups, and a root that it cannot write to", async () => {
  await using machine = await Machine.create();
  await machine.startAgent();
  const script =
    "id -u; id -G; for at in /file /tmp/file /dev/shm/file; do touch $at && echo made $at; done; echo end; exec sleep 1000";
  const pod = "  securityContext: {runAsUser: 1, runAsGroup: 2, fsGroup: 3, supplementalGroups: [4, 5]}\n";
  const container = "      securityContext: {runAsUser: 6, readOnlyRootFilesystem: true}\n";
  const text = manifest(machine.image, { pod, container });
  await machine.write(
    "web.yaml",
    text.replace(/command: .*/, `command: [sh, -c, ${JSON.stringify(script)}]`),
  );
  await machine.waitForReady("web");
  const refused = (path: string) => `touch: ${path}: Read-only file system`;
  expect(
    (await said(machine))
      .split("\n")
      .filter((line) => line !== "")
      .toSorted(),
  ).toEqual(["6", "2 3 4 5", refused("/file"), refused("/tmp/file"), "made /dev/shm/file", "end"].toSorted());
});

test("the machine's IPC and processes are a pod's if it asks for them", async () => {
  await using machine = await Machine.create();
  await machine.startAgent();
  const script = "busybox readlink /proc/self/ns/ipc; cat /proc/1/comm; echo end; exec sleep 1000";
  const told = async (pod: string) => {
    const text = manifest(machine.image, { pod });
    await machine.write(
      "web.yaml",
      text.replace(/command: .*/, `command: [sh, -c, ${JSON.stringify(script)}]`),
    );
    await machine.waitForReady("web");
    return said(machine);
  };
  const ipc = await readlink("/proc/self/ns/ipc");
  expect(await told("  hostIPC: true\n  hostPID: true\n")).toBe(`${ipc}\nsystemd\nend\n`);
  await machine.remove("web.yaml");
  await waitUntil("the pod to be gone", async () => (await machine.pods()).length === 0);
  const own = await told("");
  expect(own).not.toContain(ipc);
  expect(own).not.toContain("\nsystemd\n");
});

test("resources become its unit's", async () => {
  await using machine = await Machine.create();
  await machine.startAgent();
  const container = "      resources: {requests: {cpu: 500m}, limits: {cpu: 1500m, memory: 64Mi}}\n";
  await machine.write("web.yaml", manifest(machine.image, { container }));
  await machine.waitForReady("web");
  const [podUnit = ""] = [...(await machine.runningUnits()).keys()];
  const unit = podUnit.replace(".service", "-main.service");
  const names = ["MemoryMax", "MemorySwapMax", "CPUQuotaPerSecUSec", "CPUWeight", "TasksMax"];
  const text = await Bun.$`systemctl show ${names.map((name) => `--property=${name}`)} ${unit}`.text();
  expect(text).toContain("MemoryMax=67108864\n");
  expect(text).toContain("MemorySwapMax=0\n");
  expect(text).toContain("CPUQuotaPerSecUSec=1.500000s\n");
  expect(text).toContain("CPUWeight=20\n");
  expect(text).toMatch(/TasksMax=\d+\n/); // systemd's own limit, a share of what the machine can have
});

test("a pod without process ids of its own says so, or does not run where isolation is required", async () => {
  await using machine = await Machine.create({ flags: ["--engine-require-isolation"] });
  await machine.startAgent();
  await machine.write("web.yaml", manifest(machine.image, {}));
  if (hasOwnPids) {
    await machine.waitForReady("web");
    return;
  }
  const reason = "CreateContainerConfigError";
  await machine.waitForPod(
    "web",
    "refused",
    (pod) => pod.status?.containerStatuses?.[0]?.state?.waiting?.reason === reason,
  );
  await machine.write("web.yaml", manifest(machine.image, { pod: "  hostPID: true\n" }));
  const asked = await machine.waitForReady("web");
  expect(asked.status?.conditions?.map(({ type }) => type)).not.toContain("Isolated");
});

test.skipIf(hasOwnPids)("a pod without process ids of its own runs where nothing is required", async () => {
  await using machine = await Machine.create();
  await machine.startAgent();
  await machine.write("web.yaml", manifest(machine.image, {}));
  const pod = await machine.waitForReady("web");
  expect(pod.status?.conditions?.find(({ type }) => type === "Isolated")).toMatchObject({
    status: "False",
    reason: "SharedProcessIds",
  });
});
