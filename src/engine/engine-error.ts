// What the engine tells the caller when it can't do what was asked, and how the kernel's errors read in rkt's words.

/** An error of ours, one line or several, told as `SUBCOMMAND: text`. */
export class EngineError extends Error {
  override readonly name = "EngineError";
  readonly exitCode: number;
  constructor(message: string, options: ErrorOptions & { readonly exitCode?: number } = {}) {
    super(message, options);
    this.exitCode = options.exitCode ?? 254;
  }
}

const texts: Readonly<Record<string, string>> = {
  EACCES: "permission denied",
  EBUSY: "device or resource busy",
  EEXIST: "file exists",
  EISDIR: "is a directory",
  ELOOP: "too many levels of symbolic links",
  ENAMETOOLONG: "file name too long",
  ENOENT: "no such file or directory",
  ENOSPC: "no space left on device",
  ENOTDIR: "not a directory",
  ENOTEMPTY: "directory not empty",
  EPERM: "operation not permitted",
  EROFS: "read-only file system",
  EXDEV: "invalid cross-device link",
};

/** `open /x: no such file or directory`, as Go prints an error of the file system. */
export function fileError(error: unknown): EngineError {
  if (error instanceof EngineError) return error;
  if (!(error instanceof Error) || !("code" in error)) throw error;
  const text = texts[String(error.code)];
  if (text === undefined) return new EngineError(error.message, { cause: error });
  const operation = "syscall" in error ? String(error.syscall) : "";
  const path = "path" in error ? String(error.path) : "";
  const place = [operation, path].filter((part) => part !== "").join(" ");
  return new EngineError(place === "" ? `${error.message}: ${text}` : `${place}: ${text}`, { cause: error });
}

/** Runs a step that touches files; its errors come out in rkt's words. */
export function withFileErrors<T>(prefix: string, step: () => T): T {
  try {
    return step();
  } catch (error) {
    const cause = fileError(error);
    throw prefix === "" ? cause : new EngineError(`${prefix}: ${cause.message}`, { cause });
  }
}
