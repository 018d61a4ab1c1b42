// Answers that are not problems: in one piece, which say their length, or as a stream.

/** With a newline at the end, for terminals. */
export function jsonResponse(value: object): Response {
  return wholeResponse(`${JSON.stringify(value)}\n`, "application/json");
}

export function textResponse(body: string | ReadableStream<Uint8Array>, status = 200): Response {
  const type = "text/plain; charset=utf-8";
  if (typeof body === "string") return wholeResponse(body, type, status);
  return new Response(body, { status, headers: { "Content-Type": type } });
}

const wholes = new WeakMap<Response, string | Uint8Array>();

/** Its bytes are copied neither into the response nor out of it, where they are asked for by wholeOf(): that took longer than all the rest. */
export function wholeResponse(whole: string | Uint8Array, type: string, status = 200): Response {
  const headers = { "Content-Type": type, "Content-Length": String(Buffer.byteLength(whole)) };
  const body =
    typeof whole === "string"
      ? whole
      : new ReadableStream<Uint8Array>({
          pull(controller) {
            controller.enqueue(whole);
            controller.close();
          },
        });
  const response = new Response(body, { status, headers });
  wholes.set(response, whole);
  return response;
}

/** Undefined: it was made otherwise, or is another one by now. */
export function wholeOf(response: Response): string | Uint8Array | undefined {
  return wholes.get(response);
}
