// What happens in one boot of a machine (boot.test.ts), `boot.ts PLAN`: the agent is installed and enabled, over the directories of the plan's path.
// Once all is as planned it writes down what there is, PATH/seen.json, and the machine goes down.

import { randomUUID } from "node:crypto";
import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import type { Pod, PodList } from "kubernetes-types/core/v1.d.ts";
import { isReady, run, uuidOf } from "../e2e/machine.ts";
import { writeOciLayout } from "../oci-layout.ts";
import { startRegistry } from "../registry.ts";
import { waitUntil } from "../wait-until.ts";

export interface BootPlan {
  readonly path: string;
  readonly executable: string;
  /** With the image app:1, on port 5000. */
  readonly hasRegistry: boolean;
  /** That of its default route; undefined: it has none. */
  readonly address: string | undefined;
  /** What becomes of the pod that is not started again; the others become Ready. */
  readonly never: "Ready" | "Failed";
  /** Of the pod that crashes, at least. */
  readonly restarts: number;
  readonly end: "power cut" | "shutdown";
}

/** By the name in its manifest. */
export type Seen = Readonly<Record<string, SeenPod>>;

export interface SeenPod {
  /** `Ready`, its phase, or the back-off that it waits for. */
  readonly state: string;
  readonly uuid: string;
  readonly hostIP: string;
  readonly restarts: number;
  /** When its back-off ends. */
  readonly nextTryMs: number;
}

/** It is not to be in the middle of another try when the machine goes down. */
const backOffLeftMs = 500;

const bootIdFile = "/proc/sys/kernel/random/boot_id";

const plan = JSON.parse(process.argv[2] ?? "") as BootPlan;
const { path, executable, hasRegistry, end } = plan;
await changeBootId();
if (plan.address !== undefined) await addDefaultRoute(plan.address);
if (hasRegistry) {
  const registry = await startRegistry({ port: 5000 });
  await rm(`${path}/layout`, { recursive: true, force: true });
  await writeOciLayout(`${path}/layout`, [{ tag: "app" }]);
  await registry.push(`${path}/layout`, "app", "app:1");
}
await boot();
const asPlanned = async () => {
  const seen = await look();
  return isAsPlanned(seen) && seen;
};
const seen = await waitUntil("all to be as planned", asPlanned, 60_000).catch(fail);
await writeFile(`${path}/seen.new`, JSON.stringify(seen));
await rename(`${path}/seen.new`, `${path}/seen.json`);
if (end === "shutdown") {
  // The machine is gone when we are, and we are told to end together with all else.
  process.on("SIGTERM", () => undefined);
  // As `systemctl poweroff`, which would have to wait for a logind. It may be ended by what it has begun.
  const how = ["--no-block", "--job-mode=replace-irreversibly"];
  await run("systemctl", "start", ...how, "poweroff.target").catch(() => undefined);
  const pods = ["list-units", "--plain", "--no-legend", "--state=active,deactivating", "gantry-*.service"];
  const running = () => run("systemctl", ...pods).catch(String);
  await waitUntil("the pods to be stopped", async () => (await running()) === "", 60_000);
}
process.exit(0);

/** The kernel's own stays the same, as it is not booted. */
async function changeBootId(): Promise<void> {
  await writeFile("/run/boot-id", `${randomUUID()}\n`);
  await run("mount", "--bind", "/run/boot-id", bootIdFile);
}

async function addDefaultRoute(address: string): Promise<void> {
  const ip = (...words: readonly string[]) => run("ip", ...words);
  await ip("link", "add", "uplink", "type", "veth", "peer", "name", "elsewhere"); // not each kernel has a dummy
  await ip("address", "add", `${address}/24`, "dev", "uplink");
  for (const end of ["uplink", "elsewhere"]) await ip("link", "set", end, "up");
  await ip("route", "add", "default", "dev", "uplink");
}

/** `gantry install`, and what a boot does with a unit that is enabled. */
async function boot(): Promise<void> {
  const config = `manifestPath: ${path}/manifests
stateDir: ${path}/state
nodeName: node
rkt: {path: builtin}
`;
  await mkdir("/etc/gantry");
  await writeFile("/etc/gantry/config.yaml", config);
  await run(executable, "install");
  const dropIns = "/etc/systemd/system/gantry.service.d";
  await mkdir(dropIns);
  // The unit has a /proc of its own.
  await writeFile(`${dropIns}/boot.conf`, `[Service]\nBindReadOnlyPaths=/run/boot-id:${bootIdFile}\n`);
  await run("systemctl", "enable", "gantry.service");
  await run("systemctl", "start", "multi-user.target");
}

async function look(): Promise<Seen> {
  const response = await fetch("http://localhost/pods", { unix: "/run/gantry/gantry.sock" });
  const { items } = (await response.json()) as PodList;
  return Object.fromEntries(items.map((pod) => [nameOf(pod), seenPod(pod)]));
}

function isAsPlanned({ never, crashing, ...others }: Seen): boolean {
  if (never?.state !== plan.never || crashing === undefined) return false;
  if (crashing.restarts < plan.restarts || !(crashing.nextTryMs > Date.now() + backOffLeftMs)) return false;
  return Object.values(others).length === 4 && Object.values(others).every(({ state }) => state === "Ready");
}

async function fail(error: unknown): Promise<never> {
  const log = await run("journalctl", "--no-pager", "--output=cat", "--unit=gantry");
  console.error(`${error}\n${JSON.stringify(await look())}\n${log}`);
  process.exit(1);
}

function nameOf({ metadata }: Pod): string {
  return metadata?.name?.replace(/-node$/, "") ?? "";
}

function seenPod(pod: Pod): SeenPod {
  const { phase = "", hostIP = "", containerStatuses: [container] = [] } = pod.status ?? {};
  const { message = "" } = container?.state?.waiting ?? {};
  const [, backOff, nextTry = ""] = /^(back-off \S+) .* next try at (\S+)$/.exec(message) ?? [];
  return {
    state: isReady(pod) ? "Ready" : (backOff ?? phase),
    uuid: uuidOf(pod) ?? "",
    hostIP,
    restarts: container?.restartCount ?? 0,
    nextTryMs: Date.parse(nextTry),
  };
}
