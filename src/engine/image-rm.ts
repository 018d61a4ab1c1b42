// `rkt image rm` and `rkt image gc`. An image may go while pods run on it: its tree stays for them.

import { systemClock } from "../host/clock.ts";
import type { ImageId } from "../pod/names.ts";
import type { Command, Context } from "./command.ts";
import { EngineError } from "./engine-error.ts";
import { parseDuration } from "./go-text.ts";
import { ImageStore } from "./image-store.ts";
import { PodStore } from "./pod-store.ts";

const dayMs = 24 * 3_600_000;

export const imageRm: Command = {
  name: "image rm",
  synopsis: "IMAGE…",
  flags: {},
  run: (context) => {
    if (context.args.length === 0) return context.usage();
    const store = new ImageStore(context.dir);
    let removed = 0;
    for (const argument of context.args) {
      try {
        if (removeImage(store.find(argument).id, store, context)) removed++;
      } catch (error) {
        // rkt tells it and still exits 0.
        if (!(error instanceof EngineError)) throw error;
        context.tell(error.message);
      }
    }
    tellRemoved(removed, context);
    if (removed > 0) store.removeUnusedTrees(() => usedImages(context.dir));
    return 0;
  },
};

export const imageGc: Command = {
  name: "image gc",
  synopsis: "[--grace-period=DURATION]",
  flags: {
    "grace-period": (text) =>
      parseDuration(text) === undefined ? `time: invalid duration "${text}"` : undefined,
  },
  run: (context) => {
    const store = new ImageStore(context.dir);
    const graceMs = parseDuration(context.flags.text("grace-period") ?? "") ?? dayMs;
    const used = usedImages(context.dir);
    const before = BigInt(Math.floor(systemClock.wallMs() - graceMs)) * 1_000_000n;
    let removed = 0;
    for (const { id, usedNs } of store.list())
      if (!used.has(id) && usedNs <= before && removeImage(id, store, context)) removed++;
    tellRemoved(removed, context);
    store.removeUnusedTrees(() => usedImages(context.dir));
    return 0;
  },
};

/** The images that pods, dead ones too, were made of. */
export function usedImages(dataDir: string): ReadonlySet<string> {
  return new Set(
    new PodStore(dataDir)
      .list()
      .flatMap((pod) => pod.apps())
      .map(({ image }) => image.id.slice(0, "sha512-".length + 64)),
  );
}

function removeImage(id: ImageId, store: ImageStore, { print }: Context): boolean {
  const isRemoved = store.remove(id);
  if (isRemoved) print(`successfully removed aci for image: "${id}"\n`);
  return isRemoved;
}

function tellRemoved(count: number, { tell }: Context): void {
  if (count > 0) tell(`${count} image(s) successfully removed`);
}
