// Turns this process into another program. Nothing of ours runs afterwards; the first three file descriptors stay open.

/** execve(2): `program` absolute, `argv` with the program's name. Throws if it cannot be run. */
export function becomeProgram(
  program: string,
  argv: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): never {
  if (process.execve === undefined) throw new Error("this runtime has no execve");
  return process.execve(program, [...argv], { ...environment });
}
