// The compiled executables that the end-to-end tests run, built anew when a file that they are made from is newer.

import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";

const root = join(import.meta.dir, "../..");
const built = new Map<string, Promise<string>>();

/** The product's absolute path. */
export function executable(): Promise<string> {
  return builtOnce("dist/gantry", []);
}

/** The same with fault points (src/host/fault-point.ts). */
export function faultyExecutable(): Promise<string> {
  return builtOnce("dist/gantry-faults", ["--faults"]);
}

function builtOnce(file: string, args: readonly string[]): Promise<string> {
  const path = built.get(file) ?? build(join(root, file), args);
  built.set(file, path);
  return path;
}

async function build(path: string, args: readonly string[]): Promise<string> {
  const builtAtMs = await stat(path).then(
    ({ mtimeMs }) => mtimeMs,
    () => 0,
  );
  if (builtAtMs < (await newestSourceMs())) {
    const run = Bun.spawnSync([process.execPath, "build.ts", ...args], { cwd: root, stderr: "pipe" });
    if (!run.success) throw new Error(`build.ts failed: ${run.stderr}`);
  }
  return path;
}

/** Not of `.ts` files alone: the page's parts are compiled in too. */
async function newestSourceMs(): Promise<number> {
  const sources = await readdir(join(root, "src"), { recursive: true });
  const files = [...sources.map((name) => join("src", name)), "build.ts", "package.json"];
  const times = await Promise.all(files.map(async (file) => (await stat(join(root, file))).mtimeMs));
  return Math.max(...times);
}
