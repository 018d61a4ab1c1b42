// Which images in rkt's store were brought there by us: `<state dir>/fetched-images`, an id a line.
// Invariant: an image that is not in the list is not ours to remove; what cannot be read is not in it.

import { readTextIfExists, writeFileAtomic } from "../host/files.ts";
import { type ImageId, isImageId } from "../pod/names.ts";

export class FetchedImages {
  readonly #file: string;
  #ids: Promise<Set<ImageId>> | undefined;
  #writing: Promise<void> = Promise.resolve();

  constructor(stateDir: string) {
    this.#file = `${stateDir}/fetched-images`;
  }

  async ids(): Promise<ReadonlySet<ImageId>> {
    return this.#read();
  }

  /** Kept in memory even where it cannot be written, which is an error. */
  async add(id: ImageId): Promise<void> {
    const ids = await this.#read();
    if (ids.has(id)) return;
    ids.add(id);
    await this.#write(ids);
  }

  async remove(id: ImageId): Promise<void> {
    const ids = await this.#read();
    if (ids.delete(id)) await this.#write(ids);
  }

  #read(): Promise<Set<ImageId>> {
    this.#ids ??= readTextIfExists(this.#file)
      .then((text = "") => new Set(text.split("\n").filter(isImageId)))
      .catch((error: unknown) => {
        this.#ids = undefined;
        throw error;
      });
    return this.#ids;
  }

  /** One after the other, so that the last one written is the latest. */
  #write(ids: ReadonlySet<ImageId>): Promise<void> {
    const written = this.#writing.then(() =>
      writeFileAtomic(this.#file, [...ids].map((id) => `${id}\n`).join(""), 0o640),
    );
    this.#writing = written.catch(() => undefined);
    return written;
  }
}
