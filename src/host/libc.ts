// The system calls that Bun and Node have no function for, by bun:ffi. Loaded on first use (0.5 ms).
// Invariant: each throws LibcError unless it says otherwise; nothing here keeps state.

import { dlopen, FFIType, type Pointer, read } from "bun:ffi";
import { closeSync } from "node:fs";
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
  socket: { args: [i32, i32, i32], returns: i32 },
  sendto: { args: [i32, ptr, u64, i32, ptr, u64], returns: i32 },
  clock_gettime: { args: [i32, ptr], returns: i32 },
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

const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0o2000000;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;

/** Sends one datagram to a unix socket, abstract if its name begins with NUL. Never waits: EAGAIN where the receiver does not keep up. */
export function sendDatagram(socketName: string, message: string): void {
  const name = Buffer.from(socketName.startsWith("\0") ? socketName : `${socketName}\0`);
  const address = Buffer.concat([new Uint8Array(Uint16Array.of(AF_UNIX).buffer), name]);
  const data = Buffer.from(message);
  const socket = check("socket", libc().socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  try {
    const flags = MSG_DONTWAIT | MSG_NOSIGNAL;
    check("sendto", libc().sendto(socket, data, data.length, flags, address, address.length));
  } finally {
    closeSync(socket);
  }
}

const CLOCK_MONOTONIC = 1;

/** CLOCK_MONOTONIC in microseconds. Bun's process.hrtime() begins with the process. */
export function monotonicUs(): bigint {
  const time = new BigInt64Array(2);
  check("clock_gettime", libc().clock_gettime(CLOCK_MONOTONIC, time));
  const [seconds = 0n, nanoseconds = 0n] = time;
  return seconds * 1_000_000n + nanoseconds / 1000n;
}

/** mount(2). */
export function mount(source: string, target: string, type: string, flags: number, data: string): void {
  check(`mount ${target}`, libc().mount(text(source), text(target), text(type), flags, text(data)));
}

/** umount2(2). */
export function unmount(target: string, flags = 0): void {
  check(`umount ${target}`, libc().umount2(text(target), flags));
}
