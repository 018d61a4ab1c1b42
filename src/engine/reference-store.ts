// Which image a reference led to the last time it was asked for: `cas/references/HASH` holds the image's id, and the reference for people.
// Invariant: a note appears by a rename; one about an image that is gone means nothing.

import { createHash } from "node:crypto";
import * as fs from "node:fs";
import type { ImageId } from "../pod/names.ts";

export class ReferenceStore {
  readonly #dir: string;

  constructor(cas: string) {
    this.#dir = `${cas}/references`;
  }

  /** `work` is a directory of the caller's alone on the same file system. */
  note(reference: string, id: ImageId, work: string): void {
    fs.writeFileSync(`${work}/reference`, `${id}\n${reference}\n`);
    fs.renameSync(`${work}/reference`, this.#path(nameOf(reference)));
  }

  idOf(reference: string): ImageId | undefined {
    return this.#read(nameOf(reference));
  }

  removeStale(isThere: (id: ImageId) => boolean): void {
    for (const name of fs.readdirSync(this.#dir)) {
      const id = this.#read(name);
      if (id === undefined || !isThere(id)) fs.rmSync(this.#path(name), { force: true });
    }
  }

  #read(name: string): ImageId | undefined {
    if (!fs.existsSync(this.#path(name))) return undefined;
    return fs.readFileSync(this.#path(name), "utf8").split("\n")[0] as ImageId;
  }

  #path(name: string): string {
    return `${this.#dir}/${name}`;
  }
}

function nameOf(reference: string): string {
  return createHash("sha256").update(reference).digest("hex");
}
