// The system calls that Bun and Node have no function for, by bun:ffi. Loaded on first use (0.5 ms).
// Invariant: each throws LibcError unless it says otherwise; nothing here keeps state.

import { dlopen, FFIType, type Pointer, read } from "bun:ffi";
import { closeSync, openSync } from "node:fs";
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

const { i32, u32, u64, cstring, ptr } = FFIType;
const declarations = {
  __errno_location: { args: [], returns: ptr },
  flock: { args: [i32, i32], returns: i32 },
  syncfs: { args: [i32], returns: i32 },
  dup2: { args: [i32, i32], returns: i32 },
  syscall: { args: [i32, i32, cstring, ptr, u64], returns: i32 },
  mount: { args: [cstring, cstring, cstring, u64, cstring], returns: i32 },
  umount2: { args: [cstring, i32], returns: i32 },
  socket: { args: [i32, i32, i32], returns: i32 },
  sendto: { args: [i32, ptr, u64, i32, ptr, u64], returns: i32 },
  clock_gettime: { args: [i32, ptr], returns: i32 },
  mknod: { args: [cstring, u32, u64], returns: i32 },
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
  signal: { args: [i32, u64], returns: u64 },
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

const text = (value: string | Uint8Array) =>
  typeof value === "string" ? Buffer.from(`${value}\0`) : Buffer.concat([value, Buffer.alloc(1)]);

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

const SYS_openat2 = 437;
const O_PATH = 0o10000000;
const O_CLOEXEC = 0o2000000;
const RESOLVE_NO_MAGICLINKS = 0x02;
const RESOLVE_BENEATH = 0x08;

/**
 * Opens what `path` leads to from an open directory without ever leaving that, whatever somebody changes meanwhile; for use as
 * `/proc/self/fd/N`. Throws EXDEV where it would leave, EAGAIN where too much was changed to tell, ENOSYS before Linux 5.6.
 */
export function openBeneath(directory: number, path: string): number {
  const how = BigUint64Array.of(
    BigInt(O_PATH | O_CLOEXEC),
    0n,
    BigInt(RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS),
  );
  return check("openat2", libc().syscall(SYS_openat2, directory, text(path), how, how.byteLength));
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

const MNT_DETACH = 2;

/**
 * Makes `root`, a mount, the root of our mount namespace, and leaves nothing of the old one in it. What has no private mount namespace must
 * not call this.
 */
export function pivotRoot(root: string): void {
  process.chdir(root);
  check(`pivot_root ${root}`, libc().pivot_root(text("."), text("."))); // the old root is stacked upon the new one: pivot_root(2)
  unmount(".", MNT_DETACH);
  process.chdir("/");
}

const CLONE_FS = 0x200;
const CLONE_NEWIPC = 0x08000000;
const MS_BIND = 0x1000;

/** Leaves our IPC namespace for a new one, and keeps that at `path`, a file that is there, for as long as it is mounted. */
export function newIpcNamespace(path: string): void {
  check("unshare", libc().unshare(CLONE_NEWIPC));
  mount("/proc/thread-self/ns/ipc", path, "", MS_BIND, "");
}

const CLONE_NEWNET = 0x40000000;

/** A network namespace with nothing but loopback, kept at `path`, a file that is there, for as long as it is mounted. We stay in ours. */
export function newNetworkNamespace(path: string): void {
  const own = openSync("/proc/thread-self/ns/net", "r");
  try {
    check("unshare", libc().unshare(CLONE_NEWNET));
    try {
      mount("/proc/thread-self/ns/net", path, "", MS_BIND, "");
      raiseLoopback();
    } finally {
      check("setns", libc().setns(own, CLONE_NEWNET));
    }
  } finally {
    closeSync(own);
  }
}

const AF_INET = 2;
const SIOCGIFFLAGS = 0x8913;
const SIOCSIFFLAGS = 0x8914;
const IFF_UP = 1;

/** Of this thread's network namespace; its addresses come by themselves. */
function raiseLoopback(): void {
  const socket = check("socket", libc().socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  try {
    const request = Buffer.alloc(40); // struct ifreq: a name of 16 bytes, then the flags
    request.write("lo");
    check("ioctl SIOCGIFFLAGS", libc().ioctl(socket, SIOCGIFFLAGS, request));
    request.writeInt16LE(request.readInt16LE(16) | IFF_UP, 16);
    check("ioctl SIOCSIFFLAGS", libc().ioctl(socket, SIOCSIFFLAGS, request));
  } finally {
    closeSync(socket);
  }
}

/**
 * Makes this thread a member of the namespaces of open files (`/proc/PID/ns/…`) and `root`, an open directory, its root directory.
 * Only of use right before process.execve(), on the main thread: other threads stay where they are.
 */
export function enterNamespaces(namespaces: readonly number[], root: number): void {
  check("unshare", libc().unshare(CLONE_FS)); // setns(2) into a mount namespace refuses a thread that shares its root directory
  for (const fd of namespaces) check("setns", libc().setns(fd, 0));
  check("fchdir", libc().fchdir(root));
  check("chroot", libc().chroot(text(".")));
}

const PR_CAPBSET_READ = 23;
const PR_CAPBSET_DROP = 24;
const PR_SET_NO_NEW_PRIVS = 38;

export interface Privileges {
  readonly uid: number;
  readonly gid: number;
  readonly groups: readonly number[];
  /** The bounding set, bit N for capability N. */
  readonly capabilities: bigint;
  readonly noNewPrivileges: boolean;
}

/** For good, for what process.execve() starts; only to be used right before it. */
export function dropPrivileges(privileges: Privileges): void {
  const { prctl, setgroups, setresgid, setresuid } = libc();
  for (let capability = 0; prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0; capability++)
    if ((privileges.capabilities & (1n << BigInt(capability))) === 0n)
      check("prctl PR_CAPBSET_DROP", prctl(PR_CAPBSET_DROP, capability, 0, 0, 0));
  const groups = Uint32Array.from(privileges.groups.length === 0 ? [0] : privileges.groups);
  check("setgroups", setgroups(privileges.groups.length, groups));
  check("setresgid", setresgid(privileges.gid, privileges.gid, privileges.gid));
  check("setresuid", setresuid(privileges.uid, privileges.uid, privileges.uid));
  if (privileges.noNewPrivileges) check("prctl PR_SET_NO_NEW_PRIVS", prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
}

/** Bun ignores these two, and what process.execve() starts would inherit that. */
export function restoreSignals(): void {
  const SIG_DFL = 0;
  for (const signal of [constants.signals.SIGPIPE, constants.signals.SIGXFSZ]) libc().signal(signal, SIG_DFL);
}
