// One pod's directory: its manifest, its times, how its apps ended.
//
//   lock         a FIFO: whoever works on the pod holds its flock, and while the pod runs its main process waits on it for an exit code
//   pod          the pod manifest; written when the pod was prepared
//   pid          the main process; written when the pod was started
//   unit         the pod unit
//   status/APP   how the app does (app-status.ts)
//   apps/APP/    its overlay: upper, work, root
//   volumes/     the volumes of kind empty
//   dev/         a tmpfs, /dev of its apps
//   ipc          their IPC namespace
//   network      what is to be undone of its network; net-info.json, its addresses, stays
//   hosts, hostname, resolv.conf

import { readFileSync, statSync } from "node:fs";
import { hasErrorCode } from "../host/error.ts";
import type { RktUuid } from "../pod/names.ts";
import type { AppcPodManifest, AppcRuntimeApp } from "../rkt/appc.ts";

/** In the order in which a pod goes through them: who reads them in this order misses none that moves on meanwhile. */
export const phases = ["embryo", "prepare", "prepared", "run", "exited-garbage", "garbage"] as const;
export type Phase = (typeof phases)[number];

export class Pod {
  readonly uuid: RktUuid;
  readonly phase: Phase;
  readonly path: string;

  constructor(uuid: RktUuid, phase: Phase, path: string) {
    this.uuid = uuid;
    this.phase = phase;
    this.path = path;
  }

  get lockPath(): string {
    return `${this.path}/lock`;
  }

  /** As it was given to prepare; undefined before it is prepared. */
  manifest(): AppcPodManifest | undefined {
    const text = this.read("pod");
    return text === undefined ? undefined : (JSON.parse(text) as AppcPodManifest);
  }

  apps(): readonly AppcRuntimeApp[] {
    return this.manifest()?.apps ?? [];
  }

  /** Nanoseconds since the epoch; undefined before it is prepared. */
  createdNs(): bigint | undefined {
    return this.#timeNs("pod", "mtimeNs");
  }

  startedNs(): bigint | undefined {
    return this.#timeNs("pid", "mtimeNs");
  }

  /** When it became garbage. The rename sets the directory's ctime. */
  markedNs(): bigint | undefined {
    return this.phase === "exited-garbage" ? this.#timeNs(".", "ctimeNs") : undefined;
  }

  /** The text of one of its files; undefined if there is none. */
  read(name: string): string | undefined {
    try {
      return readFileSync(`${this.path}/${name}`, "utf8");
    } catch (error) {
      if (hasErrorCode(error, "ENOENT", "ENOTDIR")) return undefined;
      throw error;
    }
  }

  #timeNs(name: string, which: "mtimeNs" | "ctimeNs"): bigint | undefined {
    return statSync(`${this.path}/${name}`, { bigint: true, throwIfNoEntry: false })?.[which];
  }
}
