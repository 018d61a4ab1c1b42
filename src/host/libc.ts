// The system calls that Bun and Node have no function for, by bun:ffi. Loaded on first use (0.5 ms).
// Invariant: each throws LibcError unless it says otherwise; nothing here keeps state.

import { dlopen, FFIType, type Pointer, ptr as pointerTo, read } from "bun:ffi";
import { closeSync } from "node:fs";
import { constants } from "node:os";

/** A system call that failed, with errno by name (`EBUSY`) as node:fs errors have it. */
class LibcError extends Error {
  override readonly name = "LibcError";
  readonly code: string;
  constructor(call: string, errno: number) {
    const code =
      Object.entries(constants.errno).find(([, value]) => value === errno)?.[0] ?? `errno ${errno}`;
    super(`${call}: ${code}`);
    this.code = code;
  }
}

const { i32, i64, u32, u64, cstring, ptr } = FFIType;
const declarations = {
  __errno_location: { args: [], returns: ptr },
  flock: { args: [i32, i32], returns: i32 },
  syncfs: { args: [i32], returns: i32 },
  dup2: { args: [i32, i32], returns: i32 },
  syscall: { args: [i32, i64, ptr, u64, u64, u64], returns: i32 },
  mount: { args: [cstring, cstring, cstring, u64, cstring], returns: i32 },
  umount2: { args: [cstring, i32], returns: i32 },
  socket: { args: [i32, i32, i32], returns: i32 },
  sendto: { args: [i32, ptr, u64, i32, ptr, u64], returns: i32 },
  clock_gettime: { args: [i32, ptr], returns: i32 },
  mknod: { args: [cstring, u32, u64], returns: i32 },
  mkdirat: { args: [i32, cstring, u32], returns: i32 },
  mknodat: { args: [i32, cstring, u32, u64], returns: i32 },
  lsetxattr: { args: [cstring, cstring, ptr, u64, i32], returns: i32 },
  unshare: { args: [i32], returns: i32 },
  setns: { args: [i32, i32], returns: i32 },
  ioctl: { args: [i32, u64, ptr], returns: i32 },
  fchdir: { args: [i32], returns: i32 },
  chroot: { args: [cstring], returns: i32 },
  pivot_root: { args: [cstring, cstring], returns: i32 },
  prctl: { args: [i32, u64, u64, u64, u64], returns: i32 },
  setgroups: { args: [u64, ptr], returns: i32 },
  setresgid: { args: [u32, u32, u32], returns: i32 },
  setresuid: { args: [u32, u32, u32], returns: i32 },
  capget: { args: [ptr, ptr], returns: i32 },
  capset: { args: [ptr, ptr], returns: i32 },
  sethostname: { args: [cstring, u64], returns: i32 },
  signal: { args: [i32, u64], returns: u64 },
  setrlimit: { args: [i32, ptr], returns: i32 },
  madvise: { args: [u64, u64, i32], returns: i32 },
} as const;

export type { Pointer };

type Libc = ReturnType<typeof dlopen<typeof declarations>>["symbols"];
let loaded: Libc | undefined;

/** Only for this folder: who else needs a call gives it a name here. */
export function libc(): Libc {
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

export function check(call: string, result: number): number {
  if (result !== -1) return result;
  throw new LibcError(call, read.i32(libc().__errno_location() as Pointer, 0));
}

export const text = (value: string | Uint8Array) =>
  typeof value === "string" ? Buffer.from(`${value}\0`) : Buffer.concat([value, Buffer.alloc(1)]);

/** Where bytes are, for an argument that may be a number as well. They must be kept until the call has returned. */
export const address = (bytes: NodeJS.TypedArray): bigint => BigInt(pointerTo(bytes));

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
export const SOCK_DGRAM = 2;
export const SOCK_CLOEXEC = 0o2000000;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;

/** Sends one datagram to a unix socket, abstract if its name begins with NUL. Never waits: EAGAIN where the receiver does not keep up. */
export function sendDatagram(socketName: string, message: string | Uint8Array): void {
  const name = Buffer.from(socketName.startsWith("\0") ? socketName : `${socketName}\0`);
  const receiver = Buffer.concat([new Uint8Array(Uint16Array.of(AF_UNIX).buffer), name]);
  const data = Buffer.from(message);
  const socket = check("socket", libc().socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  try {
    const flags = MSG_DONTWAIT | MSG_NOSIGNAL;
    check("sendto", libc().sendto(socket, data, data.length, flags, receiver, receiver.length));
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

const SYS_openat2 = 437;
export const O_PATH = 0o10000000;
const O_CLOEXEC = 0o2000000;
const RESOLVE_NO_MAGICLINKS = 0x02;
const RESOLVE_NO_SYMLINKS = 0x04;
const RESOLVE_BENEATH = 0x08;

/**
 * Opens what `path` leads to from an open directory without ever leaving that, whatever somebody changes meanwhile; for use as
 * `/proc/self/fd/N`. Throws EXDEV where it would leave, EAGAIN where too much was changed to tell, ELOOP for a link that is not to be
 * followed, ENOSYS before Linux 5.6.
 */
export function openBeneath(directory: number, path: string, links: "follow" | "refuse" = "follow"): number {
  const resolve = links === "follow" ? RESOLVE_NO_MAGICLINKS : RESOLVE_NO_SYMLINKS;
  const how = BigUint64Array.of(BigInt(O_PATH | O_CLOEXEC), 0n, BigInt(RESOLVE_BENEATH | resolve));
  return check(
    "openat2",
    libc().syscall(SYS_openat2, directory, text(path), address(how), how.byteLength, 0),
  );
}

/** syncfs(2): all of the file system that an open file is on is on the disk then. */
export function syncFileSystem(fd: number): void {
  check("syncfs", libc().syncfs(fd));
}

/** mount(2). */
export function mount(source: string, target: string, type: string, flags: number, data: string): void {
  check(`mount ${target}`, libc().mount(text(source), text(target), text(type), flags, text(data)));
}

/** umount2(2). */
export function unmount(target: string, flags = 0): void {
  check(`umount ${target}`, libc().umount2(text(target), flags));
}

/** mkdirat(2), or an empty file by mknodat(2), in an open directory; EEXIST where there is something, a link too. The umask applies. */
export function makeAt(directory: number, name: string, kind: "directory" | "file"): void {
  const { mkdirat, mknodat } = libc();
  if (kind === "directory") check(`mkdirat ${name}`, mkdirat(directory, text(name), 0o755));
  else check(`mknodat ${name}`, mknodat(directory, text(name), 0o100644, 0));
}

/** The type bits of mknod(2)'s mode. */
export const nodeTypes = { fifo: 0o010000, character: 0o020000, block: 0o060000 } as const;

/** mknod(2); `mode` with one of `nodeTypes`. The umask applies. */
export function makeNode(path: string | Uint8Array, mode: number, major = 0, minor = 0): void {
  // The C library's dev_t: makedev(3).
  const device =
    (BigInt(major & 0xfffff000) << 32n) |
    (BigInt(major & 0xfff) << 8n) |
    (BigInt(minor & 0xffffff00) << 12n) |
    BigInt(minor & 0xff);
  check(`mknod ${path}`, libc().mknod(text(path), mode, device));
}

/** lsetxattr(2): of a link itself, not of what it leads to. */
export function setExtendedAttribute(path: string | Uint8Array, name: string, value: Uint8Array): void {
  // An empty value still needs an address.
  const bytes = value.length === 0 ? new Uint8Array(1) : value;
  check(`lsetxattr ${path}`, libc().lsetxattr(text(path), text(name), bytes, value.length, 0));
}

const TCXONC = 0x540a;
const TCOOFF = 0;
const TCOON = 1;

/** tcflow(3): as long as it is held, whoever writes to the terminal waits. */
export function holdTerminalOutput(terminal: number, isHeld: boolean): void {
  check("ioctl TCXONC", libc().ioctl(terminal, TCXONC, (isHeld ? TCOOFF : TCOON) as Pointer));
}
