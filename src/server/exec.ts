// Commands in containers: /exec/{namespace}/{pod}/{container}, the kubelet's path, and /pods/{namespace}/{pod}/exec?container=.
//
// Parameters: `command`, once for each word, and which streams there are: `input`, `output`, `error`, `tty` (the kubelet's names) or
// `stdin`, `stdout`, `stderr`, `tty` (the API server's). Without any of them: output and error, and of a POST with a body input.
//
// As a WebSocket (GET or POST with Upgrade), with sub-protocol v5.channel.k8s.io or v4.channel.k8s.io. Every message is binary (text is
// taken for the same) and begins with a byte that says which stream it is of:
//   0  client to server: standard input
//   1  server to client: standard output; with `tty` all of the output. An empty one comes first, when the command has started
//   2  server to client: standard error
//   3  server to client, once, after all of the output: a metav1.Status as JSON, `Success`, or `Failure` with reason NonZeroExitCode and
//      the exit code in details.causes, 128 and the number for a signal
//   4  client to server: the terminal's size, {"Width":80,"Height":24}
//   255, v5 only, client to server: the end of the stream that the second byte names, which can be 0 alone
// Then the server closes. A client that leaves ends the command and what that has started.
//
// As a plain POST, for scripts: the body is the standard input, the answer is what the command writes as it comes, its exit code in the
// trailer X-Exit-Code; with `Accept: application/json` it is {exitCode, stdout, stderr} when the command has ended: of each stream the
// first MiB, with {stdoutTruncated: true} or {stderrTruncated: true} where there was more.

import { Hono } from "hono";
import { errorChain } from "../host/error.ts";
import type { Log } from "../host/log.ts";
import type { CommandStart, ContainerCommand, RunningCommand } from "../pod/container-command.ts";
import { channelProtocols } from "./channels.ts";
import { answerOnce } from "./command-answer.ts";
import { connectCommand } from "./command-session.ts";
import type { ServerContext, ServerEnv } from "./connection.ts";
import { type AskedContainer, noContainer, notRunning } from "./container-refusal.ts";
import { checkNames, flag } from "./parameters.ts";
import type { PodsView } from "./pods.ts";
import { RequestError } from "./request-error.ts";
import { prepareWebSocket } from "./web-socket.ts";

export interface CommandSource {
  start(asked: ContainerCommand): CommandStart;
}

export interface ExecOptions {
  readonly status: PodsView;
  readonly commands: CommandSource;
  readonly log: Log;
}

const methods = ["GET", "POST"];

export function execRoutes(options: ExecOptions): Hono<ServerEnv> {
  return new Hono<ServerEnv>()
    .on(methods, "/exec/:namespace/:name/:container", (c) => exec(c, options, c.req.param()))
    .on(methods, "/pods/:namespace/:name/exec", (c) => {
      const container = c.req.query("container") || undefined;
      return exec(c, options, { ...c.req.param(), container });
    });
}

async function exec(c: ServerContext, options: ExecOptions, asked: AskedContainer): Promise<Response> {
  const query = decodeExecQuery(c);
  if (c.req.method === "POST" && c.env.upgrade === undefined) {
    c.env.keepOpen();
    return answerOnce(c, start(c, options, { ...asked, ...query, isTerminal: false }), query);
  }
  const webSocket = prepareWebSocket(c, channelProtocols);
  const command = start(c, options, { ...asked, ...query });
  const session = connectCommand(webSocket.accept(), command, { ...query, input: query.hasInput });
  void session.catch((error: unknown) => {
    const { requestId } = c.var;
    options.log.error("Cannot go on with a command", { error: errorChain(error), requestId });
  });
  return new Response(null, { status: 101 });
}

function start(
  c: ServerContext,
  { status, commands, log }: ExecOptions,
  asked: ContainerCommand,
): RunningCommand {
  const started = commands.start(asked);
  const { namespace, name } = asked;
  switch (started.kind) {
    case "started":
      // Not what is run: there may be a password in it.
      log.info("exec", {
        pod: `${namespace}/${name}`,
        container: asked.container,
        requestId: c.var.requestId,
      });
      return started.command;
    case "notRunning":
      throw notRunning(name, started.container, started.reason);
    default:
      throw noContainer(started, status, asked);
  }
}

interface ExecQuery {
  readonly argv: readonly string[];
  readonly hasInput: boolean;
  readonly output: boolean;
  readonly errors: boolean;
  readonly isTerminal: boolean;
}

const names = ["command", "container", "input", "output", "error", "stdin", "stdout", "stderr", "tty"];

function decodeExecQuery(c: ServerContext): ExecQuery {
  const parameters = new URL(c.req.url).searchParams;
  checkNames(parameters, names);
  const argv = parameters.getAll("command");
  if (argv.length === 0 || argv[0] === "")
    throw new RequestError(400, "command: has to be given, once for each word");
  if (argv.some((word) => word.includes("\0"))) throw new RequestError(400, "command: there is a NUL in it");
  const given = [
    flag(parameters, "input") ?? flag(parameters, "stdin"),
    flag(parameters, "output") ?? flag(parameters, "stdout"),
    flag(parameters, "error") ?? flag(parameters, "stderr"),
  ];
  const [hasInput, output, errors] = given;
  const isUnsaid = !given.includes(true);
  return {
    argv,
    hasInput: hasInput ?? (isUnsaid && c.req.raw.body !== null),
    output: output ?? isUnsaid,
    errors: errors ?? isUnsaid,
    isTerminal: flag(parameters, "tty") ?? false,
  };
}
