// The files of a directory that all change in one step, however many they are: Kubernetes' atomic writer, which programs that
// watch `..data` know.
//
//   ..2026_01_02_15_04_05.k3xq/key     what the files are now
//   ..data -> ..2026_01_02_15_04_05.k3xq    replaced by rename
//   key -> ..data/key
//
// Invariant: whoever opens `key` at any instant finds it whole, and of the same age as all the others.

import {
  chmod,
  chown,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rename,
  rm,
  symlink,
  writeFile,
} from "node:fs/promises";
import { dirname } from "node:path";
import { hasErrorCode } from "../host/error.ts";
import { faultPoint } from "../host/fault-point.ts";

export interface PayloadFile {
  readonly content: Uint8Array;
  /** Permission bits. */
  readonly mode: number;
}

export interface PayloadOptions {
  /** The group that may read all of it; undefined: root's, with the modes as they are. */
  readonly gid: number | undefined;
  /** Milliseconds since the epoch, for people who look at the directory. */
  readonly wallMs: number;
}

const groupRead = 0o440;
const groupEnter = 0o2550;

/** Makes `directory`, which nobody else writes to, hold these files and no others; `files` by relative path. Writes nothing that is there. */
export async function writePayload(
  directory: string,
  files: ReadonlyMap<string, PayloadFile>,
  { gid, wallMs }: PayloadOptions,
): Promise<void> {
  for (const path of files.keys()) checkPath(path);
  const wanted = new Map(
    [...files].map(([path, file]) => [
      path,
      gid === undefined ? file : { ...file, mode: file.mode | groupRead },
    ]),
  );
  const current = await readlink(`${directory}/..data`).catch(ignoreMissing);
  let fresh = current;
  if (current === undefined || !(await holds(`${directory}/${current}`, wanted, gid ?? 0))) {
    const made = await mkdtemp(`${directory}/..${timestamp(wallMs)}.`);
    fresh = made.slice(directory.length + 1);
    await writeFiles(made, wanted, gid).catch(async (error: unknown) => {
      await rm(made, { recursive: true, force: true });
      throw error;
    });
    await rm(`${directory}/..data_tmp`, { force: true });
    await symlink(fresh, `${directory}/..data_tmp`);
    if (process.env.FAULT_POINTS) faultPoint(`swapping ${directory}`);
    await rename(`${directory}/..data_tmp`, `${directory}/..data`);
  }
  await linkAndClean(directory, new Set([...wanted.keys()].map(firstName)), fresh);
}

/** The names that are ours begin with two dots. */
function checkPath(path: string): void {
  const names = path.split("/");
  if (names.some((name) => name === "" || name === "." || name === "..") || path.startsWith(".."))
    throw new Error(`${JSON.stringify(path)} is no path for a file in a volume`);
}

async function holds(
  directory: string,
  files: ReadonlyMap<string, PayloadFile>,
  gid: number,
): Promise<boolean> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true }).catch(ignoreMissing);
  const present = entries?.filter((entry) => !entry.isDirectory());
  if (present?.length !== files.size) return false;
  for (const [path, { content, mode }] of files) {
    const file = `${directory}/${path}`;
    const stats = await lstat(file).catch(ignoreMissing);
    if (!stats?.isFile() || (stats.mode & 0o7777) !== mode || stats.gid !== gid) return false;
    if (!(await readFile(file)).equals(content)) return false;
  }
  return true;
}

async function writeFiles(
  directory: string,
  files: ReadonlyMap<string, PayloadFile>,
  gid: number | undefined,
): Promise<void> {
  const makeDirectory = async (path: string): Promise<void> => {
    if (path !== directory) {
      await makeDirectory(dirname(path));
      await mkdir(path).catch((error: unknown) => {
        if (!hasErrorCode(error, "EEXIST")) throw error;
      });
    }
    if (gid !== undefined) await chown(path, 0, gid);
    await chmod(path, gid === undefined ? 0o755 : 0o755 | groupEnter);
  };
  await makeDirectory(directory);
  for (const [path, { content, mode }] of files) {
    const file = `${directory}/${path}`;
    await makeDirectory(dirname(file));
    await writeFile(file, content, { flag: "wx", mode: 0o600 });
    if (gid !== undefined) await chown(file, 0, gid);
    await chmod(file, mode);
  }
}

/** The names that people see, and no others; and of what we made nothing but `fresh`. */
async function linkAndClean(
  directory: string,
  names: ReadonlySet<string>,
  fresh: string | undefined,
): Promise<void> {
  const present = await readdir(directory);
  for (const name of names) {
    if (!present.includes(name)) await symlink(`..data/${name}`, `${directory}/${name}`);
  }
  for (const name of present) {
    if (names.has(name) || name === "..data" || name === fresh) continue;
    await rm(`${directory}/${name}`, { recursive: true, force: true });
  }
}

function firstName(path: string): string {
  return path.split("/", 1)[0] ?? path;
}

/** `2026_01_02_15_04_05`. */
function timestamp(wallMs: number): string {
  return new Date(wallMs).toISOString().slice(0, 19).replaceAll(/[-T:]/g, "_");
}

function ignoreMissing(error: unknown): undefined {
  if (!hasErrorCode(error, "ENOENT", "ENOTDIR", "EINVAL")) throw error;
  return undefined;
}
