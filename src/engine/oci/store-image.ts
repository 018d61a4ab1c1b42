// Brings an image into the store: the layers that it lacks are unpacked, several at once, each into a directory of its own.
// Invariant: until all are there nothing of them is in the store, and afterwards all is; what a kill leaves is a work directory.

import { mkdirSync } from "node:fs";
import { checkImageManifest } from "../appc-check.ts";
import type { ImageStore, StoredImage } from "../image-store.ts";
import { LayerStack } from "../layer-stack.ts";
import type { HeldLayer, Layer } from "../layer-store.ts";
import { LayerStore } from "../layer-store.ts";
import { UnpackBudget, type UnpackLimits, unpackLimits } from "../unpack-budget.ts";
import { appcImageManifest } from "./appc-image-manifest.ts";
import { imageOwner } from "./image-owner.ts";
import { type LayerBlob, unpackLayer } from "./layer.ts";
import type { FetchProgress } from "./progress.ts";
import type { SourceImage } from "./source-image.ts";

export interface StoreOptions {
  readonly store: ImageStore;
  /** Under which the image is to be found again. */
  readonly reference: string | undefined;
  readonly progress: FetchProgress;
  /** Aborted where one layer failed, so that the others end too. */
  readonly controller: AbortController;
  readonly limits?: UnpackLimits;
}

const layersAtOnce = 3;

export async function storeImage(image: SourceImage, options: StoreOptions): Promise<StoredImage> {
  const { store, reference } = options;
  using work = store.workDirectory();
  using held = new DisposableStack();
  const layers = new Map<string, Layer>();
  const missing = new Map<string, LayerBlob>();
  for (const [index, diffId] of image.config.diffIds.entries()) {
    const blob = image.layers[index];
    if (blob === undefined || layers.has(diffId) || missing.has(diffId)) continue;
    const found: HeldLayer | undefined = store.layers.hold(diffId);
    if (found) layers.set(diffId, held.use(found).layer);
    else missing.set(diffId, blob);
  }
  const unpacked = await unpackAll(missing, work.path, options);
  for (const layer of unpacked.keys()) layers.set(layer.diffId, layer);

  const directories = new Map([...unpacked].map(([{ diffId }, directory]) => [diffId, directory]));
  const lowestFirst = image.config.diffIds
    .map((diffId) => layers.get(diffId))
    .filter((layer) => layer !== undefined);
  const stack = new LayerStack(lowestFirst, (diffId) => {
    const directory = directories.get(diffId);
    return directory === undefined ? store.layers.files(diffId) : LayerStore.filesIn(directory);
  });
  const owner = imageOwner(image.config.user, (path) => stack.readText(path));
  const manifestText = JSON.stringify(appcImageManifest({ ...image, owner }));
  checkImageManifest(JSON.parse(manifestText));
  return store.addLayered({ manifestText, reference, stack, layers: lowestFirst, unpacked }, work.path);
}

/** The layers with the directories that they are in. */
async function unpackAll(
  missing: ReadonlyMap<string, LayerBlob>,
  work: string,
  { progress, controller, limits }: StoreOptions,
): Promise<ReadonlyMap<Layer, string>> {
  const packedBytes = [...missing.values()].reduce((sum, { size }) => sum + size, 0);
  const budget = new UnpackBudget(limits ?? unpackLimits(packedBytes));
  progress.expect(packedBytes);
  const unpacked = new Map<Layer, string>();
  const waiting = [...missing.entries()];
  const onChunk = (bytes: number) => {
    controller.signal.throwIfAborted();
    progress.add(bytes);
  };
  const worker = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const [diffId, blob] = next;
      const directory = `${work}/layer-${waiting.length}`;
      mkdirSync(directory, { mode: 0o755 });
      const layer = await unpackLayer(blob, {
        diffId,
        directory: LayerStore.filesIn(directory),
        budget,
        onChunk,
      });
      unpacked.set(layer, directory);
    }
  };
  const failures: unknown[] = [];
  // All have to end, well or not, before their directory may go.
  await Promise.all(
    Array.from({ length: layersAtOnce }, () =>
      worker().catch((error: unknown) => {
        failures.push(error);
        waiting.length = 0;
        controller.abort(error);
      }),
    ),
  );
  if (failures.length > 0) throw failures[0];
  return unpacked;
}
