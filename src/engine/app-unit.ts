// The systemd service that is one app of a pod. Pure: what systemd can do comes in as its version.
// Invariant: every text of the app arrives as it is, whatever systemd would make of it.

import { appUnitName, type RktUuid } from "../pod/names.ts";
import { escapeSpecifiers, execCommand, serializeUnitFile, type UnitEntry } from "../systemd/unit-file.ts";
import { stopPostScript, stopScript } from "./app-status.ts";
import { EngineError } from "./engine-error.ts";

export interface AppUnitOptions {
  readonly uuid: RktUuid;
  readonly app: string;
  /** The unit that the pod lives and dies with. */
  readonly podUnit: string;
  /** Other units that it is started after and before. */
  readonly after: readonly string[];
  readonly before: readonly string[];
  /** Its slice; undefined where it has none. */
  readonly slice: string | undefined;
  /** The pod's directory, absolute. */
  readonly podPath: string;
  /** argv that starts the engine, which becomes the app. */
  readonly self: readonly string[];
  /** MemoryMax= and its like. */
  readonly limits: readonly UnitEntry[];
  readonly graceSeconds: number;
  /** Files for the app's output in place of the journal. */
  readonly output: { readonly stdout: string; readonly stderr: string } | undefined;
  readonly hasOwnPids: boolean;
  readonly hasAllDevices: boolean;
}

export function appUnitText(options: AppUnitOptions): string {
  const { uuid, app, podUnit } = options;
  try {
    return serializeUnitFile([
      {
        name: "Unit",
        entries: [
          ["Description", `App ${app} of rkt pod ${uuid}`],
          ["BindsTo", podUnit],
          ...[podUnit, ...options.after].map((unit): UnitEntry => ["After", unit]),
          ...options.before.map((unit): UnitEntry => ["Before", unit]),
          ["CollectMode", "inactive-or-failed"],
        ],
      },
      {
        name: "Service",
        entries: [
          ...(options.slice === undefined ? [] : ([["Slice", options.slice]] satisfies UnitEntry[])),
          ...lifeEntries(options),
          ...outputEntries(options),
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

function lifeEntries({ self, podPath, app, graceSeconds }: AppUnitOptions): readonly UnitEntry[] {
  const status = `${podPath}/status`;
  // `+`: outside of the app's namespaces.
  const hook = (script: string, ...args: string[]) =>
    `+${execCommand(["/bin/sh", "-c", script, "sh", ...args])}`;
  const [program = "", ...args] = self;
  return [
    // Not the app itself with User= and RootDirectory=: systemd refuses numbers that the host's user database does not have, adds the
    // host's groups of those that it has, and knows no environment variable with a dash. See start-app.ts.
    ["ExecStart", execCommand([program, ...args, "start-app", podPath, app])],
    ["ExecStop", hook(stopScript, `${status}/${app}`)],
    ["ExecStopPost", hook(stopPostScript, status, app, `${podPath}/lock`)],
    ["KillMode", "mixed"],
    ["TimeoutStopSec", `${graceSeconds}s`],
    // One process that ran out of memory is the app's own affair.
    ["OOMPolicy", "continue"],
    ["IgnoreSIGPIPE", "no"],
  ];
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

/** All else that sets an app apart start-app.ts does. */
function isolationEntries({ hasOwnPids, hasAllDevices }: AppUnitOptions): readonly UnitEntry[] {
  const entries: UnitEntry[] = [];
  if (hasOwnPids) entries.push(["PrivatePIDs", "yes"]);
  // The pseudo devices and terminals. Others may be made but not opened, as in Docker: `m`.
  if (!hasAllDevices)
    entries.push(
      ["DevicePolicy", "closed"],
      ["DeviceAllow", "char-pts rw"],
      ["DeviceAllow", "char-* m"],
      ["DeviceAllow", "block-* m"],
    );
  return entries;
}
