// WebSocket frames (RFC 6455, section 5) as a server reads and writes them.
// Invariant: a message is passed on in the pieces in which it comes, so that its length costs nothing; what breaks the protocol throws
// FrameError.

export type Piece =
  | {
      readonly kind: "data";
      readonly isStart: boolean;
      readonly isEnd: boolean;
      readonly bytes: Buffer;
    }
  | { readonly kind: "ping"; readonly bytes: Buffer }
  /** To be answered with this. */
  | { readonly kind: "close"; readonly code: number; readonly reason: string };

export class FrameError extends Error {
  override readonly name = "FrameError";
}

const opcodes = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

export const closeCodes = { normal: 1000, protocolError: 1002, ourFault: 1011 } as const;

const controlLengthMax = 125;
const headerLengthMin = 2;
const maskLength = 4;

interface Header {
  readonly isFinal: boolean;
  readonly opcode: number;
  readonly mask: Buffer;
  readonly length: number;
}

export class FrameReader {
  /** What of a header, or of a control frame, has come so far. */
  #rest: Buffer = Buffer.alloc(0);
  #header: Header | undefined;
  /** Of the payload of `#header`, passed on already. */
  #taken = 0;
  #isWithinMessage = false;
  /** Nothing of the message has been passed on. */
  #isAtStart = true;

  /** `bytes` may be kept and changed. */
  *read(bytes: Buffer): Generator<Piece, void, undefined> {
    this.#rest = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    for (;;) {
      this.#header ??= this.#readHeader();
      if (this.#header === undefined) return;
      const piece =
        this.#header.opcode >= opcodes.close ? this.#readControl(this.#header) : this.#readData(this.#header);
      if (piece === undefined) return;
      if (piece !== "skip") yield piece;
    }
  }

  #readHeader(): Header | undefined {
    const bytes = this.#rest;
    if (bytes.length < headerLengthMin) return undefined;
    const [first = 0, second = 0] = bytes;
    const opcode = first & 0x0f;
    const isFinal = (first & 0x80) !== 0;
    const shortLength = second & 0x7f;
    const lengthLength = shortLength === 127 ? 8 : shortLength === 126 ? 2 : 0;
    if ((first & 0x70) !== 0) throw new FrameError("a reserved bit is set");
    if ((second & 0x80) === 0) throw new FrameError("a client's frame is not masked");
    this.#checkOpcode(opcode, isFinal, shortLength);
    const headerLength = headerLengthMin + lengthLength + maskLength;
    if (bytes.length < headerLength) return undefined;
    const length =
      lengthLength === 8
        ? bytes.readBigUInt64BE(2)
        : lengthLength === 2
          ? bytes.readUInt16BE(2)
          : shortLength;
    if (length > Number.MAX_SAFE_INTEGER) throw new FrameError("a frame is too long");
    const mask = Buffer.from(bytes.subarray(headerLength - maskLength, headerLength));
    this.#rest = bytes.subarray(headerLength);
    this.#taken = 0;
    return { isFinal, opcode, mask, length: Number(length) };
  }

  #checkOpcode(opcode: number, isFinal: boolean, shortLength: number): void {
    switch (opcode) {
      case opcodes.continuation:
        if (!this.#isWithinMessage) throw new FrameError("a continuation of nothing");
        break;
      case opcodes.text:
      case opcodes.binary:
        if (this.#isWithinMessage) throw new FrameError("a message within a message");
        break;
      case opcodes.close:
      case opcodes.ping:
      case opcodes.pong:
        if (!isFinal || shortLength > controlLengthMax) throw new FrameError("a control frame is too long");
        break;
      default:
        throw new FrameError("an unknown kind of frame");
    }
  }

  #readControl({ opcode, mask, length }: Header): Piece | "skip" | undefined {
    if (this.#rest.length < length) return undefined;
    const bytes = unmask(this.#rest.subarray(0, length), mask, 0);
    this.#rest = this.#rest.subarray(length);
    this.#header = undefined;
    if (opcode === opcodes.ping) return { kind: "ping", bytes: Buffer.from(bytes) };
    if (opcode === opcodes.pong) return "skip";
    return { kind: "close", code: closeCodes.normal, reason: "" };
  }

  #readData({ isFinal, mask, length }: Header): Piece | undefined {
    const left = length - this.#taken;
    if (left > 0 && this.#rest.length === 0) return undefined;
    const bytes = unmask(this.#rest.subarray(0, left), mask, this.#taken);
    this.#rest = this.#rest.subarray(bytes.length);
    this.#taken += bytes.length;
    const isFrameEnd = this.#taken === length;
    const piece = { kind: "data", isStart: this.#isAtStart, isEnd: isFrameEnd && isFinal, bytes } as const;
    this.#isAtStart = piece.isEnd;
    this.#isWithinMessage = !piece.isEnd;
    if (isFrameEnd) this.#header = undefined;
    return piece;
  }
}

/** In place. `offset`: how much of the payload came before. */
function unmask(bytes: Buffer, mask: Buffer, offset: number): Buffer {
  for (let at = 0; at < bytes.length; at++) bytes[at] = (bytes[at] ?? 0) ^ (mask[(offset + at) & 3] ?? 0);
  return bytes;
}

/** Of a whole message whose bytes follow. */
export function binaryHeader(length: number): Buffer {
  return header(opcodes.binary, length);
}

export const pingFrame = header(opcodes.ping, 0);

export function pongFrame(bytes: Buffer): Buffer {
  return Buffer.concat([header(opcodes.pong, bytes.length), bytes]);
}

/** `reason`: at most 123 bytes are kept of it. */
export function closeFrame(code: number, reason = ""): Buffer {
  const payload = Buffer.concat([uint16(code), Buffer.from(reason)]).subarray(0, controlLengthMax);
  return Buffer.concat([header(opcodes.close, payload.length), payload]);
}

function header(opcode: number, length: number): Buffer {
  const first = 0x80 | opcode;
  if (length <= controlLengthMax) return Buffer.of(first, length);
  if (length <= 0xffff) return Buffer.concat([Buffer.of(first, 126), uint16(length)]);
  const long = Buffer.alloc(10);
  long.set([first, 127]);
  long.writeBigUInt64BE(BigInt(length), 2);
  return long;
}

function uint16(value: number): Buffer {
  return Buffer.of(value >> 8, value & 0xff);
}
