// The file systems that an app sees, put together in a mount namespace of its own.
// Invariant: of the host's mounts nothing is left but what the app was given; and no symbolic link of the image's leads a mount elsewhere.

import { closeSync, existsSync, lstatSync, mkdirSync, readFileSync, readlinkSync, statSync } from "node:fs";
import { mount } from "../host/libc.ts";
import { unescapeOctal } from "../host/mount-table.ts";
import { attachMounts, changeDirectory, cloneMounts, ownCgroupRoot, pivotRoot } from "../host/namespaces.ts";
import { openInRoot } from "./in-root.ts";
import type { BindMount } from "./mounts.ts";

const MS_RDONLY = 1;
const MS_NOSUID = 2;
const MS_NODEV = 4;
const MS_NOEXEC = 8;
const MS_REMOUNT = 0x20;
const MS_BIND = 0x1000;
const MS_REC = 0x4000;
const MS_PRIVATE = 0x40000;

const MS_SLAVE = 0x80000;

/** What an app may see of the kernel but not change, and what it may not even see: as Docker and containerd have it. */
const readOnlyPaths = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"];
const hiddenPaths = [
  "/proc/acpi",
  "/proc/asound",
  "/proc/interrupts",
  "/proc/kcore",
  "/proc/keys",
  "/proc/kmsg",
  "/proc/latency_stats",
  "/proc/sched_debug",
  "/proc/scsi",
  "/proc/timer_list",
  "/proc/timer_stats",
  "/sys/devices/virtual/powercap",
  "/sys/firmware",
];

export interface RootMount extends BindMount {
  /** Of what is mounted below it later: nothing comes in, the machine's does, or the app's goes out as well. */
  readonly propagation: "private" | "slave" | "shared";
}

export interface AppRoot {
  /** The app's root directory, a mount. */
  readonly path: string;
  /** The pod's /dev. */
  readonly dev: string;
  /** Whether it has the machine's devices too. */
  readonly hasAllDevices: boolean;
  readonly mounts: readonly RootMount[];
  readonly isReadOnly: boolean;
  /** Whether the kernel's files are kept from the app. */
  readonly isProtected: boolean;
  /** Whether who is not root sees no processes but its own user's. */
  readonly hidesProcesses: boolean;
}

/** Makes it the root of our mount namespace, which must be our own. */
export function enterAppRoot(app: AppRoot): void {
  const { path: root, isReadOnly } = app;
  // The outer ones first, whatever the order in which they were given.
  const mounts = app.mounts.toSorted((a, b) => depth(a.path) - depth(b.path));
  const clones = mounts.map(({ source, propagation }) =>
    propagation === "private" || source === undefined ? undefined : cloneMounts(source, true),
  );
  mount("", "/", "", MS_REC | MS_PRIVATE, "");
  mountDevices(app);
  mountKernel(app);
  for (const [index, each] of mounts.entries()) attach(root, each, clones[index]);
  if (isReadOnly) mount("", root, "", MS_REMOUNT | MS_BIND | MS_RDONLY, "");
  pivotRoot(root);
}

/**
 * Once inside. Makes it where it is missing, as runc and Docker do: images are made with that in mind. Not by its name, which may be `/proc/1/root/…`
 * (as in CVE-2024-21626).
 */
export function enterDirectory(path: string): void {
  const directory = openInRoot("", path, "directory");
  changeDirectory(directory);
  closeSync(directory);
}

function mountDevices({ path: root, dev, hasAllDevices }: AppRoot): void {
  const whole: RootMount = {
    source: hasAllDevices ? "/dev" : dev,
    path: "/dev",
    readOnly: false,
    recursive: true,
    propagation: "private",
  };
  attach(root, whole);
  if (!hasAllDevices) return;
  for (const name of ["pts", "shm", "mqueue"].filter((each) => existsSync(`/dev/${each}`)))
    attach(root, { ...whole, source: `${dev}/${name}`, path: `/dev/${name}` });
}

/** proc(5). The group of those that see all the same is root's unless told, which many who are not root are in: here one that nobody is in. */
const hideProcesses = "hidepid=2,gid=4294967294";

function mountKernel({ path: root, isProtected, hidesProcesses }: AppRoot): void {
  const flags = MS_NOSUID | MS_NODEV | MS_NOEXEC;
  const sysFlags = isProtected ? flags | MS_RDONLY : flags;
  mount("proc", ownDirectory(root, "/proc"), "proc", flags, hidesProcesses ? hideProcesses : "");
  mount("sysfs", ownDirectory(root, "/sys"), "sysfs", sysFlags, "");
  if (existsSync("/sys/fs/cgroup/cgroup.controllers")) {
    // Where runtimes look for their limits.
    ownCgroupRoot();
    mount("cgroup2", `${root}/sys/fs/cgroup`, "cgroup2", sysFlags, "");
  }
  if (isProtected) protectKernel(root);
}

/** No link of the image's: what is to be protected below would be looked for where it says, as in CVE-2019-19921. */
function ownDirectory(root: string, path: string): string {
  const place = root + path;
  const stat = lstatSync(place, { throwIfNoEntry: false });
  if (stat === undefined) mkdirSync(place, { mode: 0o755 });
  else if (!stat.isDirectory()) throw new Error(`${path} of the image is not a directory`);
  return place;
}

/** `clone` is of its source, where that had to be made before our mounts were our own. All by open files, since other apps may change links. */
function attach(
  root: string,
  { source, path, readOnly, recursive, propagation }: RootMount,
  clone?: number,
): void {
  const isDirectory = source === undefined || statSync(source).isDirectory();
  const target = openInRoot(root, path, isDirectory ? "directory" : "file");
  const mounts = clone ?? cloneMounts(source ?? openFile(target), recursive);
  attachMounts(mounts, target);
  if (propagation === "slave") mount("", openFile(mounts), "", MS_REC | MS_SLAVE, "");
  if (readOnly) makeReadOnly(mounts);
  for (const fd of [target, mounts]) closeSync(fd);
}

function openFile(fd: number): string {
  return `/proc/self/fd/${fd}`;
}

function makeReadOnly(mounts: number): void {
  const place = readlinkSync(openFile(mounts));
  for (const { mountPoint, flags } of mountsBelow(place)) {
    const target = mountPoint === place ? openFile(mounts) : mountPoint;
    mount("", target, "", MS_REMOUNT | MS_BIND | MS_RDONLY | flags, "");
  }
}

function protectKernel(root: string): void {
  for (const path of readOnlyPaths.map((each) => root + each).filter(existsSync)) {
    mount(path, path, "", MS_BIND | MS_REC, "");
    mount("", path, "", MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, "");
  }
  for (const path of hiddenPaths.map((each) => root + each).filter(existsSync)) {
    if (statSync(path).isDirectory()) mount("tmpfs", path, "tmpfs", MS_RDONLY, "size=0");
    else mount("/dev/null", path, "", MS_BIND, "");
  }
}

const flagNames: Readonly<Record<string, number>> = { nosuid: MS_NOSUID, nodev: MS_NODEV, noexec: MS_NOEXEC };

/** A mount and all below it, with the flags that a remount must not take away: proc_pid_mountinfo(5). */
function mountsBelow(target: string): readonly { readonly mountPoint: string; readonly flags: number }[] {
  return readFileSync("/proc/self/mountinfo", "utf8")
    .split("\n")
    .map((line) => line.split(" "))
    .map(([, , , , mountPoint = "", options = ""]) => ({
      mountPoint: unescapeOctal(mountPoint),
      flags: options.split(",").reduce((flags, option) => flags | (flagNames[option] ?? 0), 0),
    }))
    .filter(({ mountPoint }) => mountPoint === target || mountPoint.startsWith(`${target}/`));
}

function depth(path: string): number {
  return path.split("/").filter((name) => name !== "").length;
}
