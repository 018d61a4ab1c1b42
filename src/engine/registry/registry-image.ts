// An image in a registry: its manifest, by platform where there are several, and its config are read and verified; its layers come later.

import { EngineError } from "../engine-error.ts";
import { checkDigest, digestOf, verify } from "../oci/digest.ts";
import {
  acceptedTypes,
  choosePlatform,
  configBytesMax,
  decodeDocument,
  type ImageDocument,
  manifestBytesMax,
} from "../oci/manifest.ts";
import { type SourceImage, sourceImage } from "../oci/source-image.ts";
import type { Reference } from "./reference.ts";
import type { RegistryClient } from "./registry-client.ts";

/** An index may lead to another one, but not round and round. */
const indexDepthMax = 3;

export async function openRegistryImage(
  reference: Reference,
  registry: RegistryClient,
  architecture: string,
): Promise<SourceImage> {
  const { document, digest } = await findImage(reference, registry, architecture);
  const config = await registry.read(`blobs/${document.config.digest}`, "config", configBytesMax);
  verify(config.content, document.config.digest, "config");
  const image = {
    origin: reference,
    configDigest: document.config.digest,
    manifestDigest: digest,
    layers: document.layers.map(({ digest: layer, size }) => ({
      what: `layer ${layer}`,
      digest: layer,
      size,
      open: () => registry.stream(`blobs/${layer}`, `layer ${layer}`, size),
    })),
  };
  return sourceImage(image, config.content, architecture);
}

async function findImage(reference: Reference, registry: RegistryClient, architecture: string) {
  let key = reference.digest === "" ? reference.tag : checkDigest(reference.digest, "image");
  for (let depth = 0; depth < indexDepthMax; depth++) {
    const { document, digest } = await readManifest(key, registry);
    if (document.kind === "image") return { document, digest };
    key = choosePlatform(document.manifests, architecture).digest;
  }
  throw new EngineError("index of indexes of indexes");
}

/** `key` is a tag or a digest. */
async function readManifest(
  key: string,
  registry: RegistryClient,
): Promise<{ document: ImageDocument; digest: string }> {
  const what = `manifest ${key}`;
  const accept = acceptedTypes.join(", ");
  const { content, mediaType } = await registry.read(`manifests/${key}`, what, manifestBytesMax, accept);
  const isDigest = key.includes(":"); // which no tag has
  if (isDigest) verify(content, key, what);
  return { document: decodeDocument(content, mediaType), digest: isDigest ? key : digestOf(content) };
}
