// How a command ends that does not end well.

/** It cannot be done: one line, with a hint where a person can act. Exit code 1. */
export class CommandFailure extends Error {
  override readonly name: string = "CommandFailure";
}

/** It was asked in a wrong way. Exit code 2. */
export class UsageError extends CommandFailure {
  override readonly name = "UsageError";
}

/** Nobody reads what is printed any more (`| head`): nothing is left to do or to say. */
export class OutputClosed extends Error {
  override readonly name = "OutputClosed";
}
