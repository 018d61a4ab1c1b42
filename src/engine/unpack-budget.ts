// How much an image may become when it is unpacked. Invariant: what is too large is refused by what it says it is, before it is written.

import { EngineError } from "./engine-error.ts";

export interface UnpackLimits {
  readonly bytesMax: number;
  readonly entriesMax: number;
  /** Of the paths of entries: many of them are kept in memory until the end. */
  readonly nameBytesMax: number;
}

const GiB = 2 ** 30;

/** Real files seldom shrink to less than a tenth; gzip and zstd can make a thousandth of zeros, and much less. */
export function unpackLimits(packedBytes: number): UnpackLimits {
  return {
    bytesMax: Math.min(64 * GiB, GiB + 100 * packedBytes),
    entriesMax: 2_000_000,
    nameBytesMax: GiB / 4,
  };
}

export class UnpackBudget {
  readonly #limits: UnpackLimits;
  #bytes = 0;
  #entries = 0;
  #nameBytes = 0;

  constructor(limits: UnpackLimits) {
    this.#limits = limits;
  }

  /** For an entry of so many bytes. */
  take(path: string, bytes = 0): void {
    this.#bytes += bytes;
    this.#entries++;
    this.#nameBytes += path.length;
    const { bytesMax, entriesMax, nameBytesMax } = this.#limits;
    if (this.#bytes > bytesMax) throw new EngineError(`image unpacks to more than ${bytesMax} bytes`);
    if (this.#entries > entriesMax) throw new EngineError(`image has more than ${entriesMax} entries`);
    if (this.#nameBytes > nameBytesMax)
      throw new EngineError(`image has paths of more than ${nameBytesMax} bytes`);
  }
}
