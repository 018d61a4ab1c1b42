// What a server answers, byte by byte: the status and where it ends. The body itself is nobody's business.
// Invariant: however much a server sends, little of it is kept.

/** What does not begin as an answer does. In the words of Go's net/http. */
export class BadResponseError extends Error {
  override readonly name = "BadResponseError";
}

export interface ResponseHead {
  readonly status: number;
  readonly location: string | undefined;
}

const headBytesMax = 16 * 1024;
/** The kubelet's (pkg/probe/http). To read that much keeps servers from complaining of a connection that was cut off. */
const bodyBytesMax = 10 * 1024;
const lastChunk = "0\r\n\r\n";

export class ResponseReader {
  #text = "";
  #head: ResponseHead | undefined;
  #bodyBytes = 0;
  /** Undefined: until it is closed. */
  #bodyLength: number | undefined;
  #isChunked = false;
  #tail = "";

  /** Undefined while it is not all there. */
  get head(): ResponseHead | undefined {
    return this.#head;
  }

  /** Nothing more is to be expected, or wanted. */
  get isComplete(): boolean {
    if (this.#head === undefined) return false;
    if (this.#bodyBytes >= Math.min(this.#bodyLength ?? bodyBytesMax, bodyBytesMax)) return true;
    return this.#isChunked && this.#tail.endsWith(lastChunk);
  }

  /** Throws BadResponseError. */
  push(chunk: Uint8Array): void {
    const text = Buffer.from(chunk).toString("latin1");
    if (this.#head === undefined) this.#readHead(text);
    else this.#countBody(text);
  }

  #readHead(text: string): void {
    this.#text += text;
    if (!"HTTP/".startsWith(this.#text.slice(0, 5))) throw malformed(this.#text);
    const end = /\r?\n\r?\n/.exec(this.#text);
    if (end === null) {
      if (this.#text.length > headBytesMax)
        throw new BadResponseError(`more than ${headBytesMax} bytes of headers`);
      return;
    }
    const [statusLine = "", ...lines] = this.#text.slice(0, end.index).split(/\r?\n/);
    const rest = this.#text.slice(end.index + end[0].length);
    this.#text = "";
    const status = Number(/^HTTP\/\d\.\d (\d{3})(?:$| )/.exec(statusLine)?.[1] ?? Number.NaN);
    if (Number.isNaN(status)) throw malformed(statusLine);
    if (status < 200 && status !== 101)
      this.#readHead(rest); // informational: the answer is still to come
    else this.#begin(status, lines, rest);
  }

  #begin(status: number, lines: readonly string[], rest: string): void {
    const header = (name: string) =>
      lines
        .find((line) => line.toLowerCase().startsWith(`${name}:`))
        ?.slice(name.length + 1)
        .trim();
    this.#head = { status, location: header("location") };
    const hasNoBody = status === 101 || status === 204 || status === 304;
    const length = Number.parseInt(header("content-length") ?? "", 10);
    this.#isChunked = header("transfer-encoding")?.toLowerCase().endsWith("chunked") ?? false;
    if (hasNoBody) this.#bodyLength = 0;
    else if (!this.#isChunked && length >= 0) this.#bodyLength = length;
    this.#countBody(rest);
  }

  #countBody(text: string): void {
    this.#bodyBytes += text.length;
    this.#tail = (this.#tail + text).slice(-lastChunk.length);
  }
}

function malformed(text: string): BadResponseError {
  const [line = ""] = text.slice(0, 100).split("\n");
  return new BadResponseError(`malformed HTTP response ${JSON.stringify(line.trimEnd())}`);
}
