// /attach/{namespace}/{pod}/{container} and /pods/{namespace}/{pod}/attach?container=: what a running container writes from now on, over
// a WebSocket with the channels of exec.ts. It ends with `Success` when the container does. Containers have no standard input and no
// terminal here, so who asks for these is refused.

import { Hono } from "hono";
import { errorChain } from "../host/error.ts";
import type { Log } from "../host/log.ts";
import type { LogLine } from "../pod/pod-log.ts";
import { channelProtocols, channels, exitStatus } from "./channels.ts";
import type { ServerContext, ServerEnv } from "./connection.ts";
import { type AskedContainer, noContainer, notRunning } from "./container-refusal.ts";
import { closeCodes } from "./frame.ts";
import { plainText } from "./log-format.ts";
import type { LogSource } from "./logs.ts";
import { checkNames, flag } from "./parameters.ts";
import type { PodsView } from "./pods.ts";
import { RequestError } from "./request-error.ts";
import { prepareWebSocket, type WebSocketConnection } from "./web-socket.ts";

export interface AttachOptions {
  readonly status: PodsView;
  readonly logs: LogSource;
  readonly log: Log;
}

const methods = ["GET", "POST"];
const names = ["container", "input", "output", "error", "stdin", "stdout", "stderr", "tty"];

export function attachRoutes(options: AttachOptions): Hono<ServerEnv> {
  return new Hono<ServerEnv>()
    .on(methods, "/attach/:namespace/:name/:container", (c) => attach(c, options, c.req.param()))
    .on(methods, "/pods/:namespace/:name/attach", (c) => {
      const container = c.req.query("container") || undefined;
      return attach(c, options, { ...c.req.param(), container });
    });
}

function attach(c: ServerContext, { status, logs, log }: AttachOptions, asked: AskedContainer): Response {
  const parameters = new URL(c.req.url).searchParams;
  checkNames(parameters, names);
  if (["input", "stdin", "tty"].some((name) => flag(parameters, name))) {
    throw new RequestError(
      400,
      "containers have no standard input and no terminal; exec runs a command that has",
    );
  }
  const webSocket = prepareWebSocket(c, channelProtocols);
  const ended = new AbortController();
  const { signal } = ended;
  const found = logs.open({ ...asked, revisions: "current", follow: true, tailLines: 0, signal });
  if (found.kind === "noPrevious") throw new Error("a previous one was not asked for");
  if (found.kind === "notStarted") throw notRunning(asked.name, found.container, found.reason);
  if (found.kind !== "stream") throw noContainer(found, status, asked);
  if (!found.isRunning) throw notRunning(asked.name, found.container, "it has ended");
  const socket = webSocket.accept();
  void socket.closed.then(() => ended.abort());
  const reading = drain(socket);
  void Promise.all([reading, passLines(socket, found.lines)]).catch((error: unknown) => {
    log.error("Cannot go on with what a container writes", {
      error: errorChain(error),
      requestId: c.var.requestId,
    });
    socket.close(closeCodes.ourFault);
  });
  return new Response(null, { status: 101 });
}

async function passLines(
  socket: WebSocketConnection,
  lines: AsyncIterable<readonly LogLine[]>,
): Promise<void> {
  const output = Uint8Array.of(channels.output);
  await socket.send(output);
  for await (const batch of lines) await socket.send(output, Buffer.from(batch.map(plainText).join("")));
  await socket.send(Uint8Array.of(channels.status), Buffer.from(exitStatus(0)));
  socket.close();
}

/** Nothing that is said counts. */
async function drain(socket: WebSocketConnection): Promise<void> {
  for await (const _ of socket.messages());
}
