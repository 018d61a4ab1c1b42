// What one of rkt's subcommands is to the engine.

import type { Flags, ParsedFlags } from "./command-line.ts";

export interface Command {
  /** As typed: `image list`. Errors carry only its last word, as rkt's do. */
  readonly name: string;
  /** What comes after the name. */
  readonly synopsis: string;
  readonly flags: Flags;
  readonly needsRoot?: boolean;
  /** Arguments after this many are passed on unread. */
  readonly passesOnAfter?: number;
  /** Returns the exit code; throws EngineError. */
  readonly run: (context: Context) => Promise<number> | number;
}

export interface Context {
  readonly flags: ParsedFlags;
  readonly args: readonly string[];
  /** The data directory, absolute; it may not be there yet. */
  readonly dir: string;
  /** Security features that the caller switched off. */
  readonly insecure: ReadonlySet<string>;
  /** argv that starts this engine again. */
  readonly self: readonly string[];
  /** argv of this call, from the subcommand's global options on. */
  readonly argv: readonly string[];
  /** Standard output, as it is. */
  readonly print: (text: string) => void;
  /** A line on standard error, with the subcommand's name before it. */
  readonly tell: (line: string) => void;
  /** The same, only with --debug. */
  readonly debug: (line: string) => void;
  /** Shows how to call the command; returns the exit code for that. */
  readonly usage: () => number;
}
