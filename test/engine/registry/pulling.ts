// Pulls `test/app:1` from a registry of the test's own into a store of the test's own, with little patience.

import { expect } from "bun:test";
import { readdirSync } from "node:fs";
import { ImageStore, type StoredImage } from "../../../src/engine/image-store.ts";
import { FetchProgress } from "../../../src/engine/oci/progress.ts";
import { machineArchitecture } from "../../../src/engine/oci/source-image.ts";
import { storeImage } from "../../../src/engine/oci/store-image.ts";
import type { Credentials } from "../../../src/engine/registry/credentials.ts";
import { parseReference } from "../../../src/engine/registry/reference.ts";
import { type Patience, RegistryClient } from "../../../src/engine/registry/registry-client.ts";
import { openRegistryImage } from "../../../src/engine/registry/registry-image.ts";

export interface PullOptions {
  readonly address: string;
  /** After the repository's name: `:1` unless told. */
  readonly suffix?: string;
  readonly credentials?: Credentials;
  readonly patience?: Partial<Patience>;
}

export async function pull(path: string, options: PullOptions): Promise<StoredImage> {
  const { address, suffix = ":1", credentials, patience } = options;
  const controller = new AbortController();
  const reference = parseReference(`docker://${address}/test/app${suffix}`);
  const registry = new RegistryClient({
    host: reference.host,
    repository: reference.repository,
    credentials,
    insecure: new Set(),
    signal: controller.signal,
    patience: { answerMs: 500, stallMs: 200, attempts: 3, delayMs: 5, ...patience },
  });
  try {
    const image = await openRegistryImage(reference, registry, machineArchitecture());
    const progress = new FetchProgress(undefined);
    return await storeImage(image, {
      store: new ImageStore(`${path}/rkt`),
      reference: undefined,
      progress,
      controller,
    });
  } finally {
    controller.abort();
  }
}

/** The message that a pull fails with; nothing may be left of it. */
export async function pullError(path: string, options: PullOptions): Promise<string> {
  const error = await pull(path, options).then(
    () => new Error("no error"),
    (reason: Error) => reason,
  );
  expectEmptyStore(path);
  return error.message.replaceAll(options.address, "HOST").replaceAll(/[0-9a-f]{64}/g, "DIGEST");
}

export function expectEmptyStore(path: string): void {
  new ImageStore(`${path}/rkt`);
  for (const part of ["images", "layers", "stacks", "trees", "references", "tmp"])
    expect([part, readdirSync(`${path}/rkt/cas/${part}`)]).toEqual([part, []]);
}
