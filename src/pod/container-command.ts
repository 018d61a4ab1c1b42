// A command in a running container, as it is asked for and answered: what the runtime starts and the server connects.

import type { NoContainer } from "./pod-log.ts";

export interface ContainerCommand {
  readonly namespace: string;
  readonly name: string;
  /** Undefined: the only one. */
  readonly container: string | undefined;
  readonly argv: readonly string[];
  /** Somebody will write to its standard input, or endInput(). */
  readonly hasInput: boolean;
  readonly isTerminal: boolean;
}

export type CommandStart =
  | { readonly kind: "started"; readonly command: RunningCommand }
  | NoContainer
  /** `reason` as the status has it: `CrashLoopBackOff`. */
  | { readonly kind: "notRunning"; readonly container: string; readonly reason: string };

export interface RunningCommand {
  /** Resolves once it takes more; at once when it has ended. */
  write(bytes: Uint8Array): Promise<void>;
  endInput(): void;
  /** Each to be read once, and no faster than it is taken. With a terminal all is output. */
  readonly output: AsyncIterable<Uint8Array>;
  readonly errors: AsyncIterable<Uint8Array>;
  /** Known once it has ended; 128 and the number where a signal ended it. */
  readonly exitCode: Promise<number>;
  /** Nothing without a terminal. */
  resize(columns: number, rows: number): void;
  /** Ends it and what it has started. */
  kill(): void;
}
