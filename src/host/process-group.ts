// A program and what it has started, as long as that stays in its process group.

import { hasErrorCode } from "./error.ts";

/** Not an error if nobody is left, or if it has become somebody else's. */
export function killGroup(leader: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-leader, signal);
  } catch (error) {
    if (!hasErrorCode(error, "ESRCH", "EPERM")) throw error;
  }
}
