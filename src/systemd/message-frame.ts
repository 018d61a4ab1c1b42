// Where a D-Bus message ends, and where a signal comes from (D-Bus Specification, "Message Format"). Pure.
// The codec decodes all of a message at once: with 50 pods starting that was a third of the agent's CPU time, for signals of
// which nothing counts but their path.

const littleEndian = "l".charCodeAt(0);
const bigEndian = "B".charCodeAt(0);
const signalType = 4;

/** As many bytes of a message tell its length. */
export const fixedHeaderLength = 16;

/** Of the whole message. Throws RangeError for what is none. */
export function messageLength(header: Buffer): number {
  const u32 = reader(header);
  return fixedHeaderLength + aligned(u32(12), 8) + u32(4);
}

export interface SignalHeader {
  readonly path: string;
  readonly interface: string;
  readonly member: string;
  readonly sender: string;
  readonly signature: string;
}

const fieldNames = { 1: "path", 2: "interface", 3: "member", 7: "sender", 8: "signature" } as const;

/** Undefined for a message of another type. Throws RangeError for a header that is none. */
export function parseSignalHeader(message: Buffer): SignalHeader | undefined {
  if (message[1] !== signalType) return undefined;
  const u32 = reader(message);
  const header = { path: "", interface: "", member: "", sender: "", signature: "" };
  const end = fixedHeaderLength + u32(12);
  for (let at = fixedHeaderLength; at < end; at = aligned(at, 8)) {
    const code = message.readUInt8(at);
    const type = message.toString("latin1", at + 2, at + 3);
    at += 4; // the code, and a signature of one type
    if (message[at - 3] !== 1 || !"osgu".includes(type))
      throw new RangeError(`a header field of type ${type}`);
    if (type === "u") {
      at = aligned(at, 4) + 4;
      continue;
    }
    if (type !== "g") at = aligned(at, 4);
    const length = type === "g" ? message.readUInt8(at) : u32(at);
    const start = at + (type === "g" ? 1 : 4);
    at = start + length + 1;
    if (at > end) throw new RangeError("a header field beyond the header");
    const name = fieldNames[code as keyof typeof fieldNames];
    if (name !== undefined) header[name] = message.toString("utf8", start, start + length);
  }
  return header;
}

function reader(message: Buffer): (offset: number) => number {
  if (message[0] === littleEndian) return (offset) => message.readUInt32LE(offset);
  if (message[0] === bigEndian) return (offset) => message.readUInt32BE(offset);
  throw new RangeError("not a D-Bus message");
}

function aligned(offset: number, to: number): number {
  return Math.ceil(offset / to) * to;
}
