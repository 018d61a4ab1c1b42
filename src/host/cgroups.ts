// Where cgroups are in the file system: one directory each on a unified hierarchy, several on the old ones, or both side by side. Pure.

/** Where a hierarchy is mounted. */
export interface CgroupMount {
  /** The cgroup that lies at `target`: `/` but in a container. */
  readonly root: string;
  readonly target: string;
}

/** From the text of /proc/self/mountinfo, by controller (`memory`, also `name=systemd`); the unified hierarchy is `""`. */
export function cgroupMounts(mountInfoText: string): ReadonlyMap<string, CgroupMount> {
  const mounts = new Map<string, CgroupMount>();
  for (const line of mountInfoText.split("\n")) {
    const [before = "", after = ""] = line.split(" - ");
    const [, , , root = "", target = ""] = before.split(" ");
    const [type, , options = ""] = after.split(" ");
    if (type === "cgroup2") mounts.set("", { root, target });
    else if (type === "cgroup") for (const option of options.split(",")) mounts.set(option, { root, target });
  }
  return mounts;
}

/** The directory of a cgroup, as /proc/PID/cgroup names it. */
export function cgroupDirectory({ root, target }: CgroupMount, path: string): string {
  return target + (root !== "/" && path.startsWith(root) ? path.slice(root.length) : path);
}

/** A process's cgroups, from the text of its /proc/PID/cgroup (cgroups(7)): the path in each hierarchy, by its first controller. */
export function cgroupPaths(cgroupText: string): ReadonlyMap<string, string> {
  return new Map(
    cgroupText.split("\n").flatMap((line) => {
      const [, controllers, ...path] = line.split(":");
      return controllers === undefined ? [] : [[controllers.split(",")[0] ?? "", path.join(":")] as const];
    }),
  );
}

/** The directories of a process's cgroups. A hierarchy that is mounted nowhere is left out. */
export function cgroupDirectories(cgroupText: string, mountInfoText: string): readonly string[] {
  const mounts = cgroupMounts(mountInfoText);
  const directories = [...cgroupPaths(cgroupText)].flatMap(([controller, path]) => {
    const mount = mounts.get(controller);
    return mount === undefined ? [] : [cgroupDirectory(mount, path)];
  });
  return [...new Set(directories)];
}
