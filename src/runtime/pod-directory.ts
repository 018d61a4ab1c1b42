// The layout of a pod's directory, `<state dir>/pods/<uid>`: the kubelet's, so that people find their way.
//
//   manifest.json                               the accepted version (pod/desired.ts)
//   finished-<rkt uuid>                         when and how that revision ended, written by its unit
//   stopped-<rkt uuid>                          it was told to end, and did not of itself
//   content                                     what the projected volumes were last written from (pod/content-hash.ts)
//   attempt-<rkt uuid>                          which message files are that revision's
//   containers/<name>/<attempt>                 what a container says when it ends
//   etc-hosts, etc-resolv-conf                  mounted in its containers, where they have none of their own
//   volumes/kubernetes.io~empty-dir/<volume>
//   volumes/kubernetes.io~projected/<volume>    of ConfigMaps, Secrets, the downward API
//   volume-subpaths/<volume>/<container>/<index of the mount>
//
// Invariants: no uid leads out of pods/; what is mounted in a pod's directory is not removed with it.

import { lstat, mkdir, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { errorChain, hasErrorCode } from "../host/error.ts";
import { readTextIfExists, writeFileAtomic } from "../host/files.ts";
import type { Log } from "../host/log.ts";
import { unmountBelow } from "../host/mount-table.ts";
import { serializeAcceptedPod } from "../pod/desired.ts";
import { type ContentHash, isPodUid, isRktUuid, type PodUid, type RktUuid } from "../pod/names.ts";
import type { PodDirectory } from "../pod/observed-pod.ts";
import type { Pod } from "../pod/pod.ts";

/** What is kept of an attempt to run a pod: which of its containers' message files are its. */
export interface MessageFiles {
  readonly id: string;
  /** Containers whose log speaks for them where they failed without a message. */
  readonly fallbackToLogs: readonly string[];
}

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

  projected(uid: PodUid, volume: string): string {
    return `${this.path(uid)}/volumes/kubernetes.io~projected/${volume}`;
  }

  subPath(uid: PodUid, volume: string, mount: string): string {
    return `${this.path(uid)}/volume-subpaths/${volume}/${mount}`;
  }

  container(uid: PodUid, container: string): string {
    return `${this.path(uid)}/containers/${container}`;
  }

  /** Every one that is there. */
  async list(): Promise<readonly PodDirectory[]> {
    return Promise.all(
      (await this.#uids()).map(async (uid) => ({
        uid,
        content: await this.content(uid),
        accepted: undefined,
      })),
    );
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

  async setMessageFiles(uid: PodUid, uuid: RktUuid, files: MessageFiles): Promise<void> {
    await writeFileAtomic(this.#attemptFile(uid, uuid), JSON.stringify(files), 0o640);
  }

  /** Undefined where none were made. */
  async messageFiles(uid: PodUid, uuid: RktUuid): Promise<MessageFiles | undefined> {
    const text = await readTextIfExists(this.#attemptFile(uid, uuid));
    return text === undefined ? undefined : (JSON.parse(text) as MessageFiles); // ours, and written in one step
  }

  /** Of all revisions that are there. */
  async messageIds(uid: PodUid): Promise<ReadonlySet<string>> {
    const ids = new Set<string>();
    for (const name of await readdir(this.path(uid))) {
      const uuid = name.startsWith("attempt-") ? name.slice("attempt-".length) : "";
      const files = isRktUuid(uuid) ? await this.messageFiles(uid, uuid) : undefined;
      if (files !== undefined) ids.add(files.id);
    }
    return ids;
  }

  #attemptFile(uid: PodUid, uuid: RktUuid): string {
    return `${this.path(uid)}/attempt-${uuid}`;
  }

  async removeMarkers(uid: PodUid, uuid: RktUuid): Promise<void> {
    const messages = await this.messageFiles(uid, uuid);
    const containers = await readdir(`${this.path(uid)}/containers`).catch(() => []);
    if (messages !== undefined)
      for (const name of containers) await rm(`${this.container(uid, name)}/${messages.id}`, { force: true });
    await rm(this.#attemptFile(uid, uuid), { force: true });
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
