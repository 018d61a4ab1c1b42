// The current status of every Pod, for whoever asks.
// Invariant: nothing changes here but by update() and reportImages(), and the resource version only when a Pod's status did.

import type { Pod as V1Pod } from "kubernetes-types/core/v1";
import { type Desired, isHeld } from "../pod/desired.ts";
import { type ImageActivity, noImageActivity } from "../pod/image-activity.ts";
import { type PodKey, podKey } from "../pod/names.ts";
import { isLive, type Observation } from "../pod/observed-pod.ts";
import type { Waiting } from "../pod/waiting.ts";
import { derivePod } from "./derive.ts";
import {
  manifestVerdict,
  type PodView,
  podOfRevision,
  type ShownRevisions,
  shownRevisions,
} from "./shown-pod.ts";

/** What one pass of the reconciler saw. */
export interface Picture {
  readonly desired: Desired;
  readonly observation: Observation;
  readonly waiting: ReadonlyMap<PodKey, readonly Waiting[]>;
}

export type StatusChange =
  | { readonly kind: "added" | "modified"; readonly pod: V1Pod }
  /** `pod` is what it was last. */
  | { readonly kind: "deleted"; readonly pod: V1Pod };

export interface StatusStoreOptions {
  readonly clock: { readonly wallMs: () => number };
  /** Asked at each update, as a machine gets its address later than its agent, and another one now and then. Empty: not known. */
  readonly hostIP: () => string;
  /** Why pods share the machine's process ids that did not ask for it; undefined: none does. */
  readonly sharedPids: () => string | undefined;
}

interface Entry {
  readonly view: PodView;
  /** The status as JSON, without the resource version: what changes are known by. */
  readonly text: string;
  readonly pod: V1Pod;
}

export class StatusStore {
  readonly #options: StatusStoreOptions;
  readonly #images = new Map<PodKey, ImageActivity>();
  readonly #listeners = new Set<(change: StatusChange) => void>();
  #entries: ReadonlyMap<PodKey, Entry> = new Map();
  #version = 0;

  constructor(options: StatusStoreOptions) {
    this.#options = options;
  }

  /** Changes whenever a Pod's status does. */
  get resourceVersion(): string {
    return String(this.#version);
  }

  /** By namespace and name. */
  list(): readonly V1Pod[] {
    return [...this.#entries.values()].map(({ pod }) => pod);
  }

  get(namespace: string, name: string): V1Pod | undefined {
    return this.#entries.get(podKey(namespace, name))?.pod;
  }

  /** Undefined: there is no such Pod. */
  revisionsOf(namespace: string, name: string): ShownRevisions | undefined {
    const view = this.#entries.get(podKey(namespace, name))?.view;
    return view && shownRevisions(view);
  }

  /** Tells of every change from now on; the result ends it. */
  subscribe(listener: (change: StatusChange) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** What becomes of a Pod's images, told between two updates. */
  reportImages(key: PodKey, change: Partial<ImageActivity>): void {
    const images = { ...(this.#images.get(key) ?? noImageActivity), ...change };
    this.#images.set(key, images);
    const old = this.#entries.get(key);
    if (old === undefined) return;
    const entry = this.#entry({ ...old.view, images, wallMs: this.#options.clock.wallMs() }, old);
    this.#entries = new Map([...this.#entries, [key, entry]]); // in its old place
    if (entry.pod !== old.pod) this.#tell({ kind: "modified", pod: entry.pod });
  }

  update(picture: Picture): void {
    const entries = new Map<PodKey, Entry>();
    for (const [key, view] of [...this.#views(picture)].sort(byNamespaceAndName))
      entries.set(key, this.#entry(view, this.#entries.get(key)));
    const gone = [...this.#entries].filter(([key]) => !entries.has(key));
    const before = this.#entries;
    this.#entries = entries;
    for (const [key, { pod }] of entries) {
      const old = before.get(key)?.pod;
      if (old !== pod) this.#tell({ kind: old ? "modified" : "added", pod });
    }
    if (gone.length > 0) this.#version += 1;
    for (const [key, { pod }] of gone) {
      this.#images.delete(key);
      this.#tell({ kind: "deleted", pod });
    }
  }

  /** Every Pod that is wanted, and every other of which something still runs. */
  *#views({ desired, observation, waiting }: Picture): Generator<[PodKey, PodView]> {
    const byKey = Map.groupBy(observation.revisions, ({ key }) => key);
    const { hostIP, sharedPids, clock } = this.#options;
    const common = { hostIP: hostIP(), sharedPids: sharedPids(), wallMs: clock.wallMs() };
    const wanted = new Set<PodKey>();
    for (const pod of desired.pods) {
      const key = podKey(pod.namespace, pod.name);
      wanted.add(key);
      const manifest = manifestVerdict(desired, pod.source.file);
      const revisions = byKey.get(key) ?? [];
      const images = this.#images.get(key) ?? noImageActivity;
      yield [
        key,
        { ...common, pod, revisions, images, waiting: waiting.get(key)?.[0], manifest, isDeleted: false },
      ];
    }
    for (const [key, revisions] of byKey) {
      const live = revisions.find(isLive);
      if (wanted.has(key) || live === undefined) continue;
      const pod = this.#entries.get(key)?.view.pod ?? podOfRevision(live);
      const manifest = manifestVerdict(desired, live.manifest);
      const isDeleted = !revisions.some((revision) => isHeld(desired, revision.manifest));
      const images = this.#images.get(key) ?? noImageActivity;
      yield [key, { ...common, pod, revisions, images, waiting: undefined, manifest, isDeleted }];
    }
  }

  #entry(view: PodView, old: Entry | undefined): Entry {
    const derived = derivePod(view, old?.pod);
    const text = JSON.stringify(derived);
    if (old?.text === text) return { view, text, pod: old.pod };
    this.#version += 1;
    const metadata = { ...derived.metadata, resourceVersion: String(this.#version) };
    return { view, text, pod: { ...derived, metadata } };
  }

  #tell(change: StatusChange): void {
    for (const listener of this.#listeners) listener(change);
  }
}

function byNamespaceAndName([a]: [PodKey, unknown], [b]: [PodKey, unknown]): number {
  return a.replace("/", "\0") < b.replace("/", "\0") ? -1 : 1;
}
