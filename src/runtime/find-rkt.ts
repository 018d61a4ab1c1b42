// Which rkt is driven: a real one that is configured or in $PATH, else the engine in this executable.

import { access, constants, stat } from "node:fs/promises";
import { join } from "node:path";

export interface FoundRkt {
  readonly command: readonly [program: string, ...args: string[]];
  readonly isBuiltin: boolean;
}

/**
 * @param configured a path, `builtin`, or empty
 * @param searchPath $PATH; what is not absolute in it is passed over, as the current directory may be anybody's
 * @param self how to start this executable
 */
export async function findRkt(
  configured: string,
  searchPath: string,
  self: readonly [program: string, ...args: string[]],
): Promise<FoundRkt> {
  const builtin: FoundRkt = { command: [...self, "rkt"], isBuiltin: true };
  if (configured === "builtin") return builtin;
  if (configured !== "") return { command: [configured], isBuiltin: false };
  for (const directory of searchPath.split(":").filter((part) => part.startsWith("/"))) {
    const candidate = join(directory, "rkt");
    if (await isProgram(candidate)) return { command: [candidate], isBuiltin: false };
  }
  return builtin;
}

async function isProgram(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return (await stat(path)).isFile();
  } catch {
    return false;
  }
}
