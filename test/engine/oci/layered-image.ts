// Brings an image of hand-made layers into a store of the test's own, and shows it as an app would see it.

import { mkdirSync } from "node:fs";
import { ImageStore, type StoredImage } from "../../../src/engine/image-store.ts";
import { ImageFiles } from "../../../src/engine/oci/image-files.ts";
import { openLayout } from "../../../src/engine/oci/oci-layout.ts";
import { FetchProgress } from "../../../src/engine/oci/progress.ts";
import { machineArchitecture } from "../../../src/engine/oci/source-image.ts";
import { storeImage } from "../../../src/engine/oci/store-image.ts";
import { mountOverlay } from "../../../src/engine/overlay.ts";
import type { UnpackLimits } from "../../../src/engine/unpack-budget.ts";
import { unmount } from "../../../src/host/libc.ts";
import { type OciImage, type OciLayer, writeOciLayout } from "../../oci-layout.ts";

export interface Stored {
  readonly store: ImageStore;
  readonly image: StoredImage;
}

/** From a new layout in `path` into the store in `path`. */
export async function storeLayers(
  path: string,
  layers: readonly OciLayer[],
  options: Pick<OciImage, "config"> & { readonly limits?: UnpackLimits; readonly tag?: string } = {},
): Promise<Stored> {
  const { limits, tag = "1", ...image } = options;
  const layout = `${path}/layout-${tag}`;
  await writeOciLayout(layout, [{ tag, layers, ...image }]);
  return { store: new ImageStore(`${path}/rkt`), image: await storeLayout(path, layout, limits) };
}

export async function storeLayout(path: string, layout: string, limits?: UnpackLimits): Promise<StoredImage> {
  const location = { path: "/images/app", name: "" };
  const source = openLayout(new ImageFiles(layout), location, machineArchitecture());
  return await storeImage(source, {
    store: new ImageStore(`${path}/rkt`),
    reference: undefined,
    progress: new FetchProgress(undefined),
    controller: new AbortController(),
    ...(limits && { limits }),
  });
}

let mounts = 0;

/** Its root directory, until disposed of. */
export function mounted({ store, image }: Stored, path: string): Disposable & { readonly root: string } {
  const directory = `${path}/app-${++mounts}`;
  mkdirSync(directory);
  mountOverlay({ base: store.layers.base, lower: store.lowerDirectories(image.id), directory });
  return { root: `${directory}/root`, [Symbol.dispose]: () => unmount(`${directory}/root`) };
}
