// An app's root file system: its image, one or many directories, below one of the app's own. Everything is named from one directory, since
// a mount's options are limited to a page, and Docker's images may have 127 layers.

import { chmodSync, chownSync, existsSync, mkdirSync, statSync } from "node:fs";
import { relative } from "node:path";
import { hasErrorCode } from "../host/error.ts";
import { mount } from "../host/libc.ts";
import { EngineError } from "./engine-error.ts";

export interface Overlay {
  /** Where the names of `lower` begin. */
  readonly base: string;
  /** Topmost first. */
  readonly lower: readonly string[];
  /** Gets `upper`, `work` and, mounted, `root`. */
  readonly directory: string;
}

/** mount(2): a page, with a NUL at its end. */
const optionsMax = 4095;

export function mountOverlay({ base, lower, directory }: Overlay): void {
  const [top = ""] = lower;
  const gone = lower.find((name) => !existsSync(`${base}/${name}`));
  if (gone !== undefined) throw new EngineError(`${base}/${gone} is gone`);
  for (const part of ["", "/upper", "/work", "/root"])
    mkdirSync(directory + part, { recursive: true, mode: 0o755 });
  // The root's owner and mode are the upper directory's.
  const { mode, uid, gid } = statSync(`${base}/${top}`);
  chownSync(`${directory}/upper`, uid, gid);
  chmodSync(`${directory}/upper`, mode & 0o7777);
  const own = escapeOption(relative(base, directory));
  const options = [
    `lowerdir=${lower.map((name) => escapeOption(name).replaceAll(":", "\\:")).join(":")}`,
    `upperdir=${own}/upper`,
    `workdir=${own}/work`,
  ].join(",");
  if (Buffer.byteLength(options) > optionsMax)
    throw new EngineError(`${directory}: too many layers for one mount`);
  try {
    inDirectory(base, () => mount("overlay", `${directory}/root`, "overlay", 0, options));
  } catch (error) {
    if (!hasErrorCode(error, "EINVAL")) throw error;
    throw new EngineError(`${directory}: this file system cannot hold the upper directory of an overlay`, {
      cause: error,
    });
  }
}

function inDirectory(path: string, step: () => void): void {
  const before = process.cwd();
  process.chdir(path);
  try {
    step();
  } finally {
    process.chdir(before);
  }
}

function escapeOption(path: string): string {
  return path.replaceAll(/[\\,]/g, "\\$&");
}
