// Places where a test can have the process killed, as `kill -9` would just there.
// Invariant: the product has none of them: build.ts makes GANTRY_FAULTS false, and what stands behind it is left out.

let passed = 0;

/** Kills the process where `GANTRY_FAULT=PATTERN:COUNT` has been matched for that many times. To be called `if (process.env.GANTRY_FAULTS)`. */
export function faultPoint(name: string): void {
  const [, pattern, count] = /^(.*):(\d+)$/.exec(process.env.GANTRY_FAULT ?? "") ?? [];
  if (pattern === undefined || !new RegExp(pattern).test(name)) return;
  passed += 1;
  if (passed === Number(count)) process.kill(process.pid, "SIGKILL");
}
