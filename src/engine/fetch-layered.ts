// Fetches images that come in layers: from a registry (`docker://…`), from a layout or an archive (`oci:…`).
// Invariant: an image that cannot be had leaves nothing in the store, and its error is one line that names it.

import type { Context } from "./command.ts";
import { EngineError, fileError } from "./engine-error.ts";
import type { ImageStore, StoredImage } from "./image-store.ts";
import { type LocalName, openLocalImage } from "./oci/local-image.ts";
import { FetchProgress } from "./oci/progress.ts";
import { machineArchitecture, type SourceImage } from "./oci/source-image.ts";
import { storeImage } from "./oci/store-image.ts";
import { credentialsFor } from "./registry/credentials.ts";
import { canonicalReference, parseReference } from "./registry/reference.ts";
import { RegistryClient } from "./registry/registry-client.ts";
import { openRegistryImage } from "./registry/registry-image.ts";

/** When to ask where the image comes from, though the store may have it. */
export type PullPolicy = "never" | "new" | "update";

const timeoutMs = 30 * 60_000;

export async function fetchDockerImage(
  url: string,
  store: ImageStore,
  context: Context,
  policy: PullPolicy,
): Promise<StoredImage> {
  requireInsecure(context);
  const reference = parseReference(url);
  const canonical = canonicalReference(reference);
  const found = policy === "update" ? undefined : store.findByReference(canonical);
  if (found) return found;
  if (policy === "never")
    throw new EngineError(
      `unable to fetch docker image from URL "${url}": either image was not found in the store or store was disabled and fetching from remote yielded nothing or it was disabled`,
    );
  context.debug(`fetching image from ${url}`);
  return pull(`cannot pull ${reference.original}`, context, canonical, store, (signal) => {
    const registry = new RegistryClient({
      host: reference.host,
      repository: reference.repository,
      credentials: credentialsFor(reference.host, context.flags),
      insecure: context.insecure,
      signal,
    });
    return openRegistryImage(reference, registry, machineArchitecture());
  });
}

export async function fetchLocalImage(
  name: LocalName,
  store: ImageStore,
  context: Context,
): Promise<StoredImage> {
  requireInsecure(context);
  using work = store.workDirectory();
  return await pull(`cannot read ${name.path}`, context, undefined, store, () =>
    openLocalImage(name, work.path, machineArchitecture()),
  );
}

function requireInsecure({ insecure }: Context): void {
  if (insecure.has("image")) return;
  throw new EngineError(
    "signature verification for docker images is not supported (try --insecure-options=image)",
  );
}

async function pull(
  failure: string,
  { tell }: Context,
  reference: string | undefined,
  store: ImageStore,
  open: (signal: AbortSignal) => Promise<SourceImage>,
): Promise<StoredImage> {
  const controller = new AbortController();
  const late = setTimeout(() => controller.abort(new Error("timeout: not done in half an hour")), timeoutMs);
  const progress = new FetchProgress(process.stderr.isTTY ? undefined : tell);
  try {
    const image = await open(controller.signal);
    return await storeImage(image, { store, reference, progress, controller });
  } catch (error) {
    if (!(error instanceof Error) || error instanceof TypeError || error instanceof RangeError) throw error;
    const { message } = "code" in error ? fileError(error) : error;
    throw new EngineError(`${failure}: ${message}`, { cause: error });
  } finally {
    clearTimeout(late);
    controller.abort();
  }
}
