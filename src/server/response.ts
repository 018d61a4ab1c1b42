// Answers that are not problems. One that says its length is sent in one piece, every other as a stream.

/** With a newline at the end, for terminals. */
export function jsonResponse(value: object): Response {
  return wholeResponse(`${JSON.stringify(value)}\n`, "application/json");
}

export function textResponse(body: string | ReadableStream<Uint8Array>, status = 200): Response {
  const type = "text/plain; charset=utf-8";
  if (typeof body === "string") return wholeResponse(body, type, status);
  return new Response(body, { status, headers: { "Content-Type": type } });
}

function wholeResponse(text: string, type: string, status = 200): Response {
  const headers = { "Content-Type": type, "Content-Length": String(Buffer.byteLength(text)) };
  return new Response(text, { status, headers });
}
