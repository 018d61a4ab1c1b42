// The system calls that Bun and Node have no function for, by bun:ffi. Loaded on first use (0.5 ms).
// Invariant: each throws LibcError unless it says otherwise; nothing here keeps state.

import { dlopen, FFIType, type Pointer, read } from "bun:ffi";
import { constants } from "node:os";

/** A system call that failed, with errno by name (`EBUSY`) as node:fs errors have it. */
export class LibcError extends Error {
  override readonly name = "LibcError";
  readonly code: string;
  constructor(call: string, errno: number) {
    const code =
      Object.entries(constants.errno).find(([, value]) => value === errno)?.[0] ?? `errno ${errno}`;
    super(`${call}: ${code}`);
    this.code = code;
  }
}

const { i32, u64, cstring, ptr } = FFIType;
const declarations = {
  __errno_location: { args: [], returns: ptr },
  flock: { args: [i32, i32], returns: i32 },
  dup2: { args: [i32, i32], returns: i32 },
  mount: { args: [cstring, cstring, cstring, u64, cstring], returns: i32 },
  umount2: { args: [cstring, i32], returns: i32 },
} as const;

type Libc = ReturnType<typeof dlopen<typeof declarations>>["symbols"];
let loaded: Libc | undefined;

function libc(): Libc {
  if (loaded) return loaded;
  const arch = process.arch === "arm64" ? "aarch64" : "x86_64";
  for (const library of ["libc.so.6", `libc.musl-${arch}.so.1`]) {
    try {
      loaded = dlopen(library, declarations).symbols;
      return loaded;
    } catch {
      // The other C library, then.
    }
  }
  throw new LibcError("dlopen libc", constants.errno.ENOENT);
}

function check(call: string, result: number): number {
  if (result !== -1) return result;
  throw new LibcError(call, read.i32(libc().__errno_location() as Pointer, 0));
}

const text = (value: string) => Buffer.from(`${value}\0`);

const LOCK_SH = 1;
const LOCK_EX = 2;
const LOCK_NB = 4;

/** Takes a flock(2) on an open file; false if somebody else has it. Never waits. */
export function tryLock(fd: number, kind: "shared" | "exclusive"): boolean {
  try {
    check("flock", libc().flock(fd, (kind === "shared" ? LOCK_SH : LOCK_EX) | LOCK_NB));
    return true;
  } catch (error) {
    if (error instanceof LibcError && (error.code === "EWOULDBLOCK" || error.code === "EAGAIN")) return false;
    throw error;
  }
}

/**
 * Makes standard input a duplicate of an open file, so that what process.execve(2) starts holds on to it, lock included:
 * Bun's execve passes on only the first three file descriptors.
 */
export function replaceStdin(fd: number): void {
  check("dup2", libc().dup2(fd, 0));
}

/** mount(2). */
export function mount(source: string, target: string, type: string, flags: number, data: string): void {
  check(`mount ${target}`, libc().mount(text(source), text(target), text(type), flags, text(data)));
}

/** umount2(2). */
export function unmount(target: string, flags = 0): void {
  check(`umount ${target}`, libc().umount2(text(target), flags));
}
