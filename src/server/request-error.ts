// A request that cannot be answered, and the one shape that every error has on the wire (RFC 9457).

import { STATUS_CODES } from "node:http";

type ErrorStatus = 400 | 401 | 403 | 404 | 405 | 406 | 408 | 409 | 413 | 415 | 426 | 429 | 431 | 500 | 503;

export class RequestError extends Error {
  override readonly name = "RequestError";
  readonly status: ErrorStatus;
  readonly headers: Readonly<Record<string, string>>;
  /** `detail` is one sentence for the person who asked. */
  constructor(status: ErrorStatus, detail: string, headers: Readonly<Record<string, string>> = {}) {
    super(detail);
    this.status = status;
    this.headers = headers;
  }

  get title(): string {
    return STATUS_CODES[this.status] ?? "";
  }
}

export function problemResponse(error: RequestError, requestId: string): Response {
  const { text, headers } = problemText(error, requestId);
  return new Response(text, { status: error.status, headers });
}

/** For where there is no Response: before there is a request, or too many of them. */
export function problemText(
  error: RequestError,
  requestId: string,
): { readonly text: string; readonly headers: Readonly<Record<string, string>> } {
  const { status, title, message: detail } = error;
  const text = `${JSON.stringify({ type: "about:blank", title, status, detail, requestId })}\n`;
  return {
    text,
    headers: {
      ...error.headers,
      "Content-Type": "application/problem+json",
      "Content-Length": String(Buffer.byteLength(text)),
      "X-Request-Id": requestId,
    },
  };
}
