// `rkt gc`: what has ended becomes garbage, and garbage goes once its grace period is over.

import { statSync } from "node:fs";
import { systemClock } from "../host/clock.ts";
import type { Command, Context } from "./command.ts";
import { EngineError } from "./engine-error.ts";
import { formatDuration, parseDuration } from "./go-text.ts";
import { usedImages } from "./image-rm.ts";
import { ImageStore } from "./image-store.ts";
import { releaseDeadNetworks, releaseOrphans } from "./network/dead-networks.ts";
import { removeOrphanUnits } from "./orphan-units.ts";
import type { Phase, Pod } from "./pod.ts";
import { PodStore } from "./pod-store.ts";
import { lockPod, removePod } from "./remove-pod.ts";

const duration = (text: string) =>
  parseDuration(text) === undefined ? `time: invalid duration "${text}"` : undefined;

const graceDefaultMs = 30 * 60_000;
const expirePreparedDefaultMs = 24 * 3_600_000;

export const gc: Command = {
  name: "gc",
  synopsis: "[--grace-period=DURATION] [--expire-prepared=DURATION] [--mark-only]",
  needsRoot: true,
  flags: { "expire-prepared": duration, "grace-period": duration, "mark-only": "boolean" },
  run: async (context) => {
    const store = new PodStore(context.dir);
    mark(store, context);
    if (context.flags.isSet("mark-only")) return 0;
    await sweep(store, context);
    await releaseDeadNetworks(store, context.tell);
    await releaseOrphans(store, context.tell);
    removeOrphanUnits(store, context.tell);
    new ImageStore(context.dir).removeUnusedTrees(() => usedImages(context.dir));
    return 0;
  },
};

/** Moves what nobody holds any more to garbage. */
function mark(store: PodStore, context: Context): void {
  const expireMs = parseDuration(context.flags.text("expire-prepared") ?? "") ?? expirePreparedDefaultMs;
  const moves: readonly (readonly [from: Phase, to: Phase, what: string, isDue: (pod: Pod) => boolean])[] = [
    ["run", "exited-garbage", "pod", () => true],
    ["prepare", "garbage", "failed prepare", () => true],
    ["embryo", "garbage", "embryo", isOldEmbryo],
    ["prepared", "garbage", "expired prepared pod", (pod) => ageMs(pod.createdNs() ?? 0n) >= expireMs],
  ];
  for (const [from, to, what, isDue] of moves)
    for (const pod of store.inPhase(from)) {
      if (!isDue(pod)) continue;
      using lock = lockPod(pod);
      if (lock === undefined || !isStillThere(pod)) continue;
      context.tell(`moving ${what} "${pod.uuid}" to garbage`);
      store.move(pod, to);
    }
}

/** One that is not locked yet may be being made at this moment. */
function isOldEmbryo(pod: Pod): boolean {
  const stat = statSync(pod.path, { bigint: true, throwIfNoEntry: false });
  return stat !== undefined && ageMs(stat.mtimeNs) > 10_000;
}

async function sweep(store: PodStore, context: Context): Promise<void> {
  const graceMs = parseDuration(context.flags.text("grace-period") ?? "") ?? graceDefaultMs;
  for (const pod of store.inPhase("exited-garbage")) {
    if (ageMs(pod.markedNs() ?? 0n) >= graceMs) await collect(pod, store, context);
    else
      context.tell(`pod "${pod.uuid}" not removed: still within grace period (${formatDuration(graceMs)})`);
  }
  for (const pod of store.inPhase("garbage")) await collect(pod, store, context);
}

async function collect(pod: Pod, store: PodStore, context: Context): Promise<void> {
  using lock = lockPod(pod);
  if (lock === undefined || !isStillThere(pod)) return;
  context.print(`Garbage collecting pod "${pod.uuid}"\n`);
  try {
    await removePod(pod, store);
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    context.tell(error.message);
  }
}

/** Between looking and locking somebody else may have moved it. */
function isStillThere(pod: Pod): boolean {
  return statSync(pod.path, { throwIfNoEntry: false }) !== undefined;
}

function ageMs(ns: bigint): number {
  return systemClock.wallMs() - Number(ns / 1_000_000n);
}
