// A layer as it is packed becomes the bare tar. Invariant: how it is packed is told by its first bytes, not by its name or type.

import { pipeline } from "node:stream";

const magicBytes = 4;
const chunkSize = 256 * 1024;

/** gzip and zstd, several members or frames of them too; anything else is passed on as it is. */
export async function* decompressed(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const chunks = source[Symbol.asyncIterator]();
  const head = await firstBytes(chunks);
  const all = joined(head, chunks);
  const { createGunzip, createZstdDecompress } = await import("node:zlib");
  const decoder = isGzip(head)
    ? createGunzip({ chunkSize })
    : isZstd(head)
      ? createZstdDecompress({ chunkSize })
      : undefined;
  // An error of either reaches whoever reads the last stream.
  yield* decoder === undefined ? all : pipeline(all, decoder, () => undefined);
}

async function firstBytes(chunks: AsyncIterator<Uint8Array>): Promise<Buffer> {
  let head = Buffer.alloc(0);
  while (head.length < magicBytes) {
    const { value, done } = await chunks.next();
    if (done === true) break;
    head = Buffer.concat([head, value]);
  }
  return head;
}

async function* joined(head: Uint8Array, rest: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    if (head.length > 0) yield head;
    for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield next.value;
  } finally {
    await rest.return?.();
  }
}

/** Whether these first bytes are of something packed. */
export function isPacked(head: Buffer): boolean {
  return isGzip(head) || isZstd(head);
}

function isGzip(head: Buffer): boolean {
  return head.subarray(0, 2).equals(Buffer.from([0x1f, 0x8b]));
}

/** A frame, or one of those that are to be skipped, which zstd:chunked begins with. */
function isZstd(head: Buffer): boolean {
  const magic = head.length < magicBytes ? 0 : head.readUInt32LE(0);
  return magic === 0xfd2fb528 || (magic & 0xfffffff0) >>> 0 === 0x184d2a50;
}
