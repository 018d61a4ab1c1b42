// What the machine is short of, as v1.NodeConditions with the kubelet's reasons, and since when. Pure.
// Invariant: a shortage is over only when it has not been seen for the transition period, so that nothing comes and goes by turns.

import type { NodeCondition } from "kubernetes-types/core/v1";
import type { EventReason } from "../pod/event.ts";
import { rfc3339 } from "../pod/time.ts";
import { type Pressure, pressures } from "./threshold.ts";

/** `--eviction-pressure-transition-period`. */
export const transitionMs = 5 * 60_000;

export interface PressureState {
  readonly isPresent: boolean;
  /** When it was last seen, on the monotonic clock; undefined: never. */
  readonly seenMs: number | undefined;
  /** Milliseconds since the epoch. */
  readonly changedAtMs: number;
}
export type PressureStates = ReadonlyMap<Pressure, PressureState>;

export interface Moment {
  /** Monotonic. */
  readonly nowMs: number;
  readonly wallMs: number;
}

export function noPressure({ wallMs }: Pick<Moment, "wallMs">): PressureStates {
  return new Map(
    pressures.map((pressure) => [pressure, { isPresent: false, seenMs: undefined, changedAtMs: wallMs }]),
  );
}

/** After a look that found these. */
export function nextPressures(
  states: PressureStates,
  found: ReadonlySet<Pressure>,
  { nowMs, wallMs }: Moment,
): PressureStates {
  return new Map(
    [...states].map(([pressure, state]) => {
      const seenMs = found.has(pressure) ? nowMs : state.seenMs;
      const isPresent = seenMs !== undefined && nowMs - seenMs < transitionMs;
      const changedAtMs = isPresent === state.isPresent ? state.changedAtMs : wallMs;
      return [pressure, { isPresent, seenMs, changedAtMs }];
    }),
  );
}

interface Words {
  readonly reason: string;
  readonly message: string;
  readonly event: EventReason;
}

const words: Readonly<Record<Pressure, { readonly present: Words; readonly absent: Words }>> = {
  MemoryPressure: {
    present: {
      reason: "KubeletHasInsufficientMemory",
      message: "the machine has insufficient memory available",
      event: "NodeHasInsufficientMemory",
    },
    absent: {
      reason: "KubeletHasSufficientMemory",
      message: "the machine has sufficient memory available",
      event: "NodeHasSufficientMemory",
    },
  },
  DiskPressure: {
    present: {
      reason: "KubeletHasDiskPressure",
      message: "the machine has disk pressure",
      event: "NodeHasDiskPressure",
    },
    absent: {
      reason: "KubeletHasNoDiskPressure",
      message: "the machine has no disk pressure",
      event: "NodeHasNoDiskPressure",
    },
  },
  PIDPressure: {
    present: {
      reason: "KubeletHasInsufficientPID",
      message: "the machine has insufficient PID available",
      event: "NodeHasInsufficientPID",
    },
    absent: {
      reason: "KubeletHasSufficientPID",
      message: "the machine has sufficient PID available",
      event: "NodeHasSufficientPID",
    },
  },
};

export function wordsFor(pressure: Pressure, isPresent: boolean): Words {
  return words[pressure][isPresent ? "present" : "absent"];
}

export function nodeConditions(states: PressureStates): readonly NodeCondition[] {
  return [...states].map(([type, { isPresent, changedAtMs }]) => {
    const { reason, message } = wordsFor(type, isPresent);
    const status = isPresent ? "True" : "False";
    return { type, status, reason, message, lastTransitionTime: rfc3339(changedAtMs) };
  });
}
