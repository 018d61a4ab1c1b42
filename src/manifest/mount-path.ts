// Where in a container something is mounted.

/** A relative path starts at the container's root: the kubelet's rule. */
export function absoluteMountPath(mountPath: string): string {
  const path = `/${mountPath}`.replaceAll(/\/(\.?\/)+/g, "/").replace(/\/\.?$/, "");
  return path === "" ? "/" : path;
}
