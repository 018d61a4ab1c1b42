// What a registry, or the way to it, answered instead of what was asked for.
// Invariant: a message is one line, tells nothing of a credential, and uses Go's words for a network that fails, as rkt's do.

export type RegistryFailure =
  /** Nobody is there to ask. */
  | "unreachable"
  /** It may be better in a moment: a connection that broke, a server that is overloaded. */
  | "transient"
  /** The same question gets the same answer. */
  | "final";

export class RegistryError extends Error {
  override readonly name = "RegistryError";
  readonly failure: RegistryFailure;
  /** The server asks to be left alone for so long. */
  readonly retryAfterMs: number | undefined;

  constructor(
    failure: RegistryFailure,
    message: string,
    options: ErrorOptions & { readonly retryAfterMs?: number | undefined } = {},
  ) {
    super(message, options);
    this.failure = failure;
    this.retryAfterMs = options.retryAfterMs;
  }
}

const goWords: Readonly<Record<string, readonly [RegistryFailure, string]>> = {
  ECONNREFUSED: ["unreachable", "connection refused"],
  ENOTFOUND: ["unreachable", "no such host"],
  EAI_AGAIN: ["unreachable", "temporary failure in name resolution"],
  ENETUNREACH: ["unreachable", "network is unreachable"],
  EHOSTUNREACH: ["unreachable", "no route to host"],
  ETIMEDOUT: ["unreachable", "i/o timeout"],
  EPROTO: ["unreachable", "the server does not speak TLS"],
  // Bun's also for a connection that was closed in the middle of an answer.
  ECONNRESET: ["transient", "connection reset by peer"],
  EPIPE: ["transient", "broken pipe"],
};

/** For what fetch() throws. */
export function networkError(url: URL, error: unknown): RegistryError {
  if (error instanceof RegistryError) return error;
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  const [failure, text] = goWords[code] ?? ["final", error instanceof Error ? error.message : String(error)];
  return new RegistryError(failure, `Get "${shownUrl(url)}": ${oneLine(text)}`, { cause: error });
}

/** Without its query, which for a signed URL is a credential. */
export function shownUrl({ origin, pathname }: URL): string {
  return origin + pathname;
}

/** Text of a server's, for people: printable, and not longer than a line should be. */
export function oneLine(text: string): string {
  return text
    .replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\s]+/gu, " ")
    .trim()
    .slice(0, 300);
}
