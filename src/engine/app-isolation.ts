// How far an app is set apart from the machine, from its manifest, the client's annotations and the options that switch protection off.

import { type AppcPodManifest, type AppcRuntimeApp, engineAnnotations } from "../rkt/appc.ts";
import { ownPidsSince } from "../systemd/version.ts";
import { annotation, isAnnotated } from "./annotation.ts";
import { appProcess } from "./app-process.ts";
import type { RootMount } from "./app-root.ts";
import type { AppStart } from "./app-start.ts";
import { EngineError } from "./engine-error.ts";
import type { BindMount } from "./mounts.ts";
import type { Pod } from "./pod.ts";

export interface IsolationOptions {
  readonly pod: Pod;
  readonly manifest: AppcPodManifest;
  readonly mounts: readonly BindMount[];
  /** The path of its network namespace; undefined: the machine's. */
  readonly network: string | undefined;
  readonly hostname: string | undefined;
  /** Whether systemd gives it process ids of its own. */
  readonly ownPids: boolean;
  readonly insecure: ReadonlySet<string>;
}

export function appStart(
  app: AppcRuntimeApp,
  { pod, manifest, mounts, network, hostname, ownPids, insecure }: IsolationOptions,
): AppStart {
  const path = `${pod.path}/apps/${app.name}/root`;
  const isPrivileged = isAnnotated(app, engineAnnotations.privileged);
  const isProtected = !isPrivileged && !insecure.has("paths");
  return {
    namespaces: {
      ipc: isAnnotated(manifest, engineAnnotations.hostIpc) ? undefined : `${pod.path}/ipc`,
      network,
      hostname,
    },
    root: {
      path,
      dev: `${pod.path}/dev`,
      hasAllDevices: isPrivileged,
      mounts: propagatingMounts(app, mounts),
      isReadOnly: app.readOnlyRootFS === true,
      isProtected,
      hidesProcesses: isProtected && !ownPids && !isAnnotated(manifest, engineAnnotations.hostPid),
    },
    process: appProcess(app, path, insecure),
  };
}

/** Whether an app's own mounts reach the machine. */
function hasBidirectionalMount(app: AppcRuntimeApp): boolean {
  return Object.values(propagations(app)).includes("Bidirectional");
}

function propagatingMounts(app: AppcRuntimeApp, mounts: readonly BindMount[]): readonly RootMount[] {
  const wanted = propagations(app);
  return mounts.map((mount) => ({
    ...mount,
    propagation:
      mount.path in wanted ? (wanted[mount.path] === "Bidirectional" ? "shared" : "slave") : "private",
  }));
}

function propagations(app: AppcRuntimeApp): Readonly<Record<string, unknown>> {
  const text = annotation(app, engineAnnotations.mountPropagation);
  if (text === undefined) return {};
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new EngineError(`app "${app.name}": bad annotation ${engineAnnotations.mountPropagation}`, {
      cause: error,
    });
  }
}

/** The mounts of an app whose PID namespace systemd made reach nobody: one that is to share them goes without. */
export function hasOwnPids(app: AppcRuntimeApp, manifest: AppcPodManifest, systemdVersion: number): boolean {
  return (
    systemdVersion >= ownPidsSince &&
    !isAnnotated(manifest, engineAnnotations.hostPid) &&
    !hasBidirectionalMount(app)
  );
}
