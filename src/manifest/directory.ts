// The manifest directory (or single file) as one value: what is desired. inotify says when to look, the look says what is there, and
// absence.ts whether that is to be believed.
// Invariants: a directory that is not ready removes nothing; a bad file changes nothing that was accepted from it.

import type { Clock } from "../host/clock.ts";
import { errorChain } from "../host/error.ts";
import { noConfigObjects } from "../pod/config-objects.ts";
import type { Desired, ManifestFile } from "../pod/desired.ts";
import { type PodKey, type PodUid, podKeyOf, type SpecHash } from "../pod/names.ts";
import type { Pod } from "../pod/pod.ts";
import type { Problem } from "../pod/problem.ts";
import { Absence, type Memory, type Verdict } from "./absence.ts";
import { noMemory, readMemory, writeMemory } from "./absence-memory.ts";
import { acceptFiles } from "./acceptance.ts";
import { rememberedPods } from "./accepted.ts";
import { type Content, objectsOf } from "./content.ts";
import { type Evaluated, evaluateEntry, evaluateText } from "./evaluate.ts";
import { type Listing, listManifests } from "./listing.ts";
import { PathWatch } from "./path-watch.ts";
import { withContentInHash } from "./restart-on-change.ts";
import { goneMs, Settling, settleMs } from "./settling.ts";
import { notReadYet, type Tellers, tellChanges } from "./told-changes.ts";
import type { ValidateOptions } from "./validate-file.ts";

export interface ManifestDirectoryOptions extends Tellers {
  /** Absolute; a directory or a single file. */
  readonly path: string;
  readonly nodeName: string;
  /** The records of what was accepted before (pod/desired.ts), the latest of a pod last. */
  readonly accepted: readonly string[];
  /** Keeps what the next agent has to know of the directory. */
  readonly memoryFile: string;
  readonly clock: Clock;
  /** `desired` is another. */
  readonly onChange: () => void;
}

const rescanMs = 15_000;
/** Between two looks; doubled while hints come in one after the other, for instance of a log file in the directory. */
const pauseMsMin = 10;
const pauseMsMax = 200;

export type ConfirmedDelete =
  | { readonly deleted: readonly PodKey[] }
  /** Why nobody can tell what is meant to be deleted. */
  | { readonly refusal: string };

export class ManifestDirectory implements AsyncDisposable {
  readonly #options: ManifestDirectoryOptions;
  readonly #settling: Settling;
  readonly #watch: PathWatch;
  #absence: Absence;
  #verdict: Verdict = { kind: "ready" };
  /** As it was written last; undefined: that failed. */
  #memory: Memory | undefined;
  #held: readonly PodKey[] = [];
  /** The look that is under way. */
  #lastLook: Promise<void> = Promise.resolve();
  readonly #ended = new AbortController();
  readonly #evaluated = new Map<string, Evaluated>();
  /** Pods from before this process, with the hashes that they were accepted with. */
  readonly #remembered: ReadonlySet<Pod>;
  readonly #rememberedHashes: ReadonlySet<SpecHash>;
  #accepted: ReadonlyMap<string, Content>;
  #desired: Desired;
  #loop: Promise<void> | undefined;
  #isHinted = false;
  #wake: () => void = () => undefined;

  constructor(options: ManifestDirectoryOptions) {
    this.#options = options;
    const pods = rememberedPods(options.accepted, options.log);
    this.#remembered = new Set(pods);
    this.#rememberedHashes = new Set(pods.map(({ specHash }) => specHash));
    this.#accepted = byFile(pods);
    this.#settling = new Settling(this.#accepted.keys());
    this.#watch = new PathWatch(options.path, () => this.#hint(), options.log);
    this.#absence = new Absence(options.path, noMemory);
    this.#desired = {
      pods,
      objects: noConfigObjects,
      files: [],
      unreadable: notReadYet,
    };
  }

  /** Another object only when something has changed. */
  get desired(): Desired {
    return this.#desired;
  }

  /** Whose files are missing while the directory is not ready: what confirmDelete() would delete. */
  get held(): readonly PodKey[] {
    return this.#held;
  }

  /** Resolves when `desired` is what the directory says, as far as that can be read. Ends with the signal, or when disposed of. */
  async start(signal: AbortSignal): Promise<void> {
    const { path, memoryFile, log } = this.#options;
    const ended = AbortSignal.any([signal, this.#ended.signal]);
    ended.addEventListener("abort", () => this.#wake(), { once: true });
    this.#memory = await readMemory(memoryFile, path, log);
    this.#absence = new Absence(path, this.#memory);
    await this.#look(false);
    // Until what was there before us, and what is not there any more, has been seen twice.
    for (const waitMs of [settleMs, goneMs]) {
      if (this.#settling.dueMs === undefined) break;
      await Bun.sleep(waitMs + 1);
      await this.#look(waitMs === goneMs);
    }
    this.#loop = this.#run(ended);
  }

  /** Takes what is missing now for deleted by somebody. Resolves when `desired` says so. */
  async confirmDelete(): Promise<ConfirmedDelete> {
    if (this.#loop === undefined) return { refusal: notReadYet };
    const before = this.#desired.pods.map(podKeyOf);
    const refusal = this.#absence.confirm(await this.#list(), this.#accepted);
    if (refusal !== undefined) return { refusal };
    for (const waitMs of [0, settleMs, goneMs]) {
      await Bun.sleep(waitMs + 1);
      await this.#look();
    }
    const after = new Set(this.#desired.pods.map(podKeyOf));
    return { deleted: before.filter((key) => !after.has(key)).sort() };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ended.abort();
    await this.#loop;
    this.#watch[Symbol.dispose]();
  }

  async #run(ended: AbortSignal): Promise<void> {
    let pauseMs = pauseMsMin;
    while (!ended.aborted) {
      await Bun.sleep(pauseMs);
      pauseMs = this.#isHinted ? Math.min(2 * pauseMs, pauseMsMax) : pauseMsMin;
      if (!this.#isHinted && !ended.aborted) await this.#sleepUntilDue();
      this.#isHinted = false;
      if (!ended.aborted) await this.#look();
    }
  }

  #hint(): void {
    this.#isHinted = true;
    this.#wake();
  }

  async #sleepUntilDue(): Promise<void> {
    const fillingMs = this.#verdict.kind === "filling" ? this.#verdict.dueMs : undefined;
    const dueMs = Math.min(
      this.#settling.dueMs ?? Number.POSITIVE_INFINITY,
      fillingMs ?? Number.POSITIVE_INFINITY,
    );
    const forMs = Math.min(rescanMs, Math.max(0, dueMs - this.#options.clock.nowMs()));
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake = resolve;
    const timer = setTimeout(resolve, forMs);
    if (dueMs === Number.POSITIVE_INFINITY) timer.unref();
    await promise;
    clearTimeout(timer);
  }

  /** One after the other, whoever asks. `isLast`: what has not settled is published without. */
  #look(isLast = true): Promise<void> {
    this.#lastLook = this.#lastLook.then(() => this.#lookNow(isLast));
    return this.#lastLook;
  }

  #list(): Promise<Listing> {
    const { path } = this.#options;
    return listManifests(path, this.#accepted.has(path) || this.#evaluated.has(path));
  }

  async #lookNow(isLast: boolean): Promise<void> {
    const { path, clock } = this.#options;
    await this.#watch.arm();
    const nowMs = clock.nowMs();
    const listing = await this.#list();
    const verdict = this.#absence.look(listing, { accepted: this.#accepted, nowMs });
    this.#verdict = verdict;
    this.#held = verdict.kind === "ready" ? [] : this.#podsMissingFrom(listing);
    await this.#keepMemory();
    if (verdict.kind === "notReady" || listing.kind === "unreadable") {
      this.#settling.lookFailed();
      this.#publish(reasonOf(verdict));
      return;
    }
    const wasAccepted = this.#accepted.has(path);
    this.#settling.look(listing.entries, { nowMs, covers: () => verdict.kind === "ready" });
    await this.#evaluate(nowMs);
    if (!isLast && this.#settling.dueMs !== undefined) return;
    this.#publish(reasonOf(verdict));
    // A file where the directory was counts in its place from now on.
    if (!wasAccepted && this.#accepted.has(path)) this.#isHinted = true;
  }

  #podsMissingFrom(listing: Listing): readonly PodKey[] {
    if (listing.kind === "unreadable") return [];
    const missing = [...this.#accepted].filter(([file]) => !listing.entries.has(file));
    return missing.flatMap(([, { pods }]) => pods.map(podKeyOf)).sort();
  }

  async #keepMemory(): Promise<void> {
    const { memory } = this.#absence;
    if (memory === this.#memory) return;
    const { memoryFile, path, log } = this.#options;
    try {
      await writeMemory(memoryFile, path, memory);
      this.#memory = memory;
    } catch (error) {
      if (this.#memory !== undefined)
        log.warn("cannot keep what is known of the manifest directory", { error: errorChain(error) });
      this.#memory = undefined;
    }
  }

  async #evaluate(nowMs: number): Promise<void> {
    const { settled } = this.#settling;
    const options = this.#validateOptions();
    for (const path of this.#evaluated.keys()) if (!settled.has(path)) this.#evaluated.delete(path);
    for (const [path, entry] of [...settled].sort(([a], [b]) => (a < b ? -1 : 1))) {
      const known = this.#evaluated.get(path);
      if (entry.kind === "remembered" || (known?.entry === entry && !known.isRetried)) continue;
      const evaluated = await evaluateEntry(path, entry, options);
      if (evaluated === undefined) this.#settling.unsettle(path, nowMs);
      else this.#evaluated.set(path, evaluated);
    }
  }

  #validateOptions(): ValidateOptions {
    const { nodeName, clock } = this.#options;
    const seenAt = seenTimes(this.#accepted);
    const seenAtMs = (uid: PodUid) => seenAt.get(uid) ?? clock.wallMs();
    return { nodeName, seenAtMs, acceptedHashes: this.#rememberedHashes };
  }

  /** What would be desired if these files, by path, said this, or were not there (undefined); nothing of it is kept. */
  preview(texts: ReadonlyMap<string, string | undefined>): Desired {
    const evaluated = new Map(this.#evaluated);
    for (const [path, text] of texts) {
      if (text === undefined) evaluated.delete(path);
      else evaluated.set(path, evaluateText(path, text, this.#validateOptions()));
    }
    const { desired } = this.#desiredOf(evaluated, (path) => !texts.has(path));
    return { ...desired, unreadable: this.#desired.unreadable };
  }

  #publish(unreadable: string | undefined): void {
    const { desired: made, accepted } = this.#desiredOf(this.#evaluated, () => true);
    this.#accepted = accepted;
    const desired = { ...made, unreadable };
    if (Bun.deepEquals(desired, this.#desired)) return;
    const before = this.#desired;
    this.#desired = desired;
    tellChanges(before, desired, this.#options);
    this.#options.onChange();
  }

  /** `isThere`: of what was accepted before and has not been read since. */
  #desiredOf(
    all: ReadonlyMap<string, Evaluated>,
    isThere: (path: string) => boolean,
  ): { readonly desired: Desired; readonly accepted: ReadonlyMap<string, Content> } {
    const evaluated = [...all].sort(([a], [b]) => (a < b ? -1 : 1));
    const remembered = [...this.#settling.settled.keys()].filter((path) => !all.has(path) && isThere(path));
    const versions = new Map(evaluated.map(([path, { made }]) => [path, made]));
    for (const path of remembered) versions.set(path, undefined);
    const { accepted, conflicts } = acceptFiles(versions, this.#accepted);
    const contents = [...accepted.values()];
    const made = objectsOf(contents);
    const objects = Bun.deepEquals(made, this.#desired.objects) ? this.#desired.objects : made;
    const pods = contents.flatMap((content) => content.pods);
    const desired = {
      pods: pods.map((pod) => (this.#remembered.has(pod) ? pod : withContentInHash(pod, objects))),
      objects,
      files: evaluated.flatMap(([path, each]) => manifestFile(path, each, conflicts.get(path))),
      unreadable: undefined,
    };
    return { desired, accepted };
  }
}

function reasonOf(verdict: Verdict): string | undefined {
  return verdict.kind === "ready" ? undefined : verdict.reason;
}

/** ConfigMaps and Secrets are in no record: what Secrets hold is written nowhere. */
function byFile(pods: readonly Pod[]): ReadonlyMap<string, Content> {
  const files = Map.groupBy(pods, ({ source }) => source.file);
  return new Map([...files].map(([path, of]) => [path, { pods: of, configMaps: [], secrets: [] }]));
}

/** When each Pod was first accepted, in milliseconds since the epoch. */
function seenTimes(accepted: ReadonlyMap<string, Content>): ReadonlyMap<PodUid, number> {
  const times = [...accepted.values()]
    .flatMap(({ pods }) => pods)
    .map(({ uid, annotations }) => {
      // A Pod that was changed in place has kept the uid of what runs.
      const ownUid = (annotations["kubernetes.io/config.hash"] ?? uid) as PodUid;
      return [ownUid, Date.parse(annotations["kubernetes.io/config.seen"] ?? "")] as const;
    });
  return new Map(times.filter(([, seenMs]) => !Number.isNaN(seenMs)));
}

function manifestFile(
  path: string,
  { made, problems, excerpt = [], skipped }: Evaluated,
  conflicts: readonly Problem[] | undefined,
): ManifestFile[] {
  if (skipped !== undefined) return [{ path, state: "skipped", reason: skipped }];
  const reasons = conflicts ?? problems;
  if (reasons !== undefined) return [{ path, state: "rejected", problems: reasons, excerpt }];
  if (made === undefined) return [];
  return [{ path, state: "accepted", pods: made.content.pods.map(podKeyOf) }];
}
