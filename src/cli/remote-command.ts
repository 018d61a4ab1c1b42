// A command in a container, with our standard streams: Kubernetes' remote command protocol over a WebSocket (v5.channel.k8s.io;
// apimachinery util/remotecommand). Invariant: however it ends, the terminal is again as it was.

import { isJsonObject } from "../pod/json.ts";
import type { AgentClient } from "./agent-client.ts";
import { CommandFailure } from "./failure.ts";
import { print } from "./output.ts";

const channels = { stdin: 0, stdout: 1, stderr: 2, error: 3, resize: 4, close: 255 } as const;
const protocols = ["v5.channel.k8s.io", "v4.channel.k8s.io"];
/** More than this unsent, and standard input is not read on. */
const unsentBytesMax = 1024 * 1024;
const drainMs = 10;

export interface RemoteCommand {
  readonly path: string;
  readonly query: URLSearchParams;
  readonly isStdin: boolean;
  readonly isTerminal: boolean;
}

/** Resolves with the command's exit code. */
export async function runRemoteCommand(client: AgentClient, command: RemoteCommand): Promise<number> {
  using terminal = command.isTerminal ? rawTerminal() : undefined;
  const socket = client.webSocket(command.path, command.query, protocols);
  const session = new Session(socket);
  await session.opened;
  const sendSize = () => session.send(channels.resize, terminalSize());
  if (terminal) {
    sendSize();
    process.stdout.on("resize", sendSize);
  }
  const input = command.isStdin ? session.copyInput() : undefined;
  try {
    return await session.ended;
  } finally {
    process.stdout.off("resize", sendSize);
    input?.stop();
    socket.close();
  }
}

/** A WebSocket does not tell more. */
const refusal =
  "The agent refused to (on a loopback address it only answers questions: use its unix socket, or https)";

class Session {
  readonly opened: Promise<void>;
  /** The exit code; rejects where nobody knows it. */
  readonly ended: Promise<number>;
  readonly #socket: WebSocket;
  /** What was printed last, so that the end waits for it. */
  #printed: Promise<void> = Promise.resolve();

  constructor(socket: WebSocket) {
    this.#socket = socket;
    const opened = Promise.withResolvers<void>();
    const ended = Promise.withResolvers<number>();
    this.opened = opened.promise;
    this.ended = ended.promise;
    this.ended.catch(() => undefined); // it may come before anybody waits
    let exitCode: number | CommandFailure | undefined;
    socket.onopen = () => opened.resolve();
    socket.onmessage = ({ data }) => {
      const bytes = new Uint8Array(data as ArrayBuffer);
      const [channel] = bytes;
      const content = bytes.subarray(1);
      if (channel === channels.error) exitCode = outcomeIn(new TextDecoder().decode(content));
      else if (channel === channels.stdout) this.#print(print, content, ended.reject);
      else if (channel === channels.stderr) this.#print(printError, content, ended.reject);
    };
    socket.onclose = async ({ reason }) => {
      opened.reject(new CommandFailure(refusal));
      await this.#printed;
      if (typeof exitCode === "number") ended.resolve(exitCode);
      else
        ended.reject(exitCode ?? new CommandFailure(`The connection was lost${reason ? `: ${reason}` : ""}`));
    };
  }

  send(channel: number, content: Uint8Array | string): void {
    const bytes = typeof content === "string" ? Buffer.from(content) : content;
    if (this.#socket.readyState === WebSocket.OPEN)
      this.#socket.send(Buffer.concat([Uint8Array.of(channel), bytes]));
  }

  #print(
    write: (bytes: Uint8Array) => Promise<void>,
    bytes: Uint8Array,
    fail: (error: unknown) => void,
  ): void {
    this.#printed = this.#printed.then(() => write(bytes)).catch(fail);
  }

  /** Standard input to its end, or until stopped. */
  copyInput(): { stop(): void } {
    const { stdin } = process;
    const copy = async () => {
      for await (const chunk of stdin as AsyncIterable<Buffer>) {
        this.send(channels.stdin, chunk);
        while (this.#socket.bufferedAmount > unsentBytesMax) await Bun.sleep(drainMs);
      }
      // Only v5 can say that this was all.
      if (this.#socket.protocol === protocols[0]) this.send(channels.close, Uint8Array.of(channels.stdin));
    };
    copy().catch(() => undefined); // it was stopped
    return { stop: () => void stdin.destroy() };
  }
}

async function printError(bytes: Uint8Array): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  process.stderr.write(bytes, () => resolve());
  await promise;
}

/** A metav1.Status: the exit code, or why there is none. */
function outcomeIn(text: string): number | CommandFailure {
  const status: unknown = JSON.parse(text);
  if (!isJsonObject(status)) return new CommandFailure(text);
  if (status.status === "Success") return 0;
  const causes =
    isJsonObject(status.details) && Array.isArray(status.details.causes) ? status.details.causes : [];
  const code = causes.find((cause) => isJsonObject(cause) && cause.reason === "ExitCode");
  if (status.reason === "NonZeroExitCode" && isJsonObject(code)) return Number(code.message);
  return new CommandFailure(typeof status.message === "string" ? status.message : text);
}

/**
 * Until disposed each key goes to the container as it is pressed, Ctrl-C too, and what comes back is shown as it comes: setRawMode() would
 * still put a return before each newline.
 */
function rawTerminal(): Disposable {
  const stty = (...args: readonly string[]) =>
    Bun.spawnSync(["stty", ...args], { stdin: "inherit", stderr: "ignore" })
      .stdout.toString()
      .trim();
  const before = stty("--save");
  stty("raw", "-echo");
  const end = (signal: NodeJS.Signals) => {
    restore();
    process.kill(process.pid, signal); // which nobody listens to any more
  };
  const restore = () => {
    for (const signal of endSignals) process.off(signal, end);
    stty(before);
  };
  for (const signal of endSignals) process.on(signal, end);
  return { [Symbol.dispose]: restore };
}

const endSignals = ["SIGTERM", "SIGHUP"] as const;

function terminalSize(): string {
  return JSON.stringify({ Width: process.stdout.columns || 80, Height: process.stdout.rows || 24 });
}
