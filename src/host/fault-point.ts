// Places where a test can have the process killed, as `kill -9` would just there.
// Invariant: the product has none of them: build.ts makes FAULT_POINTS false, and what stands behind it is left out.
// Neither name begins with GANTRY_, as all that does is a setting.

let passed = 0;

/** Kills the process where `FAULT_POINT=PATTERN:COUNT` has been matched for that many times. To be called `if (process.env.FAULT_POINTS)`. */
export function faultPoint(name: string): void {
  const [, pattern, count] = /^(.*):(\d+)$/.exec(process.env.FAULT_POINT ?? "") ?? [];
  if (pattern === undefined || !new RegExp(pattern, "s").test(name)) return;
  passed += 1;
  if (passed === Number(count)) process.kill(process.pid, "SIGKILL");
}
