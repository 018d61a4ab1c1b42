// What a command says before it ends with another exit code than 0.

/** The command cannot do what it was asked for: one line, with a hint where a person can act. Exit code 1. */
export class CommandFailure extends Error {
  override readonly name: string = "CommandFailure";
}

/** It was asked in a wrong way. Exit code 2. */
export class UsageError extends CommandFailure {
  override readonly name = "UsageError";
}
