// The runtime port, with what each call took and what could not be removed told to whoever wants to know.
// Invariant: changes nothing of what the runtime does, answers or throws.

import type { Clock } from "../host/clock.ts";
import { errorChain } from "../host/error.ts";
import type { PodUid, RktUuid } from "../pod/names.ts";
import type { Observation } from "../pod/observed-pod.ts";
import type { Runtime } from "../reconcile/runtime.ts";
import type { StuckThings } from "./stuck-things.ts";

export interface MeasuredRuntimeOptions {
  readonly onOperation: (operation: {
    readonly type: string;
    readonly seconds: number;
    readonly isError: boolean;
  }) => void;
  /** A look at the machine that did not fail. */
  readonly onLook: (seconds: number) => void;
  readonly stuck: StuckThings;
  readonly clock: Clock;
}

/** The operations have the names of the kubelet's calls of its runtime, as far as it makes such. */
export function measuredRuntime(runtime: Runtime, options: MeasuredRuntimeOptions): Runtime {
  const { onOperation, onLook, stuck, clock } = options;
  const measure = async <T>(type: string, call: () => Promise<T>): Promise<T> => {
    const startedMs = clock.nowMs();
    const seconds = () => (clock.nowMs() - startedMs) / 1000;
    try {
      const result = await call();
      onOperation({ type, seconds: seconds(), isError: false });
      if (type === "list_containers") onLook(seconds());
      return result;
    } catch (error) {
      onOperation({ type, seconds: seconds(), isError: true });
      throw error;
    }
  };
  const remove = async (what: string, call: () => Promise<void>): Promise<void> => {
    try {
      await call();
      stuck.note(what, undefined, clock.wallMs());
    } catch (error) {
      stuck.note(what, errorChain(error), clock.wallMs());
      throw error;
    }
  };
  return {
    async observe(signal) {
      const observation = await measure("list_containers", () => runtime.observe(signal));
      const present = new Set(thingsOf(observation));
      stuck.keep((what) => present.has(what) || !isOfPod(what));
      return observation;
    },
    prepare: (...args) => measure("create_container", () => runtime.prepare(...args)),
    start: (...args) => measure("start_container", () => runtime.start(...args)),
    refresh: (...args) => measure("refresh_pod", () => runtime.refresh(...args)),
    postStart: (...args) => measure("post_start", () => runtime.postStart(...args)),
    markReady: (...args) => measure("mark_ready", () => runtime.markReady(...args)),
    stop: (...args) => measure("stop_container", () => runtime.stop(...args)),
    remove: (...args) =>
      remove(revisionThing(args[0].uuid), () => measure("remove_container", () => runtime.remove(...args))),
    removePodDirectory: (...args) =>
      remove(directoryThing(args[0]), () =>
        measure("remove_pod_directory", () => runtime.removePodDirectory(...args)),
      ),
  };
}

const revisionThing = (uuid: RktUuid) => `rkt pod ${uuid}`;
const directoryThing = (uid: PodUid) => `directory of pod ${uid}`;

function isOfPod(what: string): boolean {
  return what.startsWith("rkt pod ") || what.startsWith("directory of pod ");
}

function thingsOf({ revisions, podDirectories }: Observation): readonly string[] {
  return [
    ...revisions.map(({ uuid }) => revisionThing(uuid)),
    ...podDirectories.map(({ uid }) => directoryThing(uid)),
  ];
}
