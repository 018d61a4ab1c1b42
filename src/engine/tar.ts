// Reads tar archives: ustar, GNU's long names and base-256 numbers, pax.
// Invariant: names, link targets and extended attributes are bytes (latin1 strings and Uint8Array) and stay as they are; an archive that
// ends early is an error. No tar package keeps the bytes of a binary attribute, and file capabilities are such.

export type TarType = "file" | "hardlink" | "symlink" | "character" | "block" | "directory" | "fifo";

export interface TarEntry {
  readonly type: TarType;
  /** A byte a character. */
  readonly path: string;
  readonly linkPath: string;
  /** Permission, setuid, setgid and sticky bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  /** Seconds since the epoch, with a fraction. */
  readonly mtime: number;
  readonly major: number;
  readonly minor: number;
  readonly xattrs: ReadonlyMap<string, Uint8Array>;
  /** To be read before the next entry is asked for; what is not read is skipped. */
  readonly content: () => AsyncGenerator<Uint8Array>;
}

export class TarError extends Error {
  override readonly name = "TarError";
}

const blockSize = 512;
/** Of what is said about one entry: pax headers and long names. Linux allows attributes of 64 KiB. */
const metadataMax = 1024 * 1024;
/** Of what is said about all of them, and so is in memory and looked through for each. */
const globalsMax = 16 * 1024;
/** The kernel's greatest user or group; one more means none. */
const idMax = 0xfffffffe;

const types: Readonly<Record<string, TarType>> = {
  "\0": "file",
  "0": "file",
  "7": "file",
  "1": "hardlink",
  "2": "symlink",
  "3": "character",
  "4": "block",
  "5": "directory",
  "6": "fifo",
};

/**
 * `end`: whether the blocks of zeros at the end must be there. Where the length is known otherwise they need not: Go's reader takes archives without.
 */
export async function* readTar(
  source: AsyncIterable<Uint8Array>,
  end: "marked" | "any" = "marked",
): AsyncGenerator<TarEntry> {
  const input = new ByteReader(source);
  try {
    yield* readEntries(input, end);
  } finally {
    await input.close();
  }
}

async function* readEntries(input: ByteReader, end: "marked" | "any"): AsyncGenerator<TarEntry> {
  let globals: Pax = new Map();
  let overrides: Pax = new Map();
  let [globalBytes, ownBytes] = [0, 0];
  for (;;) {
    if (end === "any" && (await input.isAtEnd())) return;
    const header = await input.exactly(blockSize);
    if (header.every((byte) => byte === 0)) break;
    checkSum(header);
    const type = latin1(header, 156, 157);
    const size = parseNumber(header, 124, 136);
    if (type === "x" || type === "g" || type === "L" || type === "K") {
      if (type === "g") globalBytes += size;
      else ownBytes += size;
      if (globalBytes > globalsMax || ownBytes > metadataMax) throw new TarError("header is too large");
      const data = await input.exactly(size);
      await input.skip(padding(size));
      if (type === "g") globals = new Map([...globals, ...parsePax(data)]);
      else if (type === "x") overrides = new Map([...overrides, ...parsePax(data)]);
      else overrides.set(type === "L" ? "path" : "linkpath", data.subarray(0, nulAt(data)));
      continue;
    }
    const entry = decodeEntry(header, type, new Map([...globals, ...overrides]));
    overrides = new Map();
    ownBytes = 0;
    let left = hasContent(entry.type) ? entry.size : 0;
    const contentBytes = left;
    yield {
      ...entry,
      content: async function* () {
        while (left > 0) {
          const chunk = await input.upTo(left);
          left -= chunk.length;
          yield chunk;
        }
      },
    };
    await input.skip(left + padding(contentBytes));
  }
  // The second block of zeros, and whatever comes after it, is part of what is hashed.
  if (end === "marked") await input.exactly(blockSize);
  await input.drain();
}

type Pax = Map<string, Uint8Array>;

function decodeEntry(header: Uint8Array, type: string, pax: Pax): Omit<TarEntry, "content"> {
  const known = types[type];
  if (known === undefined) throw new TarError(`entry of unknown type ${JSON.stringify(type)}`);
  const text = (key: string) => {
    const value = pax.get(key);
    return value === undefined ? undefined : latin1(value, 0, value.length);
  };
  const number = (key: string, from: number, to: number, isGood: (value: number) => boolean) => {
    const value = Number(text(key) ?? parseNumber(header, from, to));
    if (isGood(value)) return value;
    throw new TarError(`bad ${key}`);
  };
  const isSize = (value: number) => Number.isSafeInteger(value) && value >= 0;
  const isId = (value: number) => isSize(value) && value <= idMax;
  if (pax.has("GNU.sparse.major") || pax.has("GNU.sparse.map"))
    throw new TarError("sparse files are not supported");
  const path = text("path") ?? ustarPath(header);
  return {
    // Old tars have no type for a directory but a slash at the end.
    type: known === "file" && path.endsWith("/") ? "directory" : known,
    path,
    linkPath: text("linkpath") ?? field(header, 157, 257),
    mode: parseNumber(header, 100, 108) & 0o7777,
    uid: number("uid", 108, 116, isId),
    gid: number("gid", 116, 124, isId),
    size: number("size", 124, 136, isSize),
    mtime: number("mtime", 136, 148, Number.isFinite),
    major: parseNumber(header, 329, 337),
    minor: parseNumber(header, 337, 345),
    xattrs: new Map(
      [...pax]
        .filter(([key]) => key.startsWith("SCHILY.xattr."))
        .map(([key, value]) => [key.slice("SCHILY.xattr.".length), value]),
    ),
  };
}

function ustarPath(header: Uint8Array): string {
  const name = field(header, 0, 100);
  const prefix = latin1(header, 257, 263) === "ustar\0" ? field(header, 345, 500) : "";
  return prefix === "" ? name : `${prefix}/${name}`;
}

function hasContent(type: TarType): boolean {
  return type === "file";
}

function parsePax(data: Uint8Array): Pax {
  const pax: Pax = new Map();
  for (let at = 0; at < data.length; ) {
    const blank = data.indexOf(0x20, at);
    const length = Number(latin1(data, at, blank));
    const equals = data.indexOf(0x3d, blank);
    const end = at + length;
    if (
      blank < 0 ||
      !Number.isInteger(length) ||
      length < 5 ||
      end > data.length ||
      equals < 0 ||
      equals >= end
    )
      throw new TarError("bad pax header");
    pax.set(Buffer.from(data.subarray(blank + 1, equals)).toString("utf8"), data.slice(equals + 1, end - 1));
    at = end;
  }
  return pax;
}

/** Octal, or big-endian binary with the highest bit set. */
function parseNumber(header: Uint8Array, from: number, to: number): number {
  const first = header[from] ?? 0;
  if (first & 0x80) {
    let value = first & 0x7f;
    if (first & 0x40) throw new TarError("negative number");
    for (const byte of header.subarray(from + 1, to)) value = value * 256 + byte;
    if (!Number.isSafeInteger(value)) throw new TarError("number is too large");
    return value;
  }
  const text = field(header, from, to).trim();
  if (!/^[0-7]*$/.test(text)) throw new TarError("bad number");
  return text === "" ? 0 : Number.parseInt(text, 8);
}

function checkSum(header: Uint8Array): void {
  let sum = 8 * 0x20;
  for (const [at, byte] of header.entries()) if (at < 148 || at >= 156) sum += byte;
  if (sum !== Number.parseInt(field(header, 148, 156), 8)) throw new TarError("not a tar archive");
}

function padding(size: number): number {
  return (blockSize - (size % blockSize)) % blockSize;
}

function field(bytes: Uint8Array, from: number, to: number): string {
  const slice = bytes.subarray(from, to);
  return latin1(slice, 0, nulAt(slice));
}

function nulAt(bytes: Uint8Array): number {
  const at = bytes.indexOf(0);
  return at < 0 ? bytes.length : at;
}

function latin1(bytes: Uint8Array, from: number, to: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1", from, to);
}

/** Bytes in the portions that are asked for. */
class ByteReader {
  readonly #source: AsyncIterator<Uint8Array>;
  #chunk: Uint8Array = new Uint8Array();

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  async exactly(size: number): Promise<Uint8Array> {
    if (this.#chunk.length >= size) return this.#take(size);
    const parts: Uint8Array[] = [];
    for (let left = size; left > 0; ) {
      const part = await this.upTo(left);
      left -= part.length;
      parts.push(part);
    }
    return Buffer.concat(parts);
  }

  /** At least one byte. */
  async upTo(size: number): Promise<Uint8Array> {
    if (!(await this.#fill())) throw new TarError("archive is truncated");
    return this.#take(Math.min(size, this.#chunk.length));
  }

  async skip(size: number): Promise<void> {
    for (let left = size; left > 0; ) left -= (await this.upTo(left)).length;
  }

  async drain(): Promise<void> {
    while (await this.#fill()) this.#chunk = new Uint8Array();
  }

  async isAtEnd(): Promise<boolean> {
    return !(await this.#fill());
  }

  /** Also where the source has not come to its end. */
  async close(): Promise<void> {
    await this.#source.return?.();
  }

  async #fill(): Promise<boolean> {
    while (this.#chunk.length === 0) {
      const { value, done } = await this.#source.next();
      if (done === true) return false;
      this.#chunk = value;
    }
    return true;
  }

  #take(size: number): Uint8Array {
    const taken = this.#chunk.subarray(0, size);
    this.#chunk = this.#chunk.subarray(size);
    return taken;
  }
}
