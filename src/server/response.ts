// Answers that are not problems.

/** With a newline at the end, for terminals. */
export function jsonResponse(value: object): Response {
  return new Response(`${JSON.stringify(value)}\n`, { headers: { "Content-Type": "application/json" } });
}

export function textResponse(body: string | ReadableStream<Uint8Array>, status = 200): Response {
  return new Response(body, { status, headers: { "Content-Type": "text/plain; charset=utf-8" } });
}
