// Images by pull policy, against a store in memory.

import { describe, expect, test } from "bun:test";
import { writeFile } from "node:fs/promises";
import type { ImageId } from "../../src/pod/names.ts";
import type { Container, PullPolicy } from "../../src/pod/pod.ts";
import type { AppcImageManifest } from "../../src/rkt/appc.ts";
import type { RktImage } from "../../src/rkt/rkt-image.ts";
import { Images } from "../../src/runtime/images.ts";
import { plainContainer } from "../plain-pod.ts";
import { tempDir } from "../temp-dir.ts";

const { signal } = new AbortController();
const name = "example.com/foo:1.0";

/** A store that can fetch everything, under a new id each time, and counts that. */
class MemoryStore {
  readonly images: RktImage[] = [];
  fetches = 0;
  /** What a fetch from slow.example.com waits for. */
  gate: Promise<unknown> = Promise.resolve();
  failure: Error | undefined;

  async fetch(location: string): Promise<ImageId> {
    this.fetches += 1;
    if (location.includes("slow.example.com")) await this.gate;
    if (this.failure) throw this.failure;
    const id = `sha512-${this.fetches}` as ImageId;
    const [image = "", version = ""] = location.replace("docker://", "").split(":");
    const { fetches: importedAtMs } = this;
    this.images.push({ id, name: image, version, importedAtMs, lastUsedAtMs: importedAtMs, sizeBytes: 1 });
    return id;
  }
  async listImages(): Promise<readonly RktImage[]> {
    return this.images;
  }
  async imageManifest(id: ImageId): Promise<AppcImageManifest> {
    return { acKind: "ImageManifest", acVersion: "0.8.11", name: id };
  }
}

function container(image = name, imagePullPolicy: PullPolicy = "IfNotPresent"): Container {
  return { ...plainContainer, image, imagePullPolicy };
}

async function reasonOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => undefined,
    (error: { reason?: string }) => error.reason ?? error,
  );
}

describe("an image by name", () => {
  test.each<[policy: PullPolicy, fetches: number]>([
    ["IfNotPresent", 1],
    ["Always", 2],
  ])("%s: twice takes %d pulls", async (policy, fetches) => {
    const store = new MemoryStore();
    const images = new Images(store);
    await images.ensure(container(name, policy), signal);
    const { manifest, id } = await images.ensure(container(name, policy), signal);
    expect([store.fetches, manifest.name]).toEqual([fetches, id as string]);
  });

  test("Never takes what is there and pulls nothing", async () => {
    const store = new MemoryStore();
    const images = new Images(store);
    expect(await reasonOf(images.ensure(container(name, "Never"), signal))).toBe("ErrImageNeverPull");
    await store.fetch(name);
    expect((await images.ensure(container(name, "Never"), signal)).id).toBe("sha512-1" as ImageId);
    expect(store.fetches).toBe(1);
  });

  test("a pull that fails: ErrImagePull; with Always the image that is there is better than none", async () => {
    const store = new MemoryStore();
    store.failure = new Error("no network");
    const images = new Images(store);
    expect(await reasonOf(images.ensure(container(), signal))).toBe("ErrImagePull");
    store.failure = undefined;
    const { id } = await images.ensure(container(), signal);
    store.failure = new Error("no network");
    expect((await images.ensure(container(name, "Always"), signal)).id).toBe(id);
  });

  test("a name that is none: InvalidImageName", async () => {
    expect(await reasonOf(new Images(new MemoryStore()).ensure(container("BAD NAME"), signal))).toBe(
      "InvalidImageName",
    );
  });
});

describe("an image file", () => {
  test("is fetched once, and again when it has changed or the store may have lost it", async () => {
    await using dir = await tempDir();
    const file = `${dir.path}/a.aci`;
    await writeFile(file, "one");
    const store = new MemoryStore();
    const images = new Images(store);
    for (const expected of [1, 1]) {
      await images.ensure(container(file, "Always"), signal);
      expect(store.fetches).toBe(expected);
    }
    await writeFile(file, "two!");
    await images.ensure(container(file, "Never"), signal);
    expect(store.fetches).toBe(2);
    images.forget();
    await images.ensure(container(file), signal);
    expect(store.fetches).toBe(3);
  });

  test("regression: four pods at once imported it four times", async () => {
    await using dir = await tempDir();
    await writeFile(`${dir.path}/a.aci`, "one");
    const store = new MemoryStore();
    const images = new Images(store);
    await Promise.all([1, 2, 3, 4].map(() => images.ensure(container(`${dir.path}/a.aci`), signal)));
    expect(store.fetches).toBe(1);
  });

  test("that is missing: ErrImagePull", async () => {
    expect(await reasonOf(new Images(new MemoryStore()).ensure(container("/no/such.aci"), signal))).toBe(
      "ErrImagePull",
    );
  });
});

describe("while a pull hangs", () => {
  async function hanging() {
    const store = new MemoryStore();
    const images = new Images(store);
    const opened = Promise.withResolvers<void>();
    store.gate = opened.promise;
    const slow = images.ensure(container("slow.example.com/foo:1.0"), signal);
    while (store.fetches === 0) await Promise.resolve();
    return { store, images, slow, open: () => opened.resolve() };
  }

  test("regression: a local file waited for it", async () => {
    await using dir = await tempDir();
    await writeFile(`${dir.path}/a.aci`, "one");
    const { images, slow, open } = await hanging();
    await images.ensure(container(`${dir.path}/a.aci`), signal);
    open();
    await slow;
  });

  test("another pull waits for it", async () => {
    const { store, images, slow, open } = await hanging();
    const next = images.ensure(container(), signal);
    for (let turns = 0; turns < 100; turns++) await Promise.resolve();
    expect(store.fetches).toBe(1);
    open();
    await Promise.all([slow, next]);
    expect(store.fetches).toBe(2);
  });

  test("regression: a pod that nobody wants any more waited for it", async () => {
    const { images, slow, open } = await hanging();
    const cancel = new AbortController();
    const next = images.ensure(container(), cancel.signal);
    cancel.abort(new Error("canceled"));
    expect(await reasonOf(next)).toBeDefined();
    open();
    await slow;
  });
});
