// The compiled executable that the end-to-end tests run, built anew when a source file is newer.

import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";

const root = join(import.meta.dir, "../..");
let built: Promise<string> | undefined;

/** Its absolute path. */
export function executable(): Promise<string> {
  built ??= build();
  return built;
}

async function build(): Promise<string> {
  const path = join(root, "dist/gantry");
  const builtAtMs = await stat(path).then(
    ({ mtimeMs }) => mtimeMs,
    () => 0,
  );
  if (builtAtMs < (await newestSourceMs())) {
    const run = Bun.spawnSync([process.execPath, "build.ts"], { cwd: root, stderr: "pipe" });
    if (!run.success) throw new Error(`build.ts failed: ${run.stderr}`);
  }
  return path;
}

async function newestSourceMs(): Promise<number> {
  const sources = await readdir(join(root, "src"), { recursive: true });
  const files = [
    ...sources.filter((name) => name.endsWith(".ts")).map((name) => join("src", name)),
    "build.ts",
    "package.json",
  ];
  const times = await Promise.all(files.map(async (file) => (await stat(join(root, file))).mtimeMs));
  return Math.max(...times);
}
