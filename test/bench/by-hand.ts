// What gantry does for a pod, done by hand: `gantry rkt prepare`, a unit file, systemctl.

import { rm, writeFile } from "node:fs/promises";
import { executable } from "../e2e/executable.ts";
import { type Machine, run } from "../e2e/machine.ts";

/** A pod with a unit that is ready to be started. */
export interface PodByHand extends AsyncDisposable {
  readonly unit: string;
  readonly prepareMs: number;
}

export interface ByHandOptions {
  readonly script: string;
  readonly network: "host" | "default";
  /** A unit that the agent has written, in place of the least that does. */
  readonly like?: string;
}

export async function prepareByHand(
  machine: Machine,
  { script, network, like }: ByHandOptions,
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
  const unit = `gantry-${uuid}.service`;
  const path = `/run/systemd/system/${unit}`;
  const exec = [...rkt, "run-prepared", `--net=${network}`, uuid].join(" ");
  const least = `[Service]\nSlice=bench.slice\nKillMode=mixed\nExecStart=${exec}\n`;
  await writeFile(path, like === undefined ? least : unitLike(like, uuid));
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

/** Without the agent's mark, since the agent would take it for its own. */
function unitLike(text: string, uuid: string): string {
  const [other = ""] =
    /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/.exec(/^ExecStart=.*/m.exec(text)?.[0] ?? "") ?? [];
  return (text.split("[X-Gantry]")[0] ?? "").replaceAll(other, uuid);
}
