// What a pod's directory says, read whole: the Observation's part of it, and what is left of each revision.
// Invariant: a directory that has not changed since it was read is not read again, however many pods there are.

import { lstat, readdir, readFile, stat } from "node:fs/promises";
import { systemClock } from "../host/clock.ts";
import { hasErrorCode } from "../host/error.ts";
import { readTextIfExists } from "../host/files.ts";
import { acceptedHash } from "../pod/desired.ts";
import type { ContentHash, PodUid, RktUuid } from "../pod/names.ts";
import type { PodDirectory } from "../pod/observed-pod.ts";
import {
  noTraces,
  parseRecord,
  parseRevisionFileName,
  parseStopMarker,
  type RevisionFile,
  type RevisionTraces,
} from "./revision-record.ts";

export interface DirectoryLook extends PodDirectory {
  readonly revisions: ReadonlyMap<RktUuid, RevisionTraces>;
}

/** A file system's clock moves in steps of up to 10 ms, so two changes within one may leave the same time on a directory. */
const settledAfterMs = 100;

export class DirectoryLooks {
  readonly #known = new Map<PodUid, { readonly mtimeNs: bigint; readonly look: DirectoryLook }>();

  /** Undefined where it has gone. Every change within is by making, renaming or removing a file, which the directory's time tells. */
  async look(uid: PodUid, path: string): Promise<DirectoryLook | undefined> {
    try {
      const { mtimeNs } = await stat(path, { bigint: true });
      const known = this.#known.get(uid);
      if (known?.mtimeNs === mtimeNs) return known.look;
      const ageMs = systemClock.wallMs() - Number(mtimeNs / 1_000_000n);
      const look = await read(uid, path);
      if (ageMs > settledAfterMs) this.#known.set(uid, { mtimeNs, look });
      else this.#known.delete(uid);
      return look;
    } catch (error) {
      if (hasErrorCode(error, "ENOENT")) return undefined;
      throw error;
    }
  }

  forgetAllBut(present: ReadonlySet<PodUid>): void {
    for (const uid of this.#known.keys()) if (!present.has(uid)) this.#known.delete(uid);
  }
}

async function read(uid: PodUid, path: string): Promise<DirectoryLook> {
  const names: readonly string[] = await readdir(path).catch((error: unknown) => {
    if (hasErrorCode(error, "ENOTDIR")) return []; // somebody's file, which is no pod's directory and goes as one
    throw error;
  });
  const text = async (name: string) =>
    names.includes(name) ? readTextIfExists(`${path}/${name}`) : undefined;
  const accepted = await text("manifest.json");
  const revisions = new Map<RktUuid, RevisionTraces>();
  for (const name of names) {
    const found = parseRevisionFileName(name);
    if (found === undefined) continue;
    const traces = revisions.get(found.uuid) ?? noTraces;
    revisions.set(found.uuid, { ...traces, ...(await readTrace(found.file, `${path}/${name}`)) });
  }
  return {
    uid,
    content: (await text("content")) as ContentHash | undefined,
    accepted: accepted === undefined ? undefined : acceptedHash(accepted),
    good: await text("good.json"),
    revisions,
  };
}

/** Nothing where it has gone since it was listed. */
async function readTrace(file: RevisionFile, path: string): Promise<Partial<RevisionTraces>> {
  switch (file.kind) {
    case "post-started":
      return { isPostStarted: true };
    case "ready":
      return { wasReady: true };
    case "started":
      return { startedMs: file.atMs };
    default:
  }
  try {
    const text = await readFile(path, "utf8");
    switch (file.kind) {
      case "attempt":
        return { record: parseRecord(text) };
      case "finished":
        return { finished: { text, writtenAtMs: (await lstat(path)).mtimeMs } };
      case "stopped":
        return { stopped: parseStopMarker(text) };
      case "killed":
        return { killed: { ...parseStopMarker(text), reason: file.reason } };
      default:
        return file.kind satisfies never;
    }
  } catch (error) {
    if (hasErrorCode(error, "ENOENT")) return {};
    throw error;
  }
}
