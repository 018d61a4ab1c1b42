// A request that cannot be answered, and the one shape that every error has on the wire (RFC 9457).

import { STATUS_CODES } from "node:http";

type ErrorStatus = 400 | 403 | 404 | 405 | 500;

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
}

export function problemResponse(error: RequestError, requestId: string): Response {
  const body = {
    type: "about:blank",
    title: STATUS_CODES[error.status],
    status: error.status,
    detail: error.message,
    requestId,
  };
  return new Response(`${JSON.stringify(body)}\n`, {
    status: error.status,
    headers: { ...error.headers, "Content-Type": "application/problem+json" },
  });
}
