// The current status of every Pod, for whoever asks.
// Invariant: nothing changes here but by update() and reportImages(), and the resource version only when a Pod's status did.

import type { Event as V1Event, Pod as V1Pod } from "kubernetes-types/core/v1";
import { type Desired, isHeld } from "../pod/desired.ts";
import type { HealthByRevision } from "../pod/health.ts";
import { type ImageActivity, noImageActivity } from "../pod/image-activity.ts";
import { type PodKey, podKey, podKeyOf } from "../pod/names.ts";
import { isLive, type Observation, type Revision } from "../pod/observed-pod.ts";
import type { Waiting } from "../pod/waiting.ts";
import { type Change, ChangeLog } from "./change-log.ts";
import { derivePod } from "./derive.ts";
import { type ExplainedWorld, type Explanation, explainPod } from "./explain.ts";
import { manifestVerdict, type PodView, podOfRevisions } from "./shown-pod.ts";
import { type ShownRevisions, shownStages } from "./shown-stage.ts";

/** What one pass of the reconciler saw. */
export interface Picture {
  readonly desired: Desired;
  readonly observation: Observation;
  readonly waiting: ReadonlyMap<PodKey, readonly Waiting[]>;
  readonly health: HealthByRevision;
}

export interface StatusStoreOptions {
  readonly clock: { readonly wallMs: () => number; readonly nowMs: () => number };
  /** Asked at each update, as a machine gets its address later than its agent, and another one now and then. Empty: not known. */
  readonly hostIP: () => string;
  /** What happened lately, the last last. */
  readonly events: () => readonly V1Event[];
  /** Why pods share the machine's process ids that did not ask for it; undefined: none does. */
  readonly sharedPids: () => string | undefined;
}

interface Entry {
  readonly view: PodView;
  /** The status as JSON, without the resource version: what changes are known by. */
  readonly text: string;
  readonly pod: V1Pod;
}

/** Less is the clocks' own coarseness, more somebody who has set the wall clock. */
const clockStepMs = 2000;

export class StatusStore {
  readonly #options: StatusStoreOptions;
  readonly #images = new Map<PodKey, ImageActivity>();
  readonly #log: ChangeLog<V1Pod>;
  #entries: ReadonlyMap<PodKey, Entry> = new Map();
  #bootMs: number;
  #listed: { readonly version: number; readonly json: Uint8Array } | undefined;

  constructor(options: StatusStoreOptions) {
    this.#options = options;
    this.#log = new ChangeLog(options.clock.wallMs());
    this.#bootMs = options.clock.wallMs() - options.clock.nowMs();
  }

  /** Changes whenever a Pod's status does. */
  get resourceVersion(): string {
    return String(this.#log.version);
  }

  /** By namespace and name. */
  list(): readonly V1Pod[] {
    return [...this.#entries.values()].map(({ pod }) => pod);
  }

  /** The same as a v1.PodList, made once for all who ask for it. */
  listJson(): Uint8Array {
    const { version } = this.#log;
    if (this.#listed?.version !== version) {
      const metadata = { resourceVersion: String(version) };
      const list = { kind: "PodList", apiVersion: "v1", metadata, items: this.list() };
      this.#listed = { version, json: new TextEncoder().encode(`${JSON.stringify(list)}\n`) };
    }
    return this.#listed.json;
  }

  get(namespace: string, name: string): V1Pod | undefined {
    return this.#entries.get(podKey(namespace, name))?.pod;
  }

  /** Of a container, or of the containers that are not there to initialise. Undefined: there is no such Pod, or no such container. */
  revisionsOf(namespace: string, name: string, container?: string): ShownRevisions | undefined {
    const view = this.#entries.get(podKey(namespace, name))?.view;
    return (
      view &&
      shownStages(view).find(({ stage, containers, current }) =>
        container === undefined
          ? stage.kind === "containers"
          : [...containers, ...(current?.apps ?? [])].some((one) => one.name === container),
      )
    );
  }

  isInitContainer(key: PodKey, name: string): boolean {
    const inits = this.#entries.get(key)?.view.pod.spec.initContainers ?? [];
    return inits.some((container) => container.name === name);
  }

  /** Why it is not Ready. Undefined: there is no such Pod. */
  explain(namespace: string, name: string): Explanation | undefined {
    const world: ExplainedWorld = {
      viewOf: (key) => this.#entries.get(key)?.view,
      podOf: (key) => this.#entries.get(key)?.pod,
      events: this.#options.events(),
    };
    return explainPod(podKey(namespace, name), world);
  }

  /** Oldest first; undefined: not all of them are known any more, or that version is none of ours. */
  since(version: number): readonly Change<V1Pod>[] | undefined {
    return this.#log.since(version);
  }

  /** Tells of every change from now on; the result ends it. */
  subscribe(listener: (change: Change<V1Pod>) => void): () => void {
    return this.#log.subscribe(listener);
  }

  /** What becomes of a Pod's images, told between two updates. */
  reportImages(key: PodKey, change: Partial<ImageActivity>): void {
    const images = { ...(this.#images.get(key) ?? noImageActivity), ...change };
    this.#images.set(key, images);
    const old = this.#entries.get(key);
    if (old === undefined) return;
    const { entry, changes } = this.#next({ ...old.view, images, wallMs: this.#options.clock.wallMs() }, old);
    this.#entries = new Map([...this.#entries, [key, entry]]); // in its old place
    this.#log.tell(changes);
  }

  update(picture: Picture): void {
    const before = this.#entries;
    const entries = new Map<PodKey, Entry>();
    const changes: Change<V1Pod>[] = [];
    for (const [key, view] of [...this.#views(picture)].sort(byNamespaceAndName)) {
      const next = this.#next(view, before.get(key));
      entries.set(key, next.entry);
      changes.push(...next.changes);
    }
    for (const [key, { pod }] of before) {
      if (entries.has(key)) continue;
      this.#images.delete(key);
      changes.push(this.#log.append("deleted", pod, (version) => withVersion(pod, version)));
    }
    this.#entries = entries;
    this.#log.tell(changes);
  }

  /** Every Pod that is wanted, and every other of which something still runs or cannot be removed. */
  *#views({ desired, observation, waiting, health }: Picture): Generator<[PodKey, PodView]> {
    const byKey = Map.groupBy(observation.revisions, ({ key }) => key);
    const { hostIP, sharedPids, clock } = this.#options;
    const wallMs = clock.wallMs();
    const common = { health, hostIP: hostIP(), sharedPids: sharedPids(), wallMs, bootMs: this.#boot(wallMs) };
    const wanted = new Set<PodKey>();
    const ofKey = (key: PodKey) => ({
      ...common,
      revisions: byKey.get(key) ?? [],
      waiting: waiting.get(key) ?? [],
      images: this.#images.get(key) ?? noImageActivity,
    });
    for (const pod of desired.pods) {
      const key = podKeyOf(pod);
      wanted.add(key);
      yield [
        key,
        { ...ofKey(key), pod, manifest: manifestVerdict(desired, pod.source.file), isDeleted: false },
      ];
    }
    for (const [key, [first, ...others]] of byKey) {
      const revisions: readonly Revision[] = first === undefined ? [] : [first, ...others];
      const isStuck = waiting.get(key)?.some(({ kind }) => kind === "ending") ?? false;
      if (first === undefined || wanted.has(key) || !(isStuck || revisions.some(isLive))) continue;
      const pod = this.#entries.get(key)?.view.pod ?? podOfRevisions([first, ...others]);
      const manifest = manifestVerdict(desired, first.manifest);
      const isDeleted = !revisions.some((revision) => isHeld(desired, revision.manifest));
      yield [key, { ...ofKey(key), pod, manifest, isDeleted }];
    }
  }

  #next(view: PodView, old: Entry | undefined): { entry: Entry; changes: readonly Change<V1Pod>[] } {
    const derived = derivePod(view, old?.pod);
    const text = JSON.stringify(derived);
    if (old?.text === text) return { entry: { view, text, pod: old.pod }, changes: [] };
    const kind = old ? "modified" : "added";
    const change = this.#log.append(kind, old?.pod, (version) => withVersion(derived, version));
    return { entry: { view, text, pod: change.object }, changes: [change] };
  }

  /** The same as long as nobody sets the wall clock, so that no time shown by it flickers. */
  #boot(wallMs: number): number {
    const bootMs = wallMs - this.#options.clock.nowMs();
    if (Math.abs(bootMs - this.#bootMs) > clockStepMs) this.#bootMs = bootMs;
    return this.#bootMs;
  }
}

function withVersion(pod: V1Pod, version: number): V1Pod {
  return { ...pod, metadata: { ...pod.metadata, resourceVersion: String(version) } };
}

function byNamespaceAndName([a]: [PodKey, unknown], [b]: [PodKey, unknown]): number {
  return a.replace("/", "\0") < b.replace("/", "\0") ? -1 : 1;
}
