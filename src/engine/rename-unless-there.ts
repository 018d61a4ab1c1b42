// How directories appear in the store: complete, and the first one counts.

import { renameSync } from "node:fs";
import { hasErrorCode } from "../host/error.ts";

/** False where there is one already, which stays. */
export function renameUnlessThere(from: string, to: string): boolean {
  try {
    renameSync(from, to);
    return true;
  } catch (error) {
    if (hasErrorCode(error, "EEXIST", "ENOTEMPTY")) return false;
    throw error;
  }
}
