// The agent's fault points, and a round of kill.test.ts for each: a change that leads there, and an agent that is to be killed there.
// Invariant: a point that is not in the agent any more, or to which its change does not lead any more, is told.

import { expect } from "bun:test";
import { rm } from "node:fs/promises";
import type { Machine } from "../e2e/machine.ts";
import type { ChangingPods, DirectedChange } from "./changing-pods.ts";
import { doubledStages } from "./machine-state.ts";

/** Their names as regular expressions, and what leads there. */
const leads: Readonly<Record<string, DirectedChange | "forget" | "start">> = {
  "^writing .*/manifest.json": "edit",
  "^written .*/manifest.json": "edit",
  "^writing .*/pod-manifest.json": "edit",
  "^written .*/pod-manifest.json": "edit",
  "^writing .*/attempt-": "edit",
  "^written .*/attempt-": "edit",
  "^writing .*/gantry-[^/]*.service": "edit",
  "^written .*/gantry-[^/]*.service": "edit",
  "^writing .*/stopped-": "edit",
  "^written .*/stopped-": "edit",
  "^writing .*/good.json": "edit",
  "^written .*/good.json": "edit",
  "^writing .*/content$": "configure",
  "^written .*/content$": "configure",
  "^writing .*/manifests.json": "forget",
  "^written .*/manifests.json": "forget",
  "^started .* fetch": "edit",
  "^ended .* fetch": "edit",
  "^started .* prepare": "edit",
  "^ended .* prepare": "edit",
  "^started .* rm ": "remove",
  "^ended .* rm ": "remove",
  "^started .* gc": "start",
  "^ended .* gc": "start",
  "^calling StartUnit": "edit",
  "^called StartUnit": "edit",
  "^calling StopUnit": "edit",
  "^called StopUnit": "edit",
  "^calling ResetFailedUnit": "remove",
  "^called ResetFailedUnit": "removeFailed", // of others systemd answers that there is no such unit
  "^removing .*/attempt-": "remove",
  "^removing .*/pods/[0-9a-f]{32}$": "remove",
  "^marking ready": "edit",
  "^marking post-started": "edit",
  "^swapping ": "configure",
};
export const agentPoints = Object.keys(leads);

const mostMs = 20_000;

/** A round for each; returns those that were not hit. */
export async function missedPoints(machine: Machine, world: ChangingPods): Promise<readonly string[]> {
  const missed: string[] = [];
  for (const point of agentPoints) {
    if (!(await isHit(point, machine, world))) missed.push(point);
    expect([point, await doubledStages()]).toEqual([point, []]);
  }
  return missed;
}

/** Whether an agent that is started after the change is killed there. */
async function isHit(point: string, machine: Machine, world: ChangingPods): Promise<boolean> {
  const lead = leads[point];
  await machine.stopAgent("SIGKILL");
  if (lead === "forget") await rm(`${machine.path}/state/manifests.json`, { force: true });
  else if (lead !== undefined && lead !== "start") await world.changeSo(lead);
  const agent = await machine.spawnAgent({ env: { FAULT_POINT: `${point}:1` } });
  await Promise.race([agent.exited, Bun.sleep(mostMs)]);
  return agent.signalCode === "SIGKILL";
}
