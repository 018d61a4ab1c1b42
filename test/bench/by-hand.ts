// What gantry does for a pod, done by hand: `gantry rkt prepare`, a unit file, systemctl.

import { rm, writeFile } from "node:fs/promises";
import { executable } from "../e2e/executable.ts";
import { type Machine, run } from "../e2e/machine.ts";

/** A pod with a unit that is ready to be started. */
export interface PodByHand extends AsyncDisposable {
  readonly unit: string;
  readonly prepareMs: number;
}

export async function prepareByHand(
  machine: Machine,
  { script, network }: { readonly script: string; readonly network: "host" | "default" },
): Promise<PodByHand> {
  const rkt = [await executable(), "rkt", `--dir=${machine.path}/state/rkt`, "--insecure-options=image"];
  const imageId = (await run(...rkt, "fetch", "--full", machine.image)).trim();
  const app = { exec: ["/bin/sh", "-c", script], user: "0", group: "0", environment: [] };
  const file = `${machine.path}/by-hand.json`;
  const apps = [{ name: "main", image: { id: imageId }, app }];
  await writeFile(file, JSON.stringify({ acVersion: "0.8.11", acKind: "PodManifest", apps }));
  const startedMs = performance.now();
  const uuid = (await run(...rkt, "prepare", "--quiet", `--pod-manifest=${file}`)).trim();
  const prepareMs = performance.now() - startedMs;
  // Not with the agent's mark, which would take it for its own.
  const unit = `gantry-${uuid}.service`;
  const path = `/run/systemd/system/${unit}`;
  const exec = [...rkt, "run-prepared", `--net=${network}`, uuid].join(" ");
  await writeFile(path, `[Service]\nSlice=bench.slice\nKillMode=mixed\nExecStart=${exec}\n`);
  return {
    unit,
    prepareMs,
    async [Symbol.asyncDispose]() {
      await run("systemctl", "stop", unit);
      await run(...rkt, "rm", uuid);
      await rm(path);
    },
  };
}
