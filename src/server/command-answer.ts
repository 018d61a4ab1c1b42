// A command as one request and its answer, for scripts.
// Invariant: it is held back when the client takes nothing, and ended when the client has gone.

import type { RunningCommand } from "../pod/container-command.ts";
import type { ServerContext } from "./connection.ts";
import { jsonResponse } from "./response.ts";

interface WantedStreams {
  readonly hasInput: boolean;
  readonly output: boolean;
  readonly errors: boolean;
}

const exitCodeTrailer = "X-Exit-Code";
/** Of each stream, in an answer that is one piece. */
const bytesMax = 1024 * 1024;

export async function answerOnce(
  c: ServerContext,
  command: RunningCommand,
  wanted: WantedStreams,
): Promise<Response> {
  const { signal, body } = c.req.raw;
  signal.addEventListener("abort", () => command.kill());
  if (wanted.hasInput) void passInput(body, command).catch(() => command.kill());
  if (c.req.header("accept")?.includes("application/json")) {
    const [output, errors] = await Promise.all([textOf(command.output), textOf(command.errors)]);
    return jsonResponse({
      exitCode: await command.exitCode,
      stdout: output.text,
      stderr: errors.text,
      ...(output.isTruncated && { stdoutTruncated: true }),
      ...(errors.isTruncated && { stderrTruncated: true }),
    });
  }
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  void (async () => {
    const writer = writable.getWriter();
    const pass = async (stream: AsyncIterable<Uint8Array>, isWanted: boolean) => {
      for await (const bytes of stream) if (isWanted) await writer.write(bytes);
    };
    await Promise.all([pass(command.output, wanted.output), pass(command.errors, wanted.errors)]);
    c.env.setTrailer(exitCodeTrailer, String(await command.exitCode));
    await writer.close();
  })().catch(() => command.kill()); // the client has gone
  const headers = { "Content-Type": "application/octet-stream", Trailer: exitCodeTrailer };
  return new Response(readable, { headers });
}

async function passInput(body: ReadableStream<Uint8Array> | null, command: RunningCommand): Promise<void> {
  for await (const bytes of body ?? []) await command.write(bytes);
  command.endInput();
}

/** Its beginning; what is beyond is read all the same, as the command would wait else. */
async function textOf(
  stream: AsyncIterable<Uint8Array>,
): Promise<{ readonly text: string; readonly isTruncated: boolean }> {
  const decoder = new TextDecoder();
  let text = "";
  let left = bytesMax;
  let isTruncated = false;
  for await (const bytes of stream) {
    text += decoder.decode(bytes.subarray(0, left), { stream: true });
    isTruncated ||= bytes.length > left;
    left -= Math.min(left, bytes.length);
  }
  return { text: text + decoder.decode(), isTruncated };
}
