// Namespaces, by bun:ffi: what this thread sees of mounts, IPC, network and host name. Bun's other threads stay where they are.
// Invariant: each throws LibcError; what cannot be undone is only of use right before process.execve().

import { closeSync, openSync } from "node:fs";
import { address, check, libc, mount, SOCK_CLOEXEC, SOCK_DGRAM, text, unmount } from "./libc.ts";

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

const CLONE_NEWNS = 0x20000;
const CLONE_NEWUTS = 0x4000000;

/** Leaves this thread's mount namespace for a copy of it, whose mounts still give and get what is mounted at their originals. */
export function copyMountNamespace(): void {
  check("unshare", libc().unshare(CLONE_NEWNS));
}

/** Makes this thread a member of a namespace that is kept at `path`. */
export function joinNamespace(path: string): void {
  const namespace = openSync(path, "r");
  try {
    check(`setns ${path}`, libc().setns(namespace, 0));
  } finally {
    closeSync(namespace);
  }
}

/** A host name for this thread and what it becomes. */
export function ownHostname(name: string): void {
  check("unshare", libc().unshare(CLONE_NEWUTS));
  check("sethostname", libc().sethostname(text(name), Buffer.byteLength(name)));
}

/** Changes into an open directory. */
export function changeDirectory(directory: number): void {
  check("fchdir", libc().fchdir(directory));
}

const CLONE_NEWCGROUP = 0x02000000;

/** The control group that this thread is in becomes the root of what it sees of them. */
export function ownCgroupRoot(): void {
  check("unshare", libc().unshare(CLONE_NEWCGROUP));
}

const SYS_open_tree = 428;
const SYS_move_mount = 429;
const AT_FDCWD = -100;
const AT_RECURSIVE = 0x8000;
const OPEN_TREE_CLONE = 1;
const OPEN_TREE_CLOEXEC = 0o2000000;
const MOVE_MOUNT_F_EMPTY_PATH = 4;
const MOVE_MOUNT_T_EMPTY_PATH = 0x40;

/**
 * A copy of what is at `path`, and of the mounts below where it `isRecursive`, as an open file: mounted nowhere yet, but in touch with its
 * original. Linux 5.2.
 */
export function cloneMounts(path: string, isRecursive: boolean): number {
  const flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | (isRecursive ? AT_RECURSIVE : 0);
  return check(`open_tree ${path}`, libc().syscall(SYS_open_tree, AT_FDCWD, text(path), flags, 0, 0));
}

/** Mounts what cloneMounts() has opened upon another open file. */
export function attachMounts(mounts: number, target: number): void {
  const none = text("");
  const flags = MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH;
  check("move_mount", libc().syscall(SYS_move_mount, mounts, none, target, address(none), flags));
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
