// Images by pull policy, against a store and registries in memory.

import { describe, expect, test } from "bun:test";
import { writeFile } from "node:fs/promises";
import { errorChain } from "../../src/host/error.ts";
import { createLog } from "../../src/host/log.ts";
import type { PodEvent } from "../../src/pod/event.ts";
import { type ImageActivity, noImageActivity } from "../../src/pod/image-activity.ts";
import type { ImageId } from "../../src/pod/names.ts";
import type { Pod, PullPolicy } from "../../src/pod/pod.ts";
import { RuntimeError } from "../../src/reconcile/runtime.ts";
import { Images } from "../../src/runtime/images.ts";
import { Pulls } from "../../src/runtime/pulls.ts";
import { FakeClock } from "../fakes/fake-clock.ts";
import { plainContainer, plainPodSpec } from "../plain-pod.ts";
import { tempDir } from "../temp-dir.ts";
import { waitUntil } from "../wait-until.ts";
import { MemoryImageStore } from "./memory-image-store.ts";

const { signal } = new AbortController();
const foo = "example.com/foo:1.0";
const unreachable = 'fetch: Get "https://example.com/v2/": dial tcp: connect: connection refused';
const denied = "fetch: Unexpected HTTP code: 403, URL: https://example.com/v2/";

class World {
  readonly clock = new FakeClock();
  readonly store = new MemoryImageStore();
  /** Each as it was told, put together. */
  readonly activities: ImageActivity[] = [];
  /** `REASON: MESSAGE` */
  readonly events: string[] = [];
  readonly fetched = new Set<ImageId>();
  diskFull = 0;
  readonly images: Images;

  constructor(atOnce = 1) {
    const log = createLog({ write: () => undefined, isJournal: false, isDebug: false, wallMs: Date.now });
    const pulls = new Pulls({
      rkt: this.store,
      clock: this.clock,
      log,
      atOnce,
      credentials: {
        find: async () => ({ usable: [], unusable: [] }),
        configDirectory: () => Promise.reject(new Error("there are no credentials")),
      },
      fetched: { add: async (id) => void this.fetched.add(id) },
      onDiskFull: () => {
        this.diskFull += 1;
      },
    });
    const onActivity = (_key: string, change: Partial<ImageActivity>) =>
      this.activities.push({ ...(this.activities.at(-1) ?? noImageActivity), ...change });
    const record = ({ reason, message }: PodEvent) => void this.events.push(`${reason}: ${message}`);
    this.images = new Images({ rkt: this.store, pulls, log, onActivity, record });
  }

  /** The id that the image has become. */
  async ensure(image = foo, imagePullPolicy: PullPolicy = "IfNotPresent", cancel = signal): Promise<ImageId> {
    using images = await this.images.ensure(podOf([image, imagePullPolicy]), cancel);
    const { id, manifest } = images.byContainer.get("c0") ?? {};
    if (id === undefined) throw new Error("no image");
    expect(manifest?.name).toBe(id);
    return id;
  }

  /** The reason for which it has become none. */
  async reason(image = foo, imagePullPolicy: PullPolicy = "IfNotPresent"): Promise<string> {
    return (await failureOf(this.ensure(image, imagePullPolicy))).reason;
  }
}

function podOf(...images: (readonly [image: string, policy: PullPolicy])[]): Pod {
  const containers = images.map(([image, imagePullPolicy], index) => {
    return { ...plainContainer, name: `c${index}`, image, imagePullPolicy };
  });
  return { namespace: "default", name: "web", spec: { ...plainPodSpec, containers } } as Partial<Pod> as Pod;
}

async function failureOf(promise: Promise<unknown>): Promise<RuntimeError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof RuntimeError) return error;
  throw new Error(`expected a RuntimeError, not ${error}`);
}

/** Reasons for an image, one a second; `undefined`: it was there. */
async function perSecond(world: World, policy: PullPolicy, ticks: number): Promise<(string | undefined)[]> {
  const reasons: (string | undefined)[] = [];
  for (let tick = 0; tick < ticks; tick++) {
    reasons.push(
      await world.ensure(foo, policy).then(
        () => undefined,
        (error: RuntimeError) => error.reason,
      ),
    );
    world.clock.advance(10_000);
  }
  return reasons;
}

// The kubelet's TestParallelPuller and TestSerializedPuller; its unit of back-off is a second there and ten here.
describe("the kubelet's table:", () => {
  test.each<[what: string, isPresent: boolean, policy: PullPolicy, pulls: number]>([
    ["missing, IfNotPresent", false, "IfNotPresent", 1],
    ["present, IfNotPresent", true, "IfNotPresent", 0],
    ["present, Always", true, "Always", 1],
    ["missing, Always", false, "Always", 1],
    ["present, Never", true, "Never", 0],
  ])("%s", async (_what, isPresent, policy, pulls) => {
    const world = new World();
    if (isPresent) world.store.add(`docker://${foo}`);
    await world.ensure(foo, policy);
    expect(world.store.pulls).toBe(pulls);
  });

  test("missing, Never", async () => {
    const world = new World();
    expect(await perSecond(world, "Never", 3)).toEqual(Array(3).fill("ErrImageNeverPull"));
    expect(world.store.pulls).toBe(0);
    const { message } = await failureOf(world.ensure(foo, "Never"));
    expect(message).toBe(`Container image "${foo}" is not present with pull policy of Never`);
  });

  test("the store cannot be looked at", async () => {
    const world = new World();
    world.store.listFailure = new Error("rkt is broken");
    expect(await perSecond(world, "IfNotPresent", 3)).toEqual(Array(3).fill("ImageInspectError"));
    expect(errorChain(await failureOf(world.ensure()))).toBe(
      `Failed to inspect image "${foo}": rkt is broken`,
    );
  });

  test("a pull that fails", async () => {
    const world = new World();
    world.store.failure = denied;
    expect(await perSecond(world, "IfNotPresent", 6)).toEqual([
      "ErrImagePull",
      "ErrImagePull",
      "ImagePullBackOff",
      "ErrImagePull",
      "ImagePullBackOff",
      "ImagePullBackOff",
    ]);
    expect(world.store.pulls).toBe(3);
  });

  test("a name that is none", async () => {
    const error = await failureOf(new World().ensure("BAD NAME"));
    expect(error.reason).toBe("InvalidImageName");
    expect(error.message).toBe(
      'Failed to apply default image tag "BAD NAME": couldn\'t parse image name: invalid reference format',
    );
  });
});

describe("a pull that failed", () => {
  test("tells when to try again, doubling from 10 s to 5 min, and begins anew when it is long over or was mended", async () => {
    const world = new World();
    world.store.failure = denied;
    const delays: number[] = [];
    for (let tries = 0; tries < 7; tries++) {
      const { reason, retryAtMs = 0 } = await failureOf(world.ensure());
      expect(reason).toBe("ErrImagePull");
      delays.push(retryAtMs - world.clock.nowMs());
      world.clock.advance(delays.at(-1) ?? 0);
    }
    expect(delays).toEqual([10, 20, 40, 80, 160, 300, 300].map((seconds) => seconds * 1000));

    world.clock.advance(301_000);
    const later = await failureOf(world.ensure());
    expect(later.retryAtMs).toBe(world.clock.nowMs() + 10_000);
    world.clock.advance(10_000);
    world.store.failure = undefined;
    await world.ensure();
  });

  test("is told with its cause, in the kubelet's words", async () => {
    const world = new World();
    world.store.failure = denied;
    const error = await failureOf(world.ensure());
    expect(errorChain(error)).toStartWith(`Failed to pull image "${foo}": rkt cannot fetch image`);
    expect(errorChain(error)).toEndWith(denied);
    expect(error.backOff?.reason).toBe("ImagePullBackOff");
    expect(error.backOff?.message).toStartWith(`Back-off pulling image "${foo}": `);
    const backOff = await failureOf(world.ensure());
    expect(errorChain(backOff)).toBe(error.backOff?.message ?? "");
    expect(backOff.retryAtMs).toBe(error.retryAtMs);
  });

  test("is left alone for every pod, and holds up no other image", async () => {
    const world = new World();
    world.store.failure = denied;
    const both = await Promise.all([world.reason(), world.reason()]);
    expect(both).toEqual(["ErrImagePull", "ImagePullBackOff"]);
    world.store.failure = undefined;
    await world.ensure("example.com/bar:1");
  });

  test("for want of space says so, so that room can be made", async () => {
    const world = new World();
    world.store.failure = "fetch: write /var/lib/rkt/tmp/x: no space left on device";
    expect(await world.reason()).toBe("ErrImagePull");
    expect(world.diskFull).toBe(1);
  });
});

describe("Always, and the registry", () => {
  test("cannot be reached: what is there is used, again and again, and that is told", async () => {
    const world = new World();
    const id = await world.ensure();
    world.store.failure = unreachable;
    expect(await world.ensure(foo, "Always")).toBe(id);
    expect(await world.ensure(foo, "Always")).toBe(id); // without another try, which its back-off forbids
    expect(world.store.pulls).toBe(2);
    const { stale } = world.activities.at(-1) ?? { stale: [] };
    expect(stale.map(({ image }) => image)).toEqual([foo]);
    expect(stale[0]?.why).toContain("connection refused");

    world.clock.advance(10_000);
    world.store.failure = denied;
    expect(await world.reason(foo, "Always")).toBe("ErrImagePull");
    expect(world.activities.at(-1)?.stale).toEqual(stale); // what runs is still the old one
    world.clock.advance(20_000);
    world.store.failure = undefined;
    expect(await world.ensure(foo, "Always")).not.toBe(id);
    expect(world.activities.at(-1)).toEqual({ pulling: undefined, stale: [] });
  });

  test("refuses: what is there is not used", async () => {
    const world = new World();
    await world.ensure();
    world.store.failure = denied;
    expect(await world.reason(foo, "Always")).toBe("ErrImagePull");
  });

  test("cannot be reached, and nothing is there: ErrImagePull", async () => {
    const world = new World();
    world.store.failure = unreachable;
    expect(await world.reason(foo, "Always")).toBe("ErrImagePull");
  });
});

describe("what rkt does not list by name", () => {
  test.each([`example.com/foo@sha256:${"a".repeat(64)}`, "https://example.com/foo.aci"])(
    "%s: its own look-up tells whether it is there",
    async (image) => {
      const world = new World();
      expect(await world.reason(image, "Never")).toBe("ErrImageNeverPull");
      const id = await world.ensure(image);
      expect(await world.ensure(image)).toBe(id);
      expect(await world.ensure(image, "Never")).toBe(id);
      expect(world.store.pulls).toBe(1);
      world.store.failure = unreachable;
      expect(await world.ensure(image, "Always")).toBe(id);
    },
  );
});

describe("while it is prepared", () => {
  test("a pod's images are kept", async () => {
    const world = new World();
    const images = await world.images
      .ensure(podOf([foo, "Never"], [foo, "Always"]), signal)
      .catch(() => undefined);
    expect(images).toBeUndefined();
    const kept = await world.images.ensure(podOf([foo, "IfNotPresent"], [foo, "Never"]), signal);
    const other = await world.images.ensure(podOf([foo, "IfNotPresent"]), signal);
    const id = kept.byContainer.get("c1")?.id as ImageId;
    kept[Symbol.dispose]();
    expect(world.images.isKept(id)).toBe(true);
    other[Symbol.dispose]();
    expect(world.images.isKept(id)).toBe(false);
  });

  test("an image that was kept is let go when another one of the pod fails", async () => {
    const world = new World();
    const id = world.store.add(`docker://${foo}`);
    await failureOf(world.images.ensure(podOf([foo, "Never"], ["example.com/none:1", "Never"]), signal));
    expect(world.images.isKept(id)).toBe(false);
  });

  test("what is pulled, and that others come first, is told", async () => {
    const world = new World();
    const opened = Promise.withResolvers<void>();
    world.store.gates.set(`docker://${foo}`, opened.promise);
    const first = world.ensure();
    await waitUntil("the first pull", () => world.store.pulls === 1);
    const second = world.ensure("example.com/bar:1");
    await waitUntil("the second to queue", () => world.activities.at(-1)?.pulling?.isQueued);
    expect(world.activities.at(-1)?.pulling?.image).toBe("example.com/bar:1");
    opened.resolve();
    await Promise.all([first, second]);
    expect(world.activities.at(-1)?.pulling).toBeUndefined();
  });

  test("only what was not in the store before is written down as ours", async () => {
    const world = new World();
    world.store.add(`docker://${foo}`);
    await world.ensure();
    expect([...world.fetched]).toEqual([]);
    const id = await world.ensure("example.com/bar:1");
    expect([...world.fetched]).toEqual([id]);
  });
});

describe("an image file", () => {
  test("is read once, and again when it has changed or the store may have lost it", async () => {
    await using dir = await tempDir();
    const file = `${dir.path}/a.aci`;
    await writeFile(file, "one");
    const { store, images, ...world } = new World();
    const ensure = async (policy: PullPolicy) =>
      (await images.ensure(podOf([file, policy]), signal))[Symbol.dispose]();
    for (const expected of [1, 1]) {
      await ensure("Always");
      expect(store.pulls).toBe(expected);
    }
    await writeFile(file, "two!");
    await ensure("Never");
    expect(store.pulls).toBe(2);
    images.forget();
    await ensure("IfNotPresent");
    expect(store.pulls).toBe(3);
    expect(world.activities.every(({ pulling }) => pulling === undefined)).toBe(true);
  });

  test("regression: four pods at once imported it four times", async () => {
    await using dir = await tempDir();
    await writeFile(`${dir.path}/a.aci`, "one");
    const world = new World();
    await Promise.all([1, 2, 3, 4].map(() => world.ensure(`${dir.path}/a.aci`)));
    expect(world.store.pulls).toBe(1);
  });

  test("that is missing: ErrImagePull", async () => {
    expect(await new World().reason("/no/such.aci")).toBe("ErrImagePull");
  });

  test("that is broken is left alone for a while, and read at once when it has changed", async () => {
    await using dir = await tempDir();
    const file = `${dir.path}/a.aci`;
    await writeFile(file, "one");
    const world = new World();
    world.store.failure = "fetch: error opening file: not an ACI";
    expect(await world.reason(file)).toBe("ErrImagePull");
    expect(await world.reason(file)).toBe("ImagePullBackOff");
    await writeFile(file, "two!");
    world.store.failure = undefined;
    await world.ensure(file);
  });
});

describe("while a pull hangs", () => {
  const slow = "slow.example.com/foo:1.0";

  async function hanging(atOnce = 1) {
    const world = new World(atOnce);
    const opened = Promise.withResolvers<void>();
    world.store.gates.set(`docker://${slow}`, opened.promise);
    const pull = world.ensure(slow);
    await waitUntil("it to begin", () => world.store.pulls === 1);
    return { world, pull, open: () => opened.resolve() };
  }

  test("regression: a local file waited for it", async () => {
    await using dir = await tempDir();
    await writeFile(`${dir.path}/a.aci`, "one");
    const { world, pull, open } = await hanging();
    await world.ensure(`${dir.path}/a.aci`);
    open();
    await pull;
  });

  test("another pull waits for it, in the order of asking", async () => {
    const { world, pull, open } = await hanging();
    const later = ["a", "b", "c"].map((name) => world.ensure(`example.com/${name}:1`));
    await waitUntil("all to queue", () => world.activities.filter((it) => it.pulling?.isQueued).length === 3);
    expect(world.store.pulls).toBe(1);
    open();
    await Promise.all([pull, ...later]);
    expect(world.store.images.map(({ name }) => name.at(-1))).toEqual(["o", "a", "b", "c"]);
  });

  test("another pull does not wait where two may work at once, a third one does", async () => {
    const { world, pull, open } = await hanging(2);
    await world.ensure("example.com/a:1");
    world.store.gates.set("docker://example.com/b:1", new Promise(() => undefined));
    const cancel = new AbortController();
    const second = world.ensure("example.com/b:1", "Always", cancel.signal).catch(() => undefined);
    await waitUntil("the second", () => world.store.pulls === 3);
    const third = world.ensure("example.com/c:1");
    await waitUntil("the third to queue", () => world.activities.at(-1)?.pulling?.isQueued);
    cancel.abort();
    await Promise.all([second, third]);
    open();
    await pull;
  });

  test("regression: a pod that nobody wants any more waited for it", async () => {
    const { world, pull, open } = await hanging();
    const cancel = new AbortController();
    const next = world.ensure(foo, "IfNotPresent", cancel.signal);
    await waitUntil("it to queue", () => world.activities.at(-1)?.pulling?.isQueued);
    cancel.abort(new Error("canceled"));
    await expect(next).rejects.toThrow("canceled");
    open();
    await pull;
    await world.ensure(foo); // its turn was not lost, and it has no back-off
  });
});

describe("events tell", () => {
  test("of a pull, how long it took and waited and what it brought; and that an image is there", async () => {
    const world = new World();
    const gate = Promise.withResolvers<void>();
    world.store.gates.set(`docker://${foo}`, gate.promise);
    const first = world.ensure();
    await waitUntil("it to be pulled", () => world.store.pulls === 1);
    const second = world.ensure("example.com/second:1.0");
    await waitUntil("the other to be queued", () => world.activities.at(-1)?.pulling?.isQueued);
    world.clock.advance(62_500);
    gate.resolve();
    await Promise.all([first, second]);
    await world.ensure();
    expect(world.events).toEqual([
      `Pulling: Pulling image "${foo}"`,
      `Pulled: Successfully pulled image "${foo}" in 1m2.5s (1m2.5s including waiting). Image size: 1 bytes.`,
      'Pulling: Pulling image "example.com/second:1.0"',
      'Pulled: Successfully pulled image "example.com/second:1.0" in 0ms (1m2.5s including waiting). Image size: 1 bytes.',
      `Pulled: Container image "${foo}" already present on machine`,
    ]);
  });

  test("of what could not be pulled, why, and then that it is left alone", async () => {
    const world = new World();
    world.store.failure = denied;
    await world.reason();
    await world.reason();
    await world.reason(foo, "Never");
    await world.reason("a//b");
    const [, why] = world.events[1]?.split(`"${foo}": `) ?? [];
    expect(why).toContain("403");
    expect(world.events).toEqual([
      `Pulling: Pulling image "${foo}"`,
      `Failed: Failed to pull image "${foo}": ${why}`,
      `BackOff: Back-off pulling image "${foo}": ${why}`,
      `ErrImageNeverPull: Container image "${foo}" is not present with pull policy of Never`,
      expect.stringContaining('Failed: Failed to apply default image tag "a//b"'),
    ]);
  });

  test("of a local file that it is read once", async () => {
    await using dir = await tempDir();
    const path = `${dir.path}/image.aci`;
    await writeFile(path, "");
    const world = new World();
    await world.ensure(path);
    await world.ensure(path);
    expect(world.events.map((text) => text.split(":")[0])).toEqual(["Pulling", "Pulled", "Pulled"]);
    expect(world.events[2]).toBe(`Pulled: Container image "${path}" already present on machine`);
  });

  test("nothing of a pull that was canceled", async () => {
    const world = new World();
    world.store.gates.set(`docker://${foo}`, new Promise(() => undefined));
    const cancel = new AbortController();
    const pulled = world.ensure(foo, "IfNotPresent", cancel.signal);
    await waitUntil("it to be pulled", () => world.store.pulls === 1);
    cancel.abort();
    await pulled.catch(() => undefined);
    expect(world.events).toEqual([`Pulling: Pulling image "${foo}"`]);
  });
});
