// What has changed lately in what a store holds: for who listens, and for who was away for a moment.
// Invariant: versions only grow, also from one agent to the next, so that an old one is never taken for a new one.

export interface Change<T> {
  readonly kind: "added" | "modified" | "deleted";
  /** When deleted: as it was last. */
  readonly object: T;
  /** As it was before; undefined when added. */
  readonly previous: T | undefined;
  readonly version: number;
}

/** So many changes of one millisecond before two agents' versions could be the same. */
const versionsPerMs = 1000;
const keptChangesMax = 512;

export class ChangeLog<T> {
  readonly #listeners = new Set<(change: Change<T>) => void>();
  #changes: Change<T>[] = [];
  #version: number;
  /** Of changes up to this one nothing is known any more. */
  #forgottenVersion: number;

  /** `startedMs`: the wall clock now. */
  constructor(startedMs: number) {
    this.#version = startedMs * versionsPerMs;
    this.#forgottenVersion = this.#version;
  }

  /** Of the last change. */
  get version(): number {
    return this.#version;
  }

  /** Keeps a change, whose object `make` makes with its version. Nobody is told of it yet. */
  append(kind: Change<T>["kind"], previous: T | undefined, make: (version: number) => T): Change<T> {
    this.#version += 1;
    const change = { kind, object: make(this.#version), previous, version: this.#version };
    this.#changes.push(change);
    return change;
  }

  /** Of what was appended since the last time. However many these are, they are known until the next ones are told. */
  tell(changes: readonly Change<T>[]): void {
    const forgotten = this.#changes.length - Math.max(keptChangesMax, changes.length);
    if (forgotten > 0) {
      this.#forgottenVersion = this.#changes[forgotten - 1]?.version ?? this.#version;
      this.#changes = this.#changes.slice(forgotten);
    }
    for (const change of changes) for (const listener of this.#listeners) listener(change);
  }

  /** Oldest first; undefined: not all of them are known any more, or that version is none of ours. */
  since(version: number): readonly Change<T>[] | undefined {
    if (version < this.#forgottenVersion || version > this.#version) return undefined;
    return this.#changes.filter((change) => change.version > version);
  }

  /** Tells of every change from now on; the result ends it. */
  subscribe(listener: (change: Change<T>) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
