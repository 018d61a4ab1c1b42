// Where a process's cgroups are in the file system: one on a unified hierarchy, several on the old ones. Pure.

/**
 * The directories, from the texts of /proc/PID/cgroup and /proc/self/mountinfo (cgroups(7), proc(5)). A hierarchy that is mounted nowhere is
 * left out.
 */
export function cgroupDirectories(cgroupText: string, mountInfoText: string): readonly string[] {
  const mounts = new Map<string, { readonly root: string; readonly target: string }>();
  for (const line of mountInfoText.split("\n")) {
    const [before = "", after = ""] = line.split(" - ");
    const [, , , root = "", target = ""] = before.split(" ");
    const [type, , options = ""] = after.split(" ");
    if (type === "cgroup2") mounts.set("", { root, target });
    else if (type === "cgroup") for (const option of options.split(",")) mounts.set(option, { root, target });
  }
  const directories = cgroupText.split("\n").flatMap((line) => {
    const [, controllers, ...rest] = line.split(":");
    if (controllers === undefined) return [];
    const mount = mounts.get(controllers.split(",")[0] ?? "");
    if (mount === undefined) return [];
    const path = rest.join(":");
    return [
      mount.target +
        (mount.root !== "/" && path.startsWith(mount.root) ? path.slice(mount.root.length) : path),
    ];
  });
  return [...new Set(directories)];
}
