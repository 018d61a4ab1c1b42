// From a manifest's securityContext and resources to what the kernel and systemd say of the container.

import { describe, expect, test } from "bun:test";
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
