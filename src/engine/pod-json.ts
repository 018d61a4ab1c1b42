// A pod as `list` and `status --format=json` tell it. On a pod times are seconds, on its apps nanoseconds: as rkt has it.

import type { RktUuid } from "../pod/names.ts";
import type { AppcPodManifest, AppcRuntimeApp } from "../rkt/appc.ts";
import { type AppStatus, readAppStatus } from "./app-status.ts";
import { EngineError } from "./engine-error.ts";
import { appMounts } from "./mounts.ts";
import { type NetInfo, readNetInfo } from "./network/net-info.ts";
import type { Pod } from "./pod.ts";
import { type PodState, podState } from "./pod-store.ts";

export interface PodJson {
  readonly name: RktUuid;
  readonly state: PodState;
  readonly networks?: readonly NetInfo[];
  readonly app_names?: readonly string[];
  readonly apps?: readonly AppJson[];
  readonly created_at: bigint;
  readonly started_at?: bigint;
  readonly user_annotations?: Readonly<Record<string, string>>;
  readonly user_labels?: Readonly<Record<string, string>>;
}

interface AppJson {
  readonly name: string;
  readonly state: "created" | "running" | "exited";
  readonly created_at: bigint;
  readonly started_at?: bigint;
  readonly finished_at?: bigint;
  readonly exit_code?: number;
  readonly image_id: string;
  readonly mounts?: readonly object[];
  readonly user_annotations?: Readonly<Record<string, string>>;
  readonly user_labels?: Readonly<Record<string, string>>;
}

/** Throws EngineError for a pod that is not prepared yet or never will be. */
export function podJson(pod: Pod): PodJson {
  const created = pod.createdNs();
  const manifest = pod.phase === "prepare" || pod.phase === "embryo" ? undefined : pod.manifest();
  if (created === undefined || manifest === undefined) throw new EngineError("invalid creation time");
  const state = podState(pod);
  const started = pod.startedNs();
  const apps = manifest.apps ?? [];
  const networks = readNetInfo(pod);
  return {
    name: pod.uuid,
    state,
    ...(networks.length === 0 ? {} : { networks }),
    ...(apps.length === 0
      ? {}
      : {
          app_names: apps.map(({ name }) => name),
          apps: apps.map((app) => appJson(pod, manifest, app, { state, created, started })),
        }),
    created_at: created / 1_000_000_000n,
    ...(started === undefined ? {} : { started_at: started / 1_000_000_000n }),
    ...filled("user_annotations", manifest.userAnnotations),
    ...filled("user_labels", manifest.userLabels),
  };
}

function appJson(
  pod: Pod,
  manifest: AppcPodManifest,
  app: AppcRuntimeApp,
  { state, created, started }: { state: PodState; created: bigint; started: bigint | undefined },
): AppJson {
  const status = readAppStatus(`${pod.path}/status/${app.name}`);
  const finished = pod.markedNs();
  const exitCode = exitCodeOf(status);
  const mounts = appMounts(manifest, app);
  return {
    name: app.name,
    state: appState(state, started, status),
    created_at: created,
    ...(started === undefined ? {} : { started_at: started }),
    ...(finished === undefined ? {} : { finished_at: finished }),
    ...(exitCode === undefined ? {} : { exit_code: exitCode }),
    image_id: app.image.id.slice(0, "sha512-".length + 64),
    ...(mounts.length === 0
      ? {}
      : {
          mounts: mounts.map(({ volume, path, source, readOnly }) => ({
            name: volume.name,
            container_path: path,
            host_path: source ?? "",
            read_only: readOnly,
          })),
        }),
    ...filled("user_annotations", app.app?.userAnnotations),
    ...filled("user_labels", app.app?.userLabels),
  };
}

function appState(
  state: PodState,
  started: bigint | undefined,
  status: AppStatus | undefined,
): AppJson["state"] {
  if (state === "prepared" || (state === "running" && started === undefined)) return "created";
  return state === "running" && status?.kind !== "exited" ? "running" : "exited";
}

export function exitCodeOf(status: AppStatus | undefined): number | undefined {
  return status?.kind === "exited" ? status.exitCode : undefined;
}

function filled<Key extends string>(
  key: Key,
  value: Readonly<Record<string, string>> | null | undefined,
): { readonly [K in Key]?: Readonly<Record<string, string>> } {
  return value && Object.keys(value).length > 0 ? ({ [key]: value } as { [K in Key]: typeof value }) : {};
}
