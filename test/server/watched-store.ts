// A status store whose pods a test sets by name and labels.

import type { Pod } from "../../src/pod/pod.ts";
import { StatusStore } from "../../src/status/store.ts";
import { FakeClock } from "../fakes/fake-clock.ts";
import { baseDesired, basePod } from "../reconcile/base-world.ts";

type Labels = Readonly<Record<string, string>>;

export class WatchedStore extends StatusStore {
  readonly clock: FakeClock;
  readonly #pods = new Map<string, Pod>();

  constructor() {
    const clock = new FakeClock();
    super({ clock, hostIP: () => "", events: () => [], sharedPids: () => undefined });
    this.clock = clock;
  }

  /** Puts pods there, each with its labels; undefined removes it. */
  set(change: Readonly<Record<string, Labels | undefined>>): void {
    for (const [name, labels] of Object.entries(change)) {
      const pod = basePod({ name });
      const wire = { ...pod.wire, metadata: { name, namespace: "default", labels: labels ?? {} } };
      if (labels) this.#pods.set(name, { ...pod, wire });
      else this.#pods.delete(name);
    }
    this.update({
      desired: baseDesired({ pods: [...this.#pods.values()] }),
      observation: { revisions: [], podDirectories: [] },
      waiting: new Map(),
      health: new Map(),
    });
  }
}
