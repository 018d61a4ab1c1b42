// The client commands of the compiled executable, asking a test machine's agent.

import { executable } from "./executable.ts";
import type { Machine } from "./machine.ts";

export interface Called {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CallOptions {
  readonly stdin?: string;
  readonly env?: Readonly<Record<string, string>>;
}

export async function call(
  machine: Machine,
  argv: readonly string[],
  { stdin, env }: CallOptions = {},
): Promise<Called> {
  const child = Bun.spawn([await executable(), ...argv], {
    cwd: machine.path,
    env: { PATH: process.env.PATH ?? "", GANTRY_SERVER: `unix://${machine.socket}`, ...env },
    stdin: stdin === undefined ? "ignore" : Buffer.from(stdin),
    stdout: "pipe",
    stderr: "pipe",
  });
  const [stdout, stderr, exitCode] = await Promise.all([
    child.stdout.text(),
    child.stderr.text(),
    child.exited,
  ]);
  return {
    exitCode,
    stdout: stdout.replaceAll(machine.path, "."),
    stderr: stderr.replaceAll(machine.path, "."),
  };
}
