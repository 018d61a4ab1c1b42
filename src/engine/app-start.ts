// What an app is to become, kept in the pod by `run-prepared`: `start-app` becomes it, `enter` one like it.
// Invariant: nothing is loaded here but what reads it, as each start of an app waits for that.

import { readFileSync, writeFileSync } from "node:fs";
import type { Privileges } from "../host/privileges.ts";
import type { AppProcess } from "./app-process.ts";
import type { AppRoot } from "./app-root.ts";
import { capabilityBits } from "./capabilities.ts";

export interface AppStart {
  readonly namespaces: AppNamespaces;
  readonly root: AppRoot;
  readonly process: AppProcess;
}

/** Those that it does not share with the machine, beside that of its mounts. */
export interface AppNamespaces {
  /** A path that it is kept at. */
  readonly ipc?: string | undefined;
  readonly network?: string | undefined;
  /** Of a host name space of its own. */
  readonly hostname?: string | undefined;
}

/** For root alone: environments hold secrets. */
export function writeAppStart(podPath: string, app: string, { namespaces, root, process }: AppStart): void {
  const filter = process.systemCallFilter;
  const text = JSON.stringify({
    namespaces,
    root,
    process: {
      ...process,
      environment: [...process.environment],
      systemCallFilter: filter && Buffer.from(filter).toString("base64"),
    },
  });
  writeFileSync(startFile(podPath, app), text, { mode: 0o600 });
}

export function readAppStart(podPath: string, app: string): AppStart {
  const { namespaces, root, process } = JSON.parse(readFileSync(startFile(podPath, app), "utf8"));
  const filter: string | undefined = process.systemCallFilter;
  return {
    namespaces,
    root,
    process: {
      ...process,
      environment: new Map(process.environment),
      systemCallFilter: filter === undefined ? undefined : Buffer.from(filter, "base64"),
    },
  };
}

function startFile(podPath: string, app: string): string {
  return `${podPath}/apps/${app}/start.json`;
}

/** What the process is left with. */
export function privilegesOf(like: AppProcess): Privileges {
  return {
    uid: like.uid,
    gid: like.gid,
    groups: like.supplementaryGids,
    capabilities: capabilityBits(like.capabilities),
    noNewPrivileges: like.noNewPrivileges,
    systemCallFilters: like.systemCallFilter === undefined ? [] : [like.systemCallFilter],
  };
}
