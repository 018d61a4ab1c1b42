// GET …/logs: what a container wrote.
// Invariant: the log is read no faster than the client takes it, and no longer than the client is there.

import { Hono } from "hono";
import type { Clock } from "../host/clock.ts";
import { errorChain } from "../host/error.ts";
import type { Log } from "../host/log.ts";
import type { LogLine, PodLog, PodLogQuery } from "../pod/pod-log.ts";
import type { ServerContext, ServerEnv } from "./connection.ts";
import { type AskedContainer, noContainer } from "./container-refusal.ts";
import { type LogFormat, plainText, recordsOf, textWithTime } from "./log-format.ts";
import { decodeLogQuery } from "./log-query.ts";
import type { PodsView } from "./pods.ts";
import { RequestError } from "./request-error.ts";

export interface LogSource {
  open(query: PodLogQuery): PodLog;
}

export interface LogRoutesOptions {
  readonly status: PodsView;
  readonly logs: LogSource;
  readonly clock: Pick<Clock, "wallMs">;
  readonly log: Log;
}

/** Each has a journalctl. Half of them are for those who can do more than read. */
const readersMax = 64;

export function logRoutes(options: LogRoutesOptions): Hono<ServerEnv> {
  const readers = new Set<AbortSignal>();
  return new Hono<ServerEnv>()
    .get("/pods/:namespace/:name/logs", (c) => {
      const container = c.req.query("container") || undefined;
      return answer(c, { ...options, readers }, { ...c.req.param(), container });
    })
    .get("/containerLogs/:namespace/:name/:container", (c) =>
      answer(c, { ...options, readers }, c.req.param()),
    );
}

function answer(
  c: ServerContext,
  options: LogRoutesOptions & { readonly readers: Set<AbortSignal> },
  asked: AskedContainer,
): Response {
  const query = decodeLogQuery(new URL(c.req.url).searchParams, options.clock.wallMs());
  const ended = new AbortController();
  const signal = AbortSignal.any([ended.signal, c.req.raw.signal]);
  const found = options.logs.open({ ...query, ...asked, signal });
  if (found.kind !== "stream") throw refusal(found, options.status, asked);
  const hasRecords = c.req.header("accept")?.includes("application/x-ndjson") ?? false;
  const headers = { "Content-Type": hasRecords ? "application/x-ndjson" : "text/plain; charset=utf-8" };
  if (c.req.raw.method === "HEAD") {
    ended.abort(); // nobody would read the body, and so nobody end it
    return new Response(null, { headers });
  }
  // Who pages through it may read a page for long; not so who can only read, as nobody has let him in.
  if (query.follow || c.env.door.kind !== "loopback") c.env.keepOpen();
  if (!query.follow) claimReader(c, options.readers, signal);
  const text = query.timestamps ? textWithTime : plainText;
  const body = logBody(found.lines, {
    format: hasRecords ? recordsOf(found.container) : text,
    bytesMax: query.limitBytes ?? Number.POSITIVE_INFINITY,
    end: () => ended.abort(),
    onError(error) {
      if (signal.aborted) return;
      const { requestId } = c.var;
      const log = `the log of ${asked.namespace}/${asked.name}`;
      options.log.error(`Cannot go on with ${log}`, { error: errorChain(error), requestId });
    },
  });
  return new Response(body, { headers });
}

/** Until the signal is aborted. Throws RequestError where there are too many. */
function claimReader({ env }: ServerContext, readers: Set<AbortSignal>, signal: AbortSignal): void {
  if (readers.size >= (env.door.kind === "loopback" ? readersMax / 2 : readersMax)) {
    throw new RequestError(429, `${readers.size} logs are read already`, { "Retry-After": "10" });
  }
  readers.add(signal);
  signal.addEventListener("abort", () => readers.delete(signal));
}

function refusal(
  found: Exclude<PodLog, { kind: "stream" }>,
  status: PodsView,
  asked: AskedContainer,
): RequestError {
  const pod = `pod ${JSON.stringify(asked.name)}`;
  const container =
    asked.container === undefined ? "container" : `container ${JSON.stringify(asked.container)}`;
  switch (found.kind) {
    case "noPrevious":
      return new RequestError(400, `previous terminated ${container} in ${pod} not found`);
    case "notStarted":
      return new RequestError(
        400,
        `container ${JSON.stringify(found.container)} in ${pod} is waiting to start: ${found.reason}`,
      );
    default:
      return noContainer(found, status, asked);
  }
}

interface LogBody {
  readonly format: LogFormat;
  readonly bytesMax: number;
  /** No more lines are wanted. */
  end(): void;
  onError(error: unknown): void;
}

function logBody(
  batches: AsyncIterable<readonly LogLine[]>,
  { format, bytesMax, end, onError }: LogBody,
): ReadableStream<Uint8Array> {
  const iterator = batches[Symbol.asyncIterator]();
  const encoder = new TextEncoder();
  let bytesLeft = bytesMax;
  const cancel = async () => {
    end();
    await iterator.return?.()?.catch(onError);
  };
  // Pulled, not pushed: what is pushed, and all that bun calls "direct", piles up without bound behind a slow client.
  return new ReadableStream({
    async pull(controller) {
      try {
        const { done, value: lines } = await iterator.next();
        if (done) {
          end();
          return controller.close();
        }
        const bytes = encoder.encode(lines.map(format).join("")).subarray(0, bytesLeft);
        bytesLeft -= bytes.length;
        controller.enqueue(bytes);
        if (bytesLeft > 0) return;
        controller.close();
        await cancel();
      } catch (error) {
        onError(error);
        end();
        controller.error(); // cuts the connection: the client must know that this is not all (bun prints what is given here)
      }
    },
    cancel,
  });
}
