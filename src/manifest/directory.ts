// The manifest directory (or single file) as one value: what is desired. inotify says when to look, the look says what is there.
// Invariants: a directory that cannot be read removes nothing; a bad file changes nothing that was accepted from it.

import type { Clock } from "../host/clock.ts";
import type { Log } from "../host/log.ts";
import { noConfigObjects } from "../pod/config-objects.ts";
import type { Desired, ManifestFile } from "../pod/desired.ts";
import { type PodUid, podKey, type SpecHash } from "../pod/names.ts";
import type { Pod } from "../pod/pod.ts";
import { formatProblem, type Problem } from "../pod/problem.ts";
import { acceptFiles } from "./acceptance.ts";
import { parseAcceptedPod } from "./accepted.ts";
import { type Content, objectsOf } from "./content.ts";
import { type Evaluated, evaluateEntry } from "./evaluate.ts";
import { listManifests } from "./listing.ts";
import { PathWatch } from "./path-watch.ts";
import { withContentInHash } from "./restart-on-change.ts";
import { Settling, settleMs } from "./settling.ts";

export interface ManifestDirectoryOptions {
  /** Absolute; a directory or a single file. */
  readonly path: string;
  readonly nodeName: string;
  /** The records of what was accepted before (pod/desired.ts), the latest of a pod last. */
  readonly accepted: readonly string[];
  readonly clock: Clock;
  readonly log: Log;
  /** `desired` is another. */
  readonly onChange: () => void;
}

const rescanMs = 15_000;
/** Between two looks; doubled while hints come in one after the other, for instance of a log file in the directory. */
const pauseMsMin = 10;
const pauseMsMax = 200;

export class ManifestDirectory implements AsyncDisposable {
  readonly #options: ManifestDirectoryOptions;
  readonly #settling: Settling;
  readonly #watch: PathWatch;
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
    this.#desired = {
      pods,
      objects: noConfigObjects,
      files: [],
      unreadable: "not read yet",
    };
  }

  /** Another object only when something has changed. */
  get desired(): Desired {
    return this.#desired;
  }

  /** Resolves when `desired` is what the directory says, as far as that can be read. Ends with the signal, or when disposed of. */
  async start(signal: AbortSignal): Promise<void> {
    const ended = AbortSignal.any([signal, this.#ended.signal]);
    ended.addEventListener("abort", () => this.#wake(), { once: true });
    await this.#look(true);
    if (this.#settling.dueMs !== undefined) {
      await Bun.sleep(settleMs + 1); // then what was there before us has been seen twice
      await this.#look();
    }
    this.#loop = this.#run(ended);
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
    const { dueMs } = this.#settling;
    const forMs = dueMs === undefined ? rescanMs : Math.max(0, dueMs - this.#options.clock.nowMs());
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake = resolve;
    const timer = setTimeout(resolve, forMs);
    if (dueMs === undefined) timer.unref();
    await promise;
    clearTimeout(timer);
  }

  async #look(isStart = false): Promise<void> {
    const { path, clock } = this.#options;
    await this.#watch.arm();
    const nowMs = clock.nowMs();
    const listing = await listManifests(path, this.#accepted.has(path) || this.#evaluated.has(path));
    if (listing.kind === "unreadable") {
      this.#settling.lookFailed();
      this.#publish(listing.reason);
      return;
    }
    // A file where the directory was tells nothing of what was in that, until it is itself a manifest.
    const isBlind = listing.kind === "file" && !this.#accepted.has(path);
    const covers = (file: string) => !(isBlind && file.startsWith(`${path}/`));
    this.#settling.look(listing.entries, { nowMs, covers });
    await this.#evaluate(nowMs);
    if (isStart && this.#settling.dueMs !== undefined) return;
    this.#publish(undefined);
    if (isBlind && this.#accepted.has(path)) this.#isHinted = true;
  }

  async #evaluate(nowMs: number): Promise<void> {
    const { settled } = this.#settling;
    const seenAt = seenTimes(this.#accepted);
    const seenAtMs = (uid: PodUid) => seenAt.get(uid) ?? this.#options.clock.wallMs();
    for (const path of this.#evaluated.keys()) if (!settled.has(path)) this.#evaluated.delete(path);
    for (const [path, entry] of [...settled].sort(([a], [b]) => (a < b ? -1 : 1))) {
      const known = this.#evaluated.get(path);
      if (entry.kind === "remembered" || (known?.entry === entry && !known.isRetried)) continue;
      const evaluated = await evaluateEntry(path, entry, {
        nodeName: this.#options.nodeName,
        seenAtMs,
        acceptedHashes: this.#rememberedHashes,
      });
      if (evaluated === undefined) this.#settling.unsettle(path, nowMs);
      else this.#evaluated.set(path, evaluated);
    }
  }

  #publish(unreadable: string | undefined): void {
    const evaluated = [...this.#evaluated].sort(([a], [b]) => (a < b ? -1 : 1));
    const remembered = [...this.#settling.settled.keys()].filter((path) => !this.#evaluated.has(path));
    const versions = new Map(evaluated.map(([path, { made }]) => [path, made]));
    for (const path of remembered) versions.set(path, undefined);
    const { accepted, conflicts } = acceptFiles(versions, this.#accepted);
    this.#accepted = accepted;
    const contents = [...accepted.values()];
    const made = objectsOf(contents);
    const objects = Bun.deepEquals(made, this.#desired.objects) ? this.#desired.objects : made;
    const desired: Desired = {
      pods: contents
        .flatMap(({ pods }) => pods)
        .map((pod) => (this.#remembered.has(pod) ? pod : withContentInHash(pod, objects))),
      objects,
      files: evaluated.flatMap(([path, each]) => manifestFile(path, each, conflicts.get(path))),
      unreadable,
    };
    if (Bun.deepEquals(desired, this.#desired)) return;
    const before = this.#desired;
    this.#desired = desired;
    logChanges(before, desired, this.#options.log);
    this.#options.onChange();
  }
}

/** Of two records of one pod the later one counts. */
function rememberedPods(records: readonly string[], log: Log): readonly Pod[] {
  const byKey = new Map<string, Pod>();
  for (const record of records) {
    const parsed = parseAcceptedPod(record);
    if (parsed.pod === undefined) log.warn("cannot read what was accepted before", { reason: parsed.reason });
    else byKey.set(podKey(parsed.pod.namespace, parsed.pod.name), parsed.pod);
  }
  return [...byKey.values()].sort((a, b) => a.source.document - b.source.document);
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
    .map(
      ({ uid, annotations }) => [uid, Date.parse(annotations["kubernetes.io/config.seen"] ?? "")] as const,
    );
  return new Map(times.filter(([, seenMs]) => !Number.isNaN(seenMs)));
}

function manifestFile(
  path: string,
  { made, problems, skipped }: Evaluated,
  conflicts: readonly Problem[] | undefined,
): ManifestFile[] {
  if (skipped !== undefined) return [{ path, state: "skipped", reason: skipped }];
  const reasons = conflicts ?? problems;
  if (reasons !== undefined) return [{ path, state: "rejected", problems: reasons }];
  if (made === undefined) return [];
  const { pods } = made.content;
  return [{ path, state: "accepted", pods: pods.map(({ namespace, name }) => podKey(namespace, name)) }];
}

function logChanges(before: Desired, after: Desired, log: Log): void {
  if (before.unreadable !== after.unreadable && after.unreadable !== undefined) {
    log.warn("cannot read the manifests; what runs keeps running", { reason: after.unreadable });
  }
  const old = new Map(before.files.map((file) => [file.path, file]));
  for (const file of after.files) {
    const known = old.get(file.path);
    old.delete(file.path);
    if (Bun.deepEquals(known, file)) continue;
    if (file.state === "accepted")
      log.info("manifest accepted", { file: file.path, pods: file.pods.join(" ") });
    if (file.state === "skipped") log.debug("manifest skipped", { file: file.path, reason: file.reason });
    if (file.state === "rejected")
      for (const problem of file.problems) log.warn(`rejected ${formatProblem(problem)}`);
  }
  for (const path of old.keys()) log.info("manifest gone", { file: path });
}
