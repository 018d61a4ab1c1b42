// What a client of rkt's is made with, and how much it is to clear away.

import type { Outside } from "../host/outside.ts";
import type { Argv, RktGlobalOptions } from "./command-line.ts";
import type { RktTimeouts } from "./rkt-timeouts.ts";

export interface RktClientOptions {
  /** What to run: `["/usr/bin/rkt"]`, or this executable and `rkt`. */
  readonly command: Argv;
  readonly options: RktGlobalOptions;
  readonly timeouts?: Partial<RktTimeouts>;
  /** Runs with more rights than ours what needs them (host/outside.ts), and ends at once when told by SIGTERM; undefined: ours will do. */
  readonly outside?: Outside | undefined;
}

export interface GcOptions {
  /** How long an exited pod is kept. */
  readonly graceMs: number;
  /** How long a pod that was prepared and never run is kept. */
  readonly expirePreparedMs: number;
}
