// The layout of a pod's directory, `<state dir>/pods/<uid>`: the kubelet's, so that people find their way.
//
//   manifest.json                               the accepted version (pod/desired.ts)
//   good.json                                   the last accepted version that was Ready
//   attempt-<rkt uuid>, finished-<rkt uuid> …   of each revision (revision-record.ts)
//   content                                     what the projected volumes were last written from (pod/content-hash.ts)
//   containers/<name>/<attempt>                 what a container says when it ends
//   etc-hosts, etc-resolv-conf                  mounted in its containers, where they have none of their own
//   volumes/kubernetes.io~empty-dir/<volume>
//   volumes/kubernetes.io~projected/<volume>    of ConfigMaps, Secrets, the downward API
//   volume-subpaths/<volume>/<container>/<index of the mount>
//
// Invariants: no uid leads out of pods/; what is mounted in a pod's directory is not removed with it.

import { mkdir, readdir, readFile, realpath, rm, stat, writeFile } from "node:fs/promises";
import { errorChain, hasErrorCode } from "../host/error.ts";
import { faultPoint } from "../host/fault-point.ts";
import { readTextIfExists, writeFileAtomic } from "../host/files.ts";
import type { Log } from "../host/log.ts";
import { mountPoints, unmountBelow } from "../host/mount-table.ts";
import { serializeAcceptedPod } from "../pod/desired.ts";
import { type ContentHash, isPodUid, type PodUid, type RktUuid } from "../pod/names.ts";
import type { Failure } from "../pod/observed-pod.ts";
import type { Pod } from "../pod/pod.ts";
import { type DirectoryLook, DirectoryLooks } from "./directory-look.ts";
import {
  parseRecord,
  parseRevisionFileName,
  type RevisionFile,
  type RevisionRecord,
  revisionFileName,
  type StopMarker,
} from "./revision-record.ts";

export class PodDirectories {
  readonly #root: string;
  readonly #unmountBelow: (path: string) => Promise<void>;
  readonly #looks = new DirectoryLooks();

  /** `unmount`: for an agent that may not do so itself. */
  constructor(stateDir: string, unmount = unmountBelow) {
    this.#root = `${stateDir}/pods`;
    this.#unmountBelow = unmount;
  }

  path(uid: PodUid): string {
    if (!isPodUid(uid)) throw new Error(`pod uid ${JSON.stringify(uid)} is no file name`);
    return `${this.#root}/${uid}`;
  }

  finishedFile(uid: PodUid, uuid: RktUuid): string {
    return this.#file(uid, uuid, { kind: "finished" });
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

  /** Every one that is there, or an exception. */
  async look(): Promise<readonly DirectoryLook[]> {
    const uids = await this.#uids();
    this.#looks.forgetAllBut(new Set(uids));
    const looks = await Promise.all(uids.map((uid) => this.#looks.look(uid, this.path(uid))));
    return looks.filter((look) => look !== undefined);
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

  /** As the last version that was Ready. */
  async setGood(uid: PodUid, pod: Pod): Promise<void> {
    await this.#keepGood(uid, serializeAcceptedPod(pod));
  }

  /**
   * An edit may give a Pod another uid: what is good of it is that of its earlier ones (the last first), until it has been Ready itself. Its own
   * comes after theirs, as it may be of a version that was edited away and is back.
   */
  async inheritGood(uid: PodUid, earlier: readonly PodUid[]): Promise<void> {
    for (const from of [...earlier, uid]) {
      const good = await readTextIfExists(`${this.path(from)}/good.json`);
      if (good !== undefined) return this.#keepGood(uid, good);
    }
  }

  async #keepGood(uid: PodUid, text: string): Promise<void> {
    const file = `${this.path(uid)}/good.json`;
    if ((await readTextIfExists(file)) !== text) await writeFileAtomic(file, text, 0o640);
  }

  #file(uid: PodUid, uuid: RktUuid, file: RevisionFile): string {
    return `${this.path(uid)}/${revisionFileName(file, uuid)}`;
  }

  async setRecord(uid: PodUid, uuid: RktUuid, record: RevisionRecord): Promise<void> {
    await writeFileAtomic(this.#file(uid, uuid, { kind: "attempt" }), JSON.stringify(record), 0o640);
  }

  async record(uid: PodUid, uuid: RktUuid): Promise<RevisionRecord | undefined> {
    const text = await readTextIfExists(this.#file(uid, uuid, { kind: "attempt" }));
    return text === undefined ? undefined : parseRecord(text);
  }

  /** Marks that a revision is about to be ended; that needs to be known for as long as the revision is. */
  async markStop(
    uid: PodUid,
    uuid: RktUuid,
    stop: { cause: Failure | undefined; hasHooks: boolean },
  ): Promise<void> {
    await mkdir(this.path(uid), { recursive: true, mode: 0o750 });
    const { cause, hasHooks } = stop;
    const file = this.#file(
      uid,
      uuid,
      cause ? { kind: "killed", reason: cause.reason } : { kind: "stopped" },
    );
    const marker: StopMarker = { message: cause?.message ?? "", hasHooks };
    await writeFileAtomic(file, JSON.stringify(marker), 0o640).catch(() => writeFile(file, "")); // a name takes no space
  }

  /** The stop did not come to it. */
  async unmarkStop(uid: PodUid, uuid: RktUuid): Promise<void> {
    await this.#removeFiles(uid, uuid, ({ kind }) => kind === "stopped" || kind === "killed");
  }

  /** The time is in the name, which takes no space and is there at once. */
  async setStarted(uid: PodUid, uuid: RktUuid, atMs: number): Promise<void> {
    await writeFile(this.#file(uid, uuid, { kind: "started", atMs }), "");
  }

  async mark(uid: PodUid, uuid: RktUuid, kind: "post-started" | "ready"): Promise<void> {
    if (process.env.FAULT_POINTS) faultPoint(`marking ${kind}`);
    await writeFile(this.#file(uid, uuid, { kind }), "");
  }

  /** Of all revisions that are there. */
  async messageIds(uid: PodUid): Promise<ReadonlySet<string>> {
    const ids = new Set<string>();
    for (const name of await readdir(this.path(uid))) {
      const { file, uuid } = parseRevisionFileName(name) ?? {};
      const record = uuid !== undefined && file?.kind === "attempt" && (await this.record(uid, uuid));
      if (record) ids.add(record.id);
    }
    return ids;
  }

  /** All that is kept of a revision. */
  async removeTraces(uid: PodUid, uuid: RktUuid): Promise<void> {
    const record = await this.record(uid, uuid);
    const containers = await readdir(`${this.path(uid)}/containers`).catch(() => []);
    if (record !== undefined)
      for (const name of containers) await rm(`${this.container(uid, name)}/${record.id}`, { force: true });
    await this.#removeFiles(uid, uuid, () => true);
  }

  async #removeFiles(uid: PodUid, uuid: RktUuid, isMeant: (file: RevisionFile) => boolean): Promise<void> {
    const path = this.path(uid);
    for (const name of await readdir(path).catch(() => [])) {
      const found = parseRevisionFileName(name);
      if (found?.uuid !== uuid || !isMeant(found.file)) continue;
      if (process.env.FAULT_POINTS) faultPoint(`removing ${path}/${name}`);
      await rm(`${path}/${name}`, { force: true });
    }
  }

  /**
   * What is in its emptyDir volumes; they themselves stay, as mounts of parts of them may still be there. Nothing where a pod has mounted
   * something in one (mountPropagation: Bidirectional), which may be anything of the machine's.
   */
  async clearEmptyDirs(uid: PodUid): Promise<void> {
    const root = `${this.path(uid)}/volumes/kubernetes.io~empty-dir`;
    const depth = (await realpath(root).catch(() => root)).split("/").length;
    const mounted = (await mountPoints(root)).find((target) => target.split("/").length > depth + 1);
    if (mounted !== undefined) throw new Error(`${mounted} is mounted`);
    for (const volume of await readdir(root).catch(() => []))
      for (const name of await readdir(`${root}/${volume}`))
        await rm(`${root}/${volume}/${name}`, { recursive: true, force: true });
  }

  /** Links in it are removed, not followed, and what is mounted in it is unmounted. */
  async remove(uid: PodUid): Promise<void> {
    const path = this.path(uid);
    if ((await mountPoints(path)).length > 0) await this.#unmountBelow(path);
    const [remaining] = await mountPoints(path);
    if (remaining !== undefined) throw new Error(`${remaining} is still mounted`);
    if (process.env.FAULT_POINTS) faultPoint(`removing ${path}`);
    await rm(path, { recursive: true, force: true });
  }
}
