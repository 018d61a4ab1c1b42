// The systemd service that is one app of a pod. Pure: what systemd can do comes in as its version.
// Invariant: every text of the app arrives as it is, whatever systemd would make of it.

import { appUnitName, type RktUuid } from "../pod/names.ts";
import {
  escapeSpecifiers,
  execCommand,
  quoteValue,
  serializeUnitFile,
  type UnitEntry,
} from "../systemd/unit-file.ts";
import type { AppProcess } from "./app-process.ts";
import { stopPostScript, stopScript } from "./app-status.ts";
import { EngineError } from "./engine-error.ts";

export interface AppUnitOptions {
  readonly uuid: RktUuid;
  readonly app: string;
  /** The unit that the pod lives and dies with. */
  readonly podUnit: string;
  /** Its slice; undefined where it has none. */
  readonly slice: string | undefined;
  /** The pod's directory, absolute. */
  readonly podPath: string;
  readonly process: AppProcess;
  readonly mounts: readonly UnitMount[];
  /** MemoryMax= and its like. */
  readonly limits: readonly UnitEntry[];
  readonly isReadOnly: boolean;
  readonly graceSeconds: number;
  /** Files for the app's output in place of the journal. */
  readonly output: { readonly stdout: string; readonly stderr: string } | undefined;
  readonly hostname: string | undefined;
  readonly systemdVersion: number;
  /** Security features that the caller switched off. */
  readonly insecure: ReadonlySet<string>;
}

export interface UnitMount {
  /** On the host, absolute. */
  readonly source: string;
  /** In the app, absolute. */
  readonly path: string;
  readonly readOnly: boolean;
  readonly recursive: boolean;
}

/** Since when systemd lets a unit into an IPC namespace, and gives it its own process ids and its own host name. */
const ipcNamespaceSince = 248;
const privatePidsSince = 257;
const privateHostnameSince = 258;

/** What a container may see of the kernel but not change, and what it may not even see. `-+`: if it is there, inside the root directory. */
const readOnlyPaths = "/sys /proc/sys /proc/sysrq-trigger /proc/irq /proc/bus /proc/fs";
const hiddenPaths =
  "/proc/kcore /proc/keys /proc/kmsg /proc/timer_list /proc/sched_debug /proc/scsi /sys/firmware";

export function appUnitText(options: AppUnitOptions): string {
  const { uuid, app, podUnit } = options;
  try {
    return serializeUnitFile([
      {
        name: "Unit",
        entries: [
          ["Description", `App ${app} of rkt pod ${uuid}`],
          ["BindsTo", podUnit],
          ["After", podUnit],
          ["CollectMode", "inactive-or-failed"],
        ],
      },
      {
        name: "Service",
        entries: [
          ...(options.slice === undefined ? [] : ([["Slice", options.slice]] satisfies UnitEntry[])),
          ...lifeEntries(options),
          ...processEntries(options.process),
          ...outputEntries(options),
          ...rootEntries(options),
          ...isolationEntries(options),
          ...options.limits,
        ],
      },
    ]);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new EngineError(`app "${app}" cannot be a systemd service: ${error.message}`, { cause: error });
  }
}

export function appUnitNames(uuid: RktUuid, apps: readonly { readonly name: string }[]): readonly string[] {
  return apps.map(({ name }) => appUnitName(uuid, name));
}

function lifeEntries({ podPath, app, process, graceSeconds }: AppUnitOptions): readonly UnitEntry[] {
  const status = `${podPath}/status`;
  // `+`: as root and outside, whatever the app's user and root directory.
  const hook = (script: string, ...args: string[]) =>
    `+${execCommand(["/bin/sh", "-c", script, "sh", ...args])}`;
  return [
    ["ExecStart", execCommand(process.argv)],
    ["ExecStop", hook(stopScript, `${status}/${app}`)],
    ["ExecStopPost", hook(stopPostScript, status, app, `${podPath}/lock`)],
    ["KillMode", "mixed"],
    ["TimeoutStopSec", `${graceSeconds}s`],
    // One process that ran out of memory is the app's own affair.
    ["OOMPolicy", "continue"],
  ];
}

function processEntries(process: AppProcess): readonly UnitEntry[] {
  const { environment, capabilities } = process;
  return [
    ["User", String(process.uid)],
    ["Group", String(process.gid)],
    ["SupplementaryGroups", process.supplementaryGids.join(" ")],
    ["WorkingDirectory", escapeSpecifiers(process.workingDirectory)],
    ...[...environment].map(([name, value]) => ["Environment", environmentWord(name, value)] as const),
    // What systemd would add of its own and of the host's users.
    [
      "UnsetEnvironment",
      ["LANG", "USER", "LOGNAME", "HOME", "SHELL", "INVOCATION_ID", "JOURNAL_STREAM", "SYSTEMD_EXEC_PID"]
        .filter((name) => !environment.has(name))
        .join(" "),
    ],
    ...(capabilities === undefined ? [] : [["CapabilityBoundingSet", capabilities.join(" ")] as const]),
    ...(process.noNewPrivileges ? [["NoNewPrivileges", "yes"] as const] : []),
  ];
}

/** systemd drops what is not so with no more than a line in its log (env_assignment_is_valid). */
function environmentWord(name: string, value: string): string {
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name))
    throw new RangeError(
      `environment variable ${JSON.stringify(name)} is not made of letters, digits and underscores`,
    );
  if (/[\x00-\x08\x0b-\x1f\x7f]/.test(value))
    throw new RangeError(`environment variable ${JSON.stringify(name)} holds a control character`);
  return quoteValue(`${name}=${value}`);
}

function outputEntries({ output, app }: AppUnitOptions): readonly UnitEntry[] {
  if (output === undefined)
    return [
      ["StandardOutput", "journal"],
      ["StandardError", "journal"],
      ["SyslogIdentifier", app],
    ];
  return [
    ["StandardOutput", `append:${escapeSpecifiers(output.stdout)}`],
    ["StandardError", `append:${escapeSpecifiers(output.stderr)}`],
  ];
}

function rootEntries({ podPath, app, mounts, isReadOnly }: AppUnitOptions): readonly UnitEntry[] {
  const root = `${podPath}/apps/${app}/root`;
  return [
    ["RootDirectory", escapeSpecifiers(root)],
    ["RootDirectoryStartOnly", "yes"],
    ["MountAPIVFS", "yes"],
    // The host's devices and the empty /run that MountAPIVFS= would bring give way to these.
    bindEntry({ source: `${podPath}/dev`, path: "/dev", readOnly: false, recursive: true }),
    bindEntry({ source: `${root}/run`, path: "/run", readOnly: false, recursive: false }),
    ...mounts.map(bindEntry),
    ...(isReadOnly ? [["ReadOnlyPaths", "+/"] as const] : []),
    ...(isReadOnly
      ? mounts
          .filter(({ readOnly }) => !readOnly)
          .map(({ path }) => ["ReadWritePaths", quotePath(`+${path}`)] as const)
      : []),
  ];
}

function bindEntry({ source, path, readOnly, recursive }: UnitMount): UnitEntry {
  return [
    readOnly ? "BindReadOnlyPaths" : "BindPaths",
    `${quotePath(source)}:${quotePath(path)}:${recursive ? "rbind" : "norbind"}`,
  ];
}

/** These settings know quotes and specifiers but none of C's escapes. */
function quotePath(path: string): string {
  if (/[\x00-\x1f\x7f]/.test(path))
    throw new RangeError(`path ${JSON.stringify(path)} holds a control character`);
  return `"${escapeSpecifiers(path).replaceAll(/["\\]/g, "\\$&")}"`;
}

function isolationEntries({
  podPath,
  systemdVersion,
  hostname,
  insecure,
}: AppUnitOptions): readonly UnitEntry[] {
  const entries: UnitEntry[] = [];
  if (systemdVersion >= ipcNamespaceSince) {
    // systemd 252 heeds the path only together with the other, whatever systemd.exec(5) says.
    entries.push(["PrivateIPC", "yes"], ["IPCNamespacePath", escapeSpecifiers(`${podPath}/ipc`)]);
  }
  if (systemdVersion >= privatePidsSince) entries.push(["PrivatePIDs", "yes"]);
  if (hostname !== undefined && systemdVersion >= privateHostnameSince)
    entries.push(["ProtectHostname", `private:${hostname}`]);
  if (insecure.has("paths")) return entries;
  const inRoot = (paths: string) =>
    paths
      .split(" ")
      .map((path) => `-+${path}`)
      .join(" ");
  return [
    ...entries,
    // Not ProtectKernelTunables= and its like: for an app that is not root they imply NoNewPrivileges=.
    ["ReadOnlyPaths", inRoot(readOnlyPaths)],
    ["InaccessiblePaths", inRoot(hiddenPaths)],
    // Hides the host's processes from an app that is not root.
    ["ProtectProc", "invisible"],
    ["DevicePolicy", "closed"],
    ["DeviceAllow", "char-pts rw"],
  ];
}
