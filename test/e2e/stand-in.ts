// Images that stand in for all those of the corpus: whatever program a manifest starts in them tells what it was given, and stays.

import { writeAci } from "../aci.ts";

/** What a stand-in has told of itself. */
export interface Told {
  readonly args: readonly string[];
  /** Values are of one line. */
  readonly env: readonly (readonly [name: string, value: string])[];
  readonly uid: number;
  readonly gid: number;
  readonly groups: readonly number[];
  /** Where something is mounted. */
  readonly mounts: readonly string[];
  /** Those that it may ever have, as the kernel prints them. */
  readonly capabilities: string;
  readonly noNewPrivileges: boolean;
  readonly directory: string;
}

const script = `#!/bin/busybox sh
trap 'exit 0' TERM
for arg in "$@"; do echo "arg $arg"; done
env | while read -r line; do echo "env $line"; done
echo "uid $(id -u)"
echo "gid $(id -g)"
echo "groups $(id -G)"
while read -r _ path _; do echo "mount $path"; done < /proc/self/mounts
while read -r name value; do case $name in CapBnd: | NoNewPrivs:) echo "$name $value" ;; esac; done < /proc/self/status
echo "directory $(pwd)"
echo end
while :; do sleep 1000 & wait $!; done
`;

/** Writes an image whose entry point is the stand-in, and so is each of `programs`; its user is root unless told. */
export function writeStandIn(file: string, programs: readonly string[], user = "0"): Promise<void> {
  const entryPoint = ["/entry-point"];
  return writeAci(file, {
    name: `example.com/stand-in-${user}`,
    app: {
      exec: entryPoint,
      user,
      group: user,
      environment: [{ name: "PATH", value: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" }],
    },
    annotations: [{ name: "appc.io/docker/entrypoint", value: JSON.stringify(entryPoint) }],
    entries: [
      // As in most images.
      { name: "rootfs/var", type: "directory" },
      { name: "rootfs/var/run", type: "symlink", linkname: "/run" },
      ...[...entryPoint, ...programs].map((path) => ({
        name: `rootfs${path}`,
        mode: 0o755,
        content: script,
      })),
    ],
  });
}

/** Undefined until all is told. */
export function parseTold(log: string): Told | undefined {
  const lines = log.split("\n");
  if (!lines.includes("end")) return undefined;
  const all = (name: string) =>
    lines.flatMap((line) => (line.startsWith(`${name} `) ? [line.slice(name.length + 1)] : []));
  const one = (name: string) => all(name)[0] ?? "";
  return {
    args: all("arg"),
    env: all("env").map((line) => {
      const [name = "", ...value] = line.split("=");
      return [name, value.join("=")];
    }),
    uid: Number(one("uid")),
    gid: Number(one("gid")),
    groups: one("groups").split(" ").map(Number),
    mounts: all("mount"),
    capabilities: one("CapBnd:"),
    noNewPrivileges: one("NoNewPrivs:") === "1",
    directory: one("directory"),
  };
}
