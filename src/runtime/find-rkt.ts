// Which rkt is driven: a real one that is configured or in $PATH, else the engine in this executable.

import { access, constants } from "node:fs/promises";
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
    const isExecutable = await access(candidate, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (isExecutable) return { command: [candidate], isBuiltin: false };
  }
  return builtin;
}
