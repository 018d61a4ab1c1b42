// What happens in one boot of a machine (boot.test.ts), `boot.ts PLAN`: the agent is installed and enabled, over the directories of the plan's path.
// Once all is as planned it writes down what there is, PATH/seen.json, and the machine goes down.

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
  /** What becomes of the pod that is not started again; the others become Ready. */
  readonly never: "Ready" | "Failed";
  readonly end: "power cut" | "shutdown";
}

/** By the name in its manifest. */
export type Seen = Readonly<Record<string, { readonly state: string; readonly uuid: string }>>;

const { path, executable, hasRegistry, never, end } = JSON.parse(process.argv[2] ?? "") as BootPlan;
if (hasRegistry) {
  const registry = await startRegistry({ port: 5000 });
  await rm(`${path}/layout`, { recursive: true, force: true });
  await writeOciLayout(`${path}/layout`, [{ tag: "app" }]);
  await registry.push(`${path}/layout`, "app", "app:1");
}
await boot();
await waitUntil("all to be as planned", async () => isAsPlanned(await look()), 60_000).catch(fail);
await writeFile(`${path}/seen.new`, JSON.stringify(await look()));
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
  await run("systemctl", "enable", "gantry.service");
  await run("systemctl", "start", "multi-user.target");
}

async function look(): Promise<Seen> {
  const response = await fetch("http://localhost/pods", { unix: "/run/gantry/gantry.sock" });
  const { items } = (await response.json()) as PodList;
  return Object.fromEntries(
    items.map((pod) => [nameOf(pod), { state: stateOf(pod), uuid: uuidOf(pod) ?? "" }]),
  );
}

function isAsPlanned(seen: Seen): boolean {
  return seen.local?.state === "Ready" && seen.pulled?.state === "Ready" && seen.never?.state === never;
}

async function fail(error: unknown): Promise<never> {
  const log = await run("journalctl", "--no-pager", "--output=cat", "--unit=gantry");
  console.error(`${error}\n${JSON.stringify(await look())}\n${log}`);
  process.exit(1);
}

function nameOf({ metadata }: Pod): string {
  return metadata?.name?.replace(/-node$/, "") ?? "";
}

function stateOf(pod: Pod): string {
  return isReady(pod) ? "Ready" : (pod.status?.phase ?? "");
}
