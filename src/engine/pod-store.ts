// The pods of a data directory. A pod is a directory, and the directory that it lies in, with its lock, is its state:
//
//   embryo ──► prepare ──► prepared ──► run ──► exited-garbage ──► garbage ──► gone
//                 └──── aborted ──────────────────────┴──────────────▲
//
// Invariant: a pod goes from one state to the next by one rename, so that a kill at any moment leaves a state that gc knows.

import { randomUUID } from "node:crypto";
import { constants, mkdirSync, openSync, readdirSync, renameSync, rmSync } from "node:fs";
import { hasErrorCode } from "../host/error.ts";
import { faultPoint } from "../host/fault-point.ts";
import { makeNode, nodeTypes } from "../host/libc.ts";
import { isRktUuid, type RktUuid } from "../pod/names.ts";
import { EngineError, withFileErrors } from "./engine-error.ts";
import { isLocked, type Lock, lockWithin } from "./lock.ts";
import { type Phase, Pod, phases } from "./pod.ts";

export class PodStore {
  readonly #dir: string;

  /** Makes the directories. */
  constructor(dataDir: string) {
    this.#dir = `${dataDir}/pods`;
    makeDirectory(dataDir);
    makeDirectory(this.#dir);
    for (const phase of phases) makeDirectory(`${this.#dir}/${phase}`);
  }

  /** All but garbage, by UUID. */
  list(): readonly Pod[] {
    const found = new Map<RktUuid, Pod>();
    for (const phase of phases.slice(0, -1)) for (const pod of this.inPhase(phase)) found.set(pod.uuid, pod);
    return [...found.values()].sort((a, b) => (a.uuid < b.uuid ? -1 : 1));
  }

  inPhase(phase: Phase): readonly Pod[] {
    return readdirSync(`${this.#dir}/${phase}`)
      .filter(isRktUuid)
      .sort()
      .map((uuid) => this.#open(uuid, phase));
  }

  /** By UUID or the first characters of one. */
  find(prefix: string): Pod {
    if (prefix === "") throw new EngineError("UUID cannot be empty");
    const wanted = prefix.toLowerCase();
    const found = new Map<RktUuid, Phase>();
    for (const phase of phases.slice(0, -1))
      for (const name of readdirSync(`${this.#dir}/${phase}`))
        if (name.startsWith(wanted) && isRktUuid(name)) found.set(name, phase);
    if (found.size > 1) throw new EngineError(`ambiguous uuid, ${found.size} matches`);
    for (const [uuid, phase] of found) return this.#open(uuid, phase);
    throw new EngineError(`no matches found for "${prefix}"`);
  }

  /** A new pod that is being prepared, locked by us. */
  create(): { readonly pod: Pod; readonly lock: Lock } {
    for (let attempt = 0; ; attempt++) {
      const uuid = randomUUID() as RktUuid;
      const embryo = this.path(uuid, "embryo");
      try {
        mkdirSync(embryo, { mode: 0o750 });
        makeNode(`${embryo}/lock`, nodeTypes.fifo | 0o640);
        const lock = lockWithin(2000, uuid, openSync(`${embryo}/lock`, constants.O_RDWR), "exclusive");
        if (process.env.FAULT_POINTS) faultPoint("moving to prepare");
        renameSync(embryo, this.path(uuid, "prepare"));
        return { pod: this.#open(uuid, "prepare"), lock };
      } catch (error) {
        // gc may take an embryo away before it is locked.
        if (attempt > 3 || !hasErrorCode(error, "ENOENT")) throw error;
      }
    }
  }

  /** Only for who holds its lock. */
  move(pod: Pod, phase: Phase): Pod {
    if (process.env.FAULT_POINTS) faultPoint(`moving to ${phase}`);
    renameSync(pod.path, this.path(pod.uuid, phase));
    if (process.env.FAULT_POINTS) faultPoint(`moved to ${phase}`);
    return this.#open(pod.uuid, phase);
  }

  /** Its directory must hold no mounts any more. Moved aside first: what is left after a kill is garbage. */
  delete(pod: Pod): void {
    const garbage = pod.phase === "garbage" ? pod : this.move(pod, "garbage");
    rmSync(garbage.path, { recursive: true, force: true });
  }

  path(uuid: RktUuid, phase: Phase): string {
    return `${this.#dir}/${phase}/${uuid}`;
  }

  #open(uuid: RktUuid, phase: Phase): Pod {
    return new Pod(uuid, phase, this.path(uuid, phase));
  }
}

/** A pod's state in rkt's words. */
export type PodState =
  | "embryo"
  | "preparing"
  | "aborted prepare"
  | "prepared"
  | "running"
  | "exited"
  | "exited garbage"
  | "exited deleting"
  | "garbage"
  | "deleting";

export function podState(pod: Pod): PodState {
  const busy = () => isLocked(pod.lockPath);
  switch (pod.phase) {
    case "embryo":
      return "embryo";
    case "prepare":
      return busy() ? "preparing" : "aborted prepare";
    case "prepared":
      return "prepared";
    case "run":
      return busy() ? "running" : "exited";
    case "exited-garbage":
      return busy() ? "exited deleting" : "exited garbage";
    case "garbage":
      return busy() ? "deleting" : "garbage";
  }
  return pod.phase satisfies never;
}

function makeDirectory(path: string): void {
  try {
    mkdirSync(path, { mode: 0o750 });
  } catch (error) {
    if (hasErrorCode(error, "EEXIST")) return;
    if (!hasErrorCode(error, "ENOENT")) throw error;
    withFileErrors("", () => mkdirSync(path, { mode: 0o750, recursive: true }));
  }
}
