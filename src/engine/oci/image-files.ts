// Files of an image that lies on this machine: a directory that somebody gave, or an archive that we unpacked.
// Invariant: nothing outside of the directory is read, and nothing but plain files.

import {
  closeSync,
  constants,
  createReadStream,
  fstatSync,
  lstatSync,
  openSync,
  readFileSync,
} from "node:fs";
import { EngineError } from "../engine-error.ts";
import { resolveInRoot } from "../in-root.ts";

const chunkSize = 256 * 1024;

export class ImageFiles {
  readonly #root: string;

  constructor(root: string) {
    this.#root = root;
  }

  /** Whole, and so with a limit. */
  read(path: string, bytesMax: number): Uint8Array {
    const { fd, size } = this.#open(path);
    try {
      if (size > bytesMax) throw new EngineError(`${path} is larger than ${bytesMax} bytes`);
      return readFileSync(fd);
    } finally {
      closeSync(fd);
    }
  }

  size(path: string): number {
    const { fd, size } = this.#open(path);
    closeSync(fd);
    return size;
  }

  /** Throws where it is not of `size` bytes. */
  async *stream(path: string, size: number): AsyncGenerator<Uint8Array> {
    const file = this.#open(path);
    const stream = createReadStream("", { fd: file.fd, highWaterMark: chunkSize });
    try {
      if (file.size !== size) throw new EngineError(`${path}: ${file.size} bytes, not ${size}`);
      yield* stream;
    } finally {
      stream.destroy();
    }
  }

  #open(path: string): { readonly fd: number; readonly size: number } {
    const place = resolveInRoot(this.#root, path);
    if (place === undefined) throw new EngineError(`${path}: no such file or directory`);
    // Not opened to find out: some devices act on that. O_NONBLOCK: by now it may be a FIFO.
    if (!lstatSync(place).isFile()) throw new EngineError(`${path}: not a file`);
    const fd = openSync(place, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW);
    const stat = fstatSync(fd);
    if (stat.isFile()) return { fd, size: stat.size };
    closeSync(fd);
    throw new EngineError(`${path}: not a file`);
  }
}
