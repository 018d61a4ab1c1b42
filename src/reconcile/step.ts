// What the world asks for of one Pod, in order. Pure.

import type { Waiting } from "../pod/waiting.ts";
import type { Action, ActionOf } from "./action.ts";

/** An action that is asked for; of a Pod's steps the first that is due is taken. */
export interface Step<A extends Action = Action> {
  readonly action: A;
  /** When it is due; 0: at once. */
  readonly notBeforeMs: number;
  /** It is waited for since something crashed. */
  readonly isBackOff: boolean;
}

export type RunStep = Step<ActionOf<"run">>;

/** What is to become of one Pod. */
export interface PodSteps {
  readonly steps: readonly Step[];
  /** What it waits for beside its steps. */
  readonly waiting: readonly Waiting[];
}

export function now<A extends Action>(action: A): Step<A> {
  return { action, notBeforeMs: 0, isBackOff: false };
}

export function notBefore<A extends Action>(notBeforeMs: number, action: A): Step<A> {
  return { action, notBeforeMs, isBackOff: false };
}
