// The layout of a pod's directory, `<state dir>/pods/<uid>`: the kubelet's, so that people find their way.
//
//   manifest.json                               the accepted version (pod/desired.ts)
//   finished-<rkt uuid>                         when and how that revision ended, written by its unit
//   stopped-<rkt uuid>                          it was told to end, and did not of itself
//   content                                     what the projected volumes were last written from (pod/content-hash.ts)
//   volumes/kubernetes.io~empty-dir/<volume>
//
// Invariants: no uid leads out of pods/; what is mounted in a pod's directory is not removed with it.

import { lstat, mkdir, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { errorChain, hasErrorCode } from "../host/error.ts";
import { readTextIfExists, writeFileAtomic } from "../host/files.ts";
import type { Log } from "../host/log.ts";
import { unmountBelow } from "../host/mount-table.ts";
import { serializeAcceptedPod } from "../pod/desired.ts";
import { type ContentHash, isPodUid, type PodUid, type RktUuid } from "../pod/names.ts";
import type { PodDirectory } from "../pod/observed-pod.ts";
import type { Pod } from "../pod/pod.ts";

export class PodDirectories {
  readonly #root: string;

  constructor(stateDir: string) {
    this.#root = `${stateDir}/pods`;
  }

  path(uid: PodUid): string {
    if (!isPodUid(uid)) throw new Error(`pod uid ${JSON.stringify(uid)} is no file name`);
    return `${this.#root}/${uid}`;
  }

  finishedFile(uid: PodUid, uuid: RktUuid): string {
    return `${this.path(uid)}/finished-${uuid}`;
  }

  emptyDir(uid: PodUid, volume: string): string {
    return `${this.path(uid)}/volumes/kubernetes.io~empty-dir/${volume}`;
  }

  /** Every one that is there. */
  async list(): Promise<readonly PodDirectory[]> {
    return Promise.all((await this.#uids()).map(async (uid) => ({ uid, content: await this.content(uid) })));
  }

  async #uids(): Promise<readonly PodUid[]> {
    const names: readonly string[] = await readdir(this.#root).catch((error: unknown) => {
      if (hasErrorCode(error, "ENOENT")) return [];
      throw error;
    });
    return names.filter(isPodUid);
  }

  async content(uid: PodUid): Promise<ContentHash | undefined> {
    return (await readTextIfExists(this.#contentFile(uid))) as ContentHash | undefined;
  }

  /** Undefined while what is there is being changed: if that is broken off nothing is known of it. */
  async setContent(uid: PodUid, content: ContentHash | undefined): Promise<void> {
    if (content === undefined) await rm(this.#contentFile(uid), { force: true });
    else await writeFileAtomic(this.#contentFile(uid), content, 0o600);
  }

  #contentFile(uid: PodUid): string {
    return `${this.path(uid)}/content`;
  }

  /** Makes the directory and keeps the accepted manifest in it; writes nothing that is there already. */
  async create(pod: Pod): Promise<void> {
    const directory = this.path(pod.uid);
    await mkdir(directory, { recursive: true, mode: 0o750 });
    const accepted = serializeAcceptedPod(pod);
    const file = `${directory}/manifest.json`;
    if ((await readTextIfExists(file)) !== accepted) await writeFileAtomic(file, accepted, 0o640);
  }

  /** The accepted manifests of all pods, the latest of a pod last. One that cannot be read is logged and left out. */
  async accepted(log: Log): Promise<readonly string[]> {
    const found: { readonly text: string; readonly mtimeMs: number }[] = [];
    for (const uid of await this.#uids()) {
      const file = `${this.path(uid)}/manifest.json`;
      try {
        found.push({ text: await readFile(file, "utf8"), mtimeMs: (await stat(file)).mtimeMs });
      } catch (error) {
        if (!hasErrorCode(error, "ENOENT", "ENOTDIR"))
          log.warn("cannot read what was accepted before", { file, error: errorChain(error) });
      }
    }
    return found.sort((a, b) => a.mtimeMs - b.mtimeMs).map(({ text }) => text);
  }

  /** The finish marker's text and the time of writing, in milliseconds since the epoch; undefined if there is none. */
  async finished(uid: PodUid, uuid: RktUuid): Promise<{ text: string; writtenAtMs: number } | undefined> {
    const file = this.finishedFile(uid, uuid);
    try {
      const [text, { mtimeMs }] = await Promise.all([readFile(file, "utf8"), lstat(file)]);
      return { text, writtenAtMs: mtimeMs };
    } catch (error) {
      if (hasErrorCode(error, "ENOENT", "ENOTDIR")) return undefined;
      throw error;
    }
  }

  /** Marks that a revision is about to be stopped; that needs to be known for as long as the revision is. */
  async markStopped(uid: PodUid, uuid: RktUuid): Promise<void> {
    await mkdir(this.path(uid), { recursive: true, mode: 0o750 });
    await writeFile(this.#stoppedFile(uid, uuid), "");
  }

  async isStopped(uid: PodUid, uuid: RktUuid): Promise<boolean> {
    return (await readTextIfExists(this.#stoppedFile(uid, uuid))) !== undefined;
  }

  async removeMarkers(uid: PodUid, uuid: RktUuid): Promise<void> {
    await rm(this.finishedFile(uid, uuid), { force: true });
    await rm(this.#stoppedFile(uid, uuid), { force: true });
  }

  #stoppedFile(uid: PodUid, uuid: RktUuid): string {
    return `${this.path(uid)}/stopped-${uuid}`;
  }

  /** Links in it are removed, not followed, and what is mounted in it is unmounted. */
  async remove(uid: PodUid): Promise<void> {
    const path = this.path(uid);
    await unmountBelow(path);
    await rm(path, { recursive: true, force: true });
  }
}
