// A watch for which there is nothing left of inotify: until there is again.

import { expect, test } from "bun:test";
import { mkdir, rename, rmdir } from "node:fs/promises";
import { tempDir } from "../temp-dir.ts";
import { waitUntil } from "../wait-until.ts";

const failure = "cannot watch, looking every 15 s instead";
const success = "watching again";

class WatchedPath implements AsyncDisposable {
  readonly #process;
  readonly #reading: Promise<void>;
  /** Each line that it has said. */
  readonly said: string[] = [];

  constructor(path: string) {
    const unshare = "unshare --user --map-root-user --pid --fork --kill-child --mount-proc".split(" ");
    const program = [process.execPath, Bun.fileURLToPath(import.meta.resolve("./watched-path.ts")), path];
    this.#process = Bun.spawn([...unshare, ...program], { stdin: "pipe", stdout: "pipe", stderr: "inherit" });
    this.#reading = this.#read();
  }

  async #read(): Promise<void> {
    let text = "";
    const decoder = new TextDecoder();
    for await (const chunk of this.#process.stdout) {
      const lines = (text + decoder.decode(chunk)).split("\n");
      text = lines.pop() ?? "";
      this.said.push(...lines);
    }
  }

  count(line: string): number {
    return this.said.filter((each) => each === line).length;
  }

  /** Resolves when it has done that. */
  async tell(line: string): Promise<void> {
    const done = this.count("done");
    this.#process.stdin.write(`${line}\n`);
    this.#process.stdin.flush();
    await waitUntil(`it to do: ${line}`, () => this.count("done") > done);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process.stdin.end();
    await this.#process.exited;
    await this.#reading;
  }
}

/** Until it sees what is written there. */
async function expectHint(watched: WatchedPath, path: string): Promise<void> {
  const hints = watched.count("hint");
  await Bun.write(`${path}/a.yaml`, "");
  await waitUntil("a hint", () => watched.count("hint") > hints);
}

/** With a look more often than there are failures to tell of. */
async function expectFailures(watched: WatchedPath, count: number): Promise<void> {
  await watched.tell("look");
  await waitUntil("it to say so", () => watched.count(failure) === count);
  await watched.tell("look");
  await watched.tell("look");
  expect(watched.count(failure)).toBe(count);
}

test.each(["max_inotify_instances", "max_inotify_watches"])(
  "regression: with %s reached at the start it was never watched again",
  async (limit) => {
    await using dir = await tempDir();
    const path = `${dir.path}/manifests`;
    await mkdir(path);
    await using watched = new WatchedPath(path);
    await watched.tell(`${limit} 0`);
    await expectFailures(watched, 1);
    await watched.tell(`${limit} 100`);
    await watched.tell("look");
    await expectHint(watched, path);
    expect(watched.count(success)).toBe(0);
    await watched.tell("look");
    expect(watched.count(success)).toBe(1);
  },
);

test("the limit is reached while it runs, twice: each time is told once, and it is watched again", async () => {
  await using dir = await tempDir();
  const path = `${dir.path}/manifests`;
  await mkdir(path);
  await using watched = new WatchedPath(path);
  await watched.tell("look");
  await expectHint(watched, path);
  for (const time of [1, 2]) {
    await watched.tell("max_inotify_watches 0");
    await rename(path, `${path}.${time}`);
    await mkdir(path);
    await expectFailures(watched, time);
    await watched.tell("max_inotify_watches 100");
    await watched.tell("look");
    await expectHint(watched, path);
    await watched.tell("look");
    expect(watched.count(success)).toBe(time);
  }
});

test("regression: a directory made again with the number that the old one had was not watched", async () => {
  await using dir = await tempDir();
  const path = `${dir.path}/manifests`;
  await mkdir(path);
  await using watched = new WatchedPath(path);
  await watched.tell("look");
  await rmdir(path);
  await mkdir(path); // the same number with ext4
  await watched.tell("look");
  await expectHint(watched, path);
});
