// How often systemd was told to read all unit files again, which takes it the longer the more there are.

import { run } from "./machine.ts";

/** Since it was started. */
export async function reloads(): Promise<number> {
  const lines = await run("journalctl", "--quiet", "-o", "cat", "_PID=1");
  return lines.split("\n").filter((line) => /^Reloading( requested|\.)/.test(line)).length;
}
