// A directory that is gone when the test ends: `await using dir = await tempDir()`.

import { mkdtemp, rm } from "node:fs/promises";

export interface TempDir extends AsyncDisposable {
  readonly path: string;
}

/** Under /tmp, which is a tmpfs in the disposable systemd and may hold overlayfs upper directories. */
export async function tempDir(): Promise<TempDir> {
  const path = await mkdtemp("/tmp/gantry-test-");
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}
