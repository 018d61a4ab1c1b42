// A manifest directory that is being watched, in a real file system.

import { mkdir, rename } from "node:fs/promises";
import { type Clock, systemClock } from "../../src/host/clock.ts";
import type { Log } from "../../src/host/log.ts";
import { ManifestDirectory } from "../../src/manifest/directory.ts";
import type { Desired, ManifestFile } from "../../src/pod/desired.ts";
import type { PodEvent } from "../../src/pod/event.ts";
import { type TempDir, tempDir } from "../temp-dir.ts";
import { waitUntil } from "../wait-until.ts";

export const silent: Log = { debug() {}, info() {}, warn() {}, error() {} };

interface WatchedOptions {
  readonly accepted?: readonly string[];
  readonly clock?: Clock;
}

export class Watched implements AsyncDisposable {
  readonly #temp: TempDir;
  readonly path: string;
  readonly directory: ManifestDirectory;
  /** Every Desired there was. */
  readonly history: Desired[] = [];
  readonly events: PodEvent[] = [];
  readonly memoryFile: string;

  private constructor(temp: TempDir, path: string, { accepted = [], clock = systemClock }: WatchedOptions) {
    this.#temp = temp;
    this.path = path;
    this.memoryFile = `${temp.path}/state/manifests.json`;
    this.directory = this.#open(accepted, clock, () => this.history.push(this.directory.desired));
  }

  #open(accepted: readonly string[], clock: Clock, onChange: () => void): ManifestDirectory {
    return new ManifestDirectory({
      path: this.path,
      nodeName: "node1",
      accepted,
      memoryFile: this.memoryFile,
      clock,
      log: silent,
      record: (event) => this.events.push(event),
      onChange,
    });
  }

  /** As the next agent has it: not started yet. */
  another(accepted: readonly string[] = []): ManifestDirectory {
    return this.#open(accepted, systemClock, () => undefined);
  }

  static async start(prepare: (path: string) => Promise<unknown> = mkdir, options: WatchedOptions = {}) {
    const temp = await tempDir();
    const path = `${temp.path}/manifests`;
    await prepare(path);
    const watched = new Watched(temp, path, options);
    await watched.directory.start(new AbortController().signal);
    return watched;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.directory[Symbol.asyncDispose]();
    await this.#temp[Symbol.asyncDispose]();
  }

  /** The names of the desired pods, as written. */
  get names(): string[] {
    return namesOf(this.directory.desired);
  }

  async writeAside(name: string, text: string): Promise<string> {
    const path = `${this.#temp.path}/${name}`;
    await Bun.write(path, text);
    return path;
  }

  /** Renamed in, as careful programs do it. */
  async put(name: string, text: string): Promise<void> {
    await rename(await this.writeAside(`.${name}`, text), `${this.path}/${name}`);
  }

  file(name: string): ManifestFile | undefined {
    return this.directory.desired.files.find(({ path }) => path === `${this.path}/${name}`);
  }

  async waitForNames(...names: string[]): Promise<void> {
    await waitUntil(`${names} in place of ${this.names}`, () => Bun.deepEquals(this.names, names), 10_000);
  }

  async waitForState(name: string, state: ManifestFile["state"]): Promise<ManifestFile> {
    return waitUntil(`${name} ${state}`, () => {
      const file = this.file(name);
      return file?.state === state && file;
    });
  }
}

export function namesOf({ pods }: Desired): string[] {
  return pods.map(({ name }) => name.replace("-node1", "")).sort();
}
