// Asks the agent: over its socket, or over the network where a server is named.
// Invariant: whatever keeps an answer from coming is a CommandFailure of one line that says what to do.

import { readFile } from "node:fs/promises";
import { errorChain, hasErrorCode } from "../host/error.ts";
import { isJsonObject } from "../pod/json.ts";
import { CommandFailure, UsageError } from "./failure.ts";

export interface ServerOptions {
  readonly server: string;
  readonly tokenFile?: string;
  readonly clientCertificate?: string;
  readonly clientKey?: string;
  readonly certificateAuthority?: string;
}

export const defaultServer = "unix:///run/gantry/gantry.sock";

export interface Question {
  readonly method?: "GET" | "POST";
  /** Undefined values are left out. */
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>> | URLSearchParams;
  readonly accept?: string;
  readonly body?: string;
  readonly signal?: AbortSignal;
}

interface Tls {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

export class AgentClient {
  readonly #server: string;
  readonly #base: string;
  /** Undefined over the network. */
  readonly #socket: string | undefined;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #tls: Tls;

  private constructor(server: string, headers: Readonly<Record<string, string>>, tls: Tls) {
    const url = URL.parse(server);
    const isSocket = url?.protocol === "unix:" && url.host === "" && url.pathname.length > 1;
    if (
      !url ||
      !(isSocket || ((url.protocol === "http:" || url.protocol === "https:") && url.pathname === "/"))
    )
      throw new UsageError(
        `--server: must be like ${defaultServer}, http://127.0.0.1:10255 or https://edge1:10250, not ${JSON.stringify(server)}`,
      );
    this.#server = server;
    this.#socket = isSocket ? decodeURIComponent(url.pathname) : undefined;
    this.#base = isSocket ? "http://gantry" : url.origin;
    this.#headers = headers;
    this.#tls = tls;
  }

  static async create(options: ServerOptions): Promise<AgentClient> {
    const { server, tokenFile, certificateAuthority, clientCertificate, clientKey } = options;
    const read = (path: string) =>
      readFile(path, "utf8").catch((error: unknown) => {
        throw new CommandFailure(`Cannot read ${path}: ${errorChain(error)}`);
      });
    const token = tokenFile === undefined ? undefined : (await read(tokenFile)).trim();
    return new AgentClient(server, token === undefined ? {} : { Authorization: `Bearer ${token}` }, {
      ...(certificateAuthority !== undefined && { ca: await read(certificateAuthority) }),
      ...(clientCertificate !== undefined && { cert: await read(clientCertificate) }),
      ...(clientKey !== undefined && { key: await read(clientKey) }),
    });
  }

  /** Its status says that it went well. Throws CommandFailure. */
  async ask(path: string, question: Question = {}): Promise<Response> {
    const { method = "GET", query, accept, body, signal } = question;
    let response: Response;
    try {
      response = await fetch(this.#base + withQuery(path, query), {
        method,
        headers: { ...this.#headers, ...(accept !== undefined && { Accept: accept }) },
        ...(body !== undefined && { body }),
        ...(signal && { signal }),
        ...(this.#socket === undefined ? { tls: this.#tls } : { unix: this.#socket }),
        redirect: "error",
        timeout: false, // bun's own, of 5 minutes without a byte: a log may be silent for longer
      });
    } catch (error) {
      if (signal?.aborted) throw error;
      throw new CommandFailure(this.#whyUnreachable(error));
    }
    if (!response.ok) throw new AnswerError(response.status, await problemIn(response));
    return response;
  }

  async json<T>(path: string, question: Question = {}): Promise<T> {
    const response = await this.ask(path, { accept: "application/json", ...question });
    try {
      return (await response.json()) as T;
    } catch (error) {
      throw new CommandFailure(
        `What ${this.#socket ?? this.#server} answered is not gantry's: ${errorChain(error)}`,
      );
    }
  }

  /** As it comes, for as long as the agent sends. Throws CommandFailure where that breaks off. */
  async *chunks(path: string, question: Question = {}): AsyncGenerator<Uint8Array> {
    const { body } = await this.ask(path, question);
    try {
      for await (const chunk of body ?? []) yield chunk;
    } catch (error) {
      if (question.signal?.aborted) throw error;
      throw new CommandFailure(`The answer broke off: ${errorChain(error)}`);
    }
  }

  /** The same in lines. */
  async *lines(path: string, question: Question = {}): AsyncGenerator<string> {
    let rest = "";
    const decoder = new TextDecoder();
    for await (const chunk of this.chunks(path, question)) {
      const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
      rest = lines.pop() ?? "";
      yield* lines;
    }
    if (rest !== "") yield rest;
  }

  webSocket(path: string, query: Question["query"], protocols: readonly string[]): WebSocket {
    const target = withQuery(path, query);
    const url =
      this.#socket === undefined
        ? `${this.#base.replace(/^http/, "ws")}${target}`
        : `ws+unix://${this.#socket}:${target}`;
    const options = { protocols: [...protocols], headers: this.#headers, tls: this.#tls };
    const socket = new WebSocket(url, options);
    socket.binaryType = "arraybuffer";
    return socket;
  }

  #whyUnreachable(error: unknown): string {
    const where = this.#socket ?? this.#server;
    const isOwnSocket = this.#server === defaultServer;
    if (this.#socket !== undefined && hasErrorCode(error, "EACCES", "EPERM"))
      return `Permission denied for ${where} (become root, or a member of the group gantry: usermod -aG gantry USER, then log in again)`;
    if (this.#socket !== undefined && hasErrorCode(error, "ENOENT", "ECONNREFUSED", "ENOTDIR"))
      return `No agent answers on ${where} (is it running? ${isOwnSocket ? "systemctl status gantry" : "--server says where"})`;
    return `Cannot reach ${where}: ${errorChain(error)}`;
  }
}

/** The agent's answer was an error. */
export class AnswerError extends CommandFailure {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

async function problemIn(response: Response): Promise<string> {
  const text = await response.text();
  try {
    const problem: unknown = JSON.parse(text);
    if (isJsonObject(problem) && typeof problem.detail === "string") return problem.detail;
  } catch {
    // Not the agent's shape of an error.
  }
  const [first = ""] = text.split("\n");
  return `The server answered ${response.status}${first === "" ? "" : `: ${first.slice(0, 200)}`}`;
}

function withQuery(path: string, query: Question["query"] = {}): string {
  const parameters = new URLSearchParams(query instanceof URLSearchParams ? query : undefined);
  if (!(query instanceof URLSearchParams))
    for (const [name, value] of Object.entries(query))
      if (value !== undefined) parameters.set(name, String(value));
  return parameters.size === 0 ? path : `${path}?${parameters}`;
}
