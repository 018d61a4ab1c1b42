// The pods of recorded-rkt: a directory with two files each, which tests may write to as well.

import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { hasErrorCode } from "../../src/host/error.ts";

/** DIR/pods/UUID/pod.json */
export interface PodFile {
  readonly step: "prepare" | "prepared" | "run";
  readonly createdMs: number;
  /** Absent: not started (yet). */
  readonly startedMs?: number;
  /** The process that prepares or runs it: once that is gone, the pod is `aborted prepare` or `exited`. */
  readonly process?: string;
  /** What its apps exit with; undefined if nobody will know. */
  readonly exitCode?: number | undefined;
}

export interface RecordedPod extends PodFile {
  readonly uuid: string;
  /** rkt's word. */
  readonly state: "preparing" | "aborted prepare" | "prepared" | "running" | "exited";
  /** DIR/pods/UUID/manifest.json, an appc pod manifest. */
  readonly manifest: {
    readonly apps: readonly { name: string; image: { name?: string; id: string }; app?: object }[];
  };
}

export class RecordedPods {
  readonly #dir: string;

  constructor(dir: string) {
    this.#dir = `${dir}/pods`;
    mkdirSync(this.#dir, { recursive: true });
  }

  /** By UUID, as rkt lists them. */
  all(): readonly RecordedPod[] {
    return readdirSync(this.#dir)
      .sort()
      .flatMap((uuid) => this.find(uuid) ?? []);
  }

  find(uuid: string): RecordedPod | undefined {
    try {
      const pod = JSON.parse(readFileSync(`${this.#dir}/${uuid}/pod.json`, "utf8")) as PodFile;
      const manifest = JSON.parse(readFileSync(`${this.#dir}/${uuid}/manifest.json`, "utf8"));
      return { ...pod, uuid, state: stateOf(pod), manifest };
    } catch (error) {
      if (hasErrorCode(error, "ENOENT", "ENOTDIR")) return undefined; // removed meanwhile
      throw error;
    }
  }

  add(uuid: string, manifest: string, pod: PodFile): void {
    mkdirSync(`${this.#dir}/${uuid}`);
    writeFileSync(`${this.#dir}/${uuid}/manifest.json`, manifest);
    this.write(uuid, pod);
  }

  write(uuid: string, { step, createdMs, startedMs, process, exitCode }: PodFile): void {
    const file = `${this.#dir}/${uuid}/pod.json`;
    writeFileSync(`${file}.new`, JSON.stringify({ step, createdMs, startedMs, process, exitCode }));
    renameSync(`${file}.new`, file);
  }

  remove(uuid: string): void {
    rmSync(`${this.#dir}/${uuid}`, { recursive: true, force: true });
  }
}

/** A process's id and the time it started: no other process ever has both. */
export function processIdentity(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    const [state, ...fields] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return state === "Z" ? undefined : `${pid} ${fields[18]}`;
  } catch {
    return undefined;
  }
}

function stateOf({ step, process }: PodFile): RecordedPod["state"] {
  const isAlive = process !== undefined && processIdentity(Number.parseInt(process, 10)) === process;
  switch (step) {
    case "prepare":
      return isAlive ? "preparing" : "aborted prepare";
    case "prepared":
      return "prepared";
    case "run":
      return isAlive ? "running" : "exited";
    default:
      return step satisfies never;
  }
}
