// An image where it comes from, before anything of its layers was read.

import { EngineError } from "../engine-error.ts";
import type { ImageOrigin } from "./appc-image-manifest.ts";
import { checkPlatform, decodeImageConfig, type ImageConfig } from "./image-config.ts";
import type { LayerBlob } from "./layer.ts";

export interface SourceImage {
  readonly origin: ImageOrigin;
  readonly config: ImageConfig;
  readonly configDigest: string;
  /** Undefined where there is no manifest. */
  readonly manifestDigest: string | undefined;
  /** As many as the config has diffIds, in their order. */
  readonly layers: readonly LayerBlob[];
}

/** Throws for what this machine cannot run. */
export function sourceImage(
  image: Omit<SourceImage, "config">,
  config: Uint8Array,
  architecture: string,
): SourceImage {
  const decoded = decodeImageConfig(config);
  checkPlatform(decoded, architecture);
  if (decoded.diffIds.length === image.layers.length) return { ...image, config: decoded };
  throw new EngineError(
    `manifest has ${image.layers.length} layers, its config has ${decoded.diffIds.length}`,
  );
}

/** In Go's words. */
export function machineArchitecture(): string {
  return process.arch === "x64" ? "amd64" : process.arch;
}
