// The executable in its place, as a person installs it, and what it and its service say.

import { copyFile, rename } from "node:fs/promises";
import { executable } from "./executable.ts";

export const gantry = "/usr/local/bin/gantry";

/** A new file in place of the old one, as a package manager does it: the old one may run. */
export async function putExecutable(): Promise<void> {
  await copyFile(await executable(), `${gantry}.new`);
  await rename(`${gantry}.new`, gantry);
}

export function call(...argv: readonly string[]) {
  const { exitCode, stdout, stderr } = Bun.spawnSync([gantry, ...argv], { stdin: "ignore" });
  return { exitCode, stdout: stdout.toString(), stderr: stderr.toString() };
}

export function journal(): string {
  return Bun.spawnSync(["journalctl", "--no-pager", "-o", "cat", "-u", "gantry"]).stdout.toString();
}
