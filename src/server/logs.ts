// GET …/logs: what a container wrote, as text.
// Invariant: the log is read no faster than the client takes it, and no longer than the client is there.

import { Hono } from "hono";
import type { Clock } from "../host/clock.ts";
import { errorChain } from "../host/error.ts";
import type { Log } from "../host/log.ts";
import type { LogLine, PodLog, PodLogQuery } from "../pod/pod-log.ts";
import type { ServerContext, ServerEnv } from "./connection.ts";
import { type AskedContainer, noContainer } from "./container-refusal.ts";
import { decodeLogQuery, type LogQuery } from "./log-query.ts";
import type { PodsView } from "./pods.ts";
import { RequestError } from "./request-error.ts";
import { textResponse } from "./response.ts";

export interface LogSource {
  open(query: PodLogQuery): PodLog;
}

export interface LogRoutesOptions {
  readonly status: PodsView;
  readonly logs: LogSource;
  readonly clock: Pick<Clock, "wallMs">;
  readonly log: Log;
}

export function logRoutes(options: LogRoutesOptions): Hono<ServerEnv> {
  return new Hono<ServerEnv>()
    .get("/pods/:namespace/:name/logs", (c) => {
      const { namespace, name } = c.req.param();
      return answer(c, options, namespace, name);
    })
    .get("/containerLogs/:namespace/:name/:container", (c) => {
      const { namespace, name, container } = c.req.param();
      return answer(c, options, namespace, name, container);
    });
}

function answer(
  c: ServerContext,
  options: LogRoutesOptions,
  namespace: string,
  name: string,
  pathContainer?: string,
): Response {
  const query = decodeLogQuery(new URL(c.req.url).searchParams, options.clock.wallMs());
  const { follow, previous, tailLines, sinceMs } = query;
  const container = pathContainer ?? query.container;
  const ended = new AbortController();
  const signal = AbortSignal.any([ended.signal, c.req.raw.signal]);
  const stream = options.logs.open({
    namespace,
    name,
    container,
    previous,
    follow,
    tailLines,
    sinceMs,
    signal,
  });
  if (stream.kind !== "stream") throw refusal(stream, options.status, { namespace, name, container });
  if (c.req.raw.method === "HEAD") {
    ended.abort(); // nobody would read the body, and so nobody end it
    return textResponse("");
  }
  if (follow) c.env.keepOpen();
  const onError = (error: unknown) => {
    if (signal.aborted) return;
    const requestId = c.var.requestId;
    options.log.error(`Cannot go on with the log of ${namespace}/${name}`, {
      error: errorChain(error),
      requestId,
    });
  };
  return textResponse(logBody(stream.entries, query, { end: () => ended.abort(), onError }));
}

function refusal(
  stream: Exclude<PodLog, { kind: "stream" }>,
  status: PodsView,
  asked: AskedContainer,
): RequestError {
  const container =
    asked.container === undefined ? "container" : `container ${JSON.stringify(asked.container)}`;
  const pod = `pod ${JSON.stringify(asked.name)}`;
  switch (stream.kind) {
    case "noPrevious":
      return new RequestError(400, `previous terminated ${container} in ${pod} not found`);
    case "notStarted":
      return new RequestError(400, `${container} in ${pod} is waiting to start: ${stream.reason}`);
    default:
      return noContainer(stream, status, asked);
  }
}

function logBody(
  entries: AsyncIterable<LogLine>,
  { timestamps, limitBytes = Number.POSITIVE_INFINITY }: LogQuery,
  { end, onError }: { end: () => void; onError: (error: unknown) => void },
): ReadableStream<Uint8Array> {
  const iterator = entries[Symbol.asyncIterator]();
  const encoder = new TextEncoder();
  let bytesLeft = limitBytes;
  const cancel = async () => {
    end();
    await iterator.return?.()?.catch(onError);
  };
  // Pulled, not pushed: what is pushed, and all that bun calls "direct", piles up without bound behind a slow client.
  return new ReadableStream({
    async pull(controller) {
      try {
        const { done, value } = await iterator.next();
        if (done) return controller.close();
        const line = encoder.encode(formatLogLine(value, timestamps)).subarray(0, bytesLeft);
        bytesLeft -= line.length;
        controller.enqueue(line);
        if (bytesLeft > 0) return;
        controller.close();
        await cancel();
      } catch (error) {
        onError(error);
        controller.error(); // cuts the connection: the client must know that this is not all (bun prints what is given here)
      }
    },
    cancel,
  });
}

/** With `timestamps`, in UTC with nine digits of the second, as the kubelet's: always the same width. */
function formatLogLine({ message, timestampUs }: LogLine, timestamps: boolean): string {
  if (!timestamps) return `${message}\n`;
  const second = new Date(Number(timestampUs / 1_000_000n) * 1000).toISOString().slice(0, 19);
  const microseconds = String(timestampUs % 1_000_000n).padStart(6, "0");
  return `${second}.${microseconds}000Z ${message}\n`;
}
