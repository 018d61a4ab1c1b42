// Bytes that have come and are not read yet.

/** D-Bus' limit for a message; a length beyond it means that this is none. */
const bytesMax = 128 * 1024 * 1024;

export class ByteQueue {
  #chunks: Buffer[] = [];
  #length = 0;

  push(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#length += chunk.length;
  }

  /** Takes exactly so many bytes; null while there are less. */
  read(bytes: number): Buffer | null {
    if (bytes < 0 || bytes > bytesMax) throw new RangeError(`a message of ${bytes} bytes`);
    if (bytes > this.#length) return null;
    const all = this.#joined();
    this.#replace(all.subarray(bytes));
    return all.subarray(0, bytes);
  }

  /** Looks at the first bytes; null while there are less. */
  peek(bytes: number): Buffer | null {
    return bytes > this.#length ? null : this.#joined().subarray(0, bytes);
  }

  /** Takes a line without its CRLF; undefined while there is none. */
  readLine(): string | undefined {
    const all = this.#joined();
    const end = all.indexOf("\r\n");
    if (end === -1) {
      if (all.length > 4096) throw new RangeError("a line of more than 4096 bytes");
      return undefined;
    }
    this.#replace(all.subarray(end + 2));
    return all.toString("latin1", 0, end);
  }

  #joined(): Buffer {
    const [first] = this.#chunks;
    if (this.#chunks.length === 1 && first) return first;
    const all = Buffer.concat(this.#chunks);
    this.#replace(all);
    return all;
  }

  #replace(rest: Buffer): void {
    this.#chunks = [rest];
    this.#length = rest.length;
  }
}
