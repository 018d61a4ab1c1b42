// Errors become text here, at the log and the status, and nowhere else.

/** `message: cause: cause of the cause`, one line. */
export function errorChain(error: unknown): string {
  const parts: string[] = [];
  for (let at: unknown = error; at !== undefined && parts.length < 8; ) {
    const text = at instanceof Error ? at.message : String(at);
    if (text !== "" && !parts.at(-1)?.endsWith(text)) parts.push(text);
    at = at instanceof Error ? at.cause : undefined;
  }
  return parts.join(": ").replaceAll(/\s*\n\s*/g, "; ");
}

/** Whether a node:fs error has one of these codes. */
export function hasErrorCode(error: unknown, ...codes: readonly string[]): boolean {
  return error instanceof Error && "code" in error && codes.includes(String(error.code));
}
