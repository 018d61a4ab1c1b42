// All that the machine lays ready for a pod's containers: variables, volumes, resolver files, files for their last words.
// Invariant: by the time a container's mounts are told, what they show is there.

import { cpus, totalmem } from "node:os";
import type { Clock } from "../host/clock.ts";
import { errorChain } from "../host/error.ts";
import { readTextIfExists, writeFileAtomic } from "../host/files.ts";
import type { Log } from "../host/log.ts";
import type { ConfigObjects } from "../pod/config-objects.ts";
import { expand } from "../pod/expansion.ts";
import type { Container, Pod } from "../pod/pod.ts";
import { allContainersOf, containersOf, isFirstStage, type Stage } from "../pod/stage.ts";
import type { VolumeMount } from "../pod/volume.ts";
import { RuntimeError } from "../reconcile/runtime.ts";
import { containerVariables, type ResolvedVariable } from "../rkt/environment.ts";
import type { ResolvedMount } from "../rkt/mounts.ts";
import { environmentOf } from "./environment.ts";
import { hostsText, resolverText } from "./hosts-files.ts";
import { parseResolver } from "./machine.ts";
import type { MachineActs } from "./machine-acts.ts";
import type { PodDirectories } from "./pod-directory.ts";
import type { MessageFiles } from "./revision-record.ts";
import { makeMessageFiles } from "./termination-message.ts";
import { refreshVolumes, setUpVolumes, type VolumeContext } from "./volumes.ts";

export interface PodFilesOptions {
  readonly directories: PodDirectories;
  readonly acts: MachineActs;
  /** As the manifest directory has them now. */
  readonly objects: () => ConfigObjects;
  readonly hostIP: () => string;
  readonly clock: Clock;
  readonly log: Log;
  /** The engine writes the hosts file of a pod with a network of its own. */
  readonly isBuiltin: boolean;
}

/** Both by container. */
export interface SetUp {
  readonly environment: ReadonlyMap<string, readonly ResolvedVariable[]>;
  readonly mounts: ReadonlyMap<string, readonly ResolvedMount[]>;
  readonly messages: MessageFiles;
}

export class PodFiles {
  readonly #options: PodFilesOptions;

  constructor(options: PodFilesOptions) {
    this.#options = options;
  }

  /**
   * Of what is run in one stage; with the first, the variables of all the others are made too, so that none is missing later. The pod's
   * directory has to be there. Throws RuntimeError (CreateContainerConfigError, FailedMount).
   */
  async setUp(pod: Pod, stage: Stage): Promise<SetUp> {
    const context = this.#context();
    const environment = new Map<string, readonly ResolvedVariable[]>();
    const containers = containersOf(pod.spec, stage);
    for (const container of isFirstStage(pod.spec, stage) ? allContainersOf(pod.spec) : containers) {
      const { variables, notes } = environmentOf(pod, container, context);
      for (const note of notes)
        this.#options.log.warn(note, { pod: `${pod.namespace}/${pod.name}`, container: container.name });
      environment.set(container.name, variables);
    }
    const volumes = await setUpVolumes(pod, context);
    const messages = await makeMessageFiles(pod.uid, containers, context.directories);
    const resolverMounts = await this.#resolverMounts(pod);
    const mounts = containers.map(async (container) => {
      const own = await this.#ownMounts(pod, container, {
        volumes,
        variables: environment.get(container.name) ?? [],
      });
      const { terminationMessagePath: path } = container;
      const messageFile = `${context.directories.container(pod.uid, container.name)}/${messages.id}`;
      const ours = [
        ...resolverMounts.filter(({ mountPath }) => !own.some((mount) => covers(mount.mountPath, mountPath))),
        ...(path === "" ? [] : [ourMount(messageFile, path)]),
      ];
      return [container.name, [...own, ...ours]] as const;
    });
    return { environment, mounts: new Map(await Promise.all(mounts)), messages };
  }

  /** Brings the volumes of a pod that runs up to date. Throws RuntimeError (FailedMount). */
  async refresh(pod: Pod): Promise<void> {
    await refreshVolumes(pod, this.#context());
  }

  #context(): VolumeContext {
    const { directories, acts, objects, hostIP, clock } = this.#options;
    const machine = { hostIP: hostIP(), cpuMilli: cpus().length * 1000, memoryBytes: totalmem() };
    return { directories, acts, objects: objects(), machine, wallMs: clock.wallMs() };
  }

  async #resolverMounts(pod: Pod): Promise<readonly ResolvedMount[]> {
    const [hosts = "", resolver = ""] = await Promise.all([
      readTextIfExists("/etc/hosts"),
      readTextIfExists("/etc/resolv.conf"),
    ]);
    const { directories, isBuiltin } = this.#options;
    const directory = directories.path(pod.uid);
    const hasEngineHosts = isBuiltin && !pod.spec.hostNetwork;
    const files = [
      [`${directory}/etc-hosts`, "/etc/hosts", hasEngineHosts ? undefined : hostsText(pod.spec, hosts)],
      [
        `${directory}/etc-resolv-conf`,
        "/etc/resolv.conf",
        resolverText(pod.spec, { text: resolver, resolver: parseResolver(resolver) }),
      ],
    ] as const;
    const mounts: ResolvedMount[] = [];
    for (const [file, mountPath, text] of files) {
      if (text === undefined) continue;
      await writeFileAtomic(file, text);
      mounts.push(ourMount(file, mountPath));
    }
    return mounts;
  }

  async #ownMounts(
    pod: Pod,
    container: Container,
    known: {
      readonly volumes: ReadonlyMap<string, string>;
      readonly variables: readonly ResolvedVariable[];
    },
  ): Promise<readonly ResolvedMount[]> {
    const mounts = container.volumeMounts.map(async (mount, index) => {
      const volume = known.volumes.get(mount.name);
      if (volume === undefined)
        throw new RuntimeError(
          "CreateContainerConfigError",
          `There is no volume ${JSON.stringify(mount.name)}`,
        );
      const isProjected = pod.spec.volumes.some(
        ({ name, kind }) => name === mount.name && kind === "projected",
      );
      return {
        hostPath: await this.#hostPath(volume, { pod, container, mount, index, variables: known.variables }),
        mountPath: mount.mountPath,
        readOnly: mount.readOnly || isProjected, // as with the kubelet: what a pod changed there would not stay
        propagation: mount.mountPropagation,
      };
    });
    return Promise.all(mounts);
  }

  async #hostPath(
    volume: string,
    {
      pod,
      container,
      mount,
      index,
      variables,
    }: {
      readonly pod: Pod;
      readonly container: Container;
      readonly mount: VolumeMount;
      readonly index: number;
      readonly variables: readonly ResolvedVariable[];
    },
  ): Promise<string> {
    try {
      const subPath = subPathOf(mount, variables);
      if (subPath === "") return volume;
      const target = this.#options.directories.subPath(pod.uid, mount.name, `${container.name}/${index}`);
      await this.#options.acts.mountSubPath(volume, subPath, target);
      return target;
    } catch (error) {
      const place = `volumeMount ${JSON.stringify(mount.name)} of container ${JSON.stringify(container.name)}`;
      const message = `failed to prepare subPath for ${place}: ${errorChain(error)}`;
      throw new RuntimeError("CreateContainerConfigError", message);
    }
  }
}

/** The variables are the container's own, as with the kubelet, not the image's. */
function subPathOf({ subPath, subPathExpr }: VolumeMount, variables: readonly ResolvedVariable[]): string {
  if (subPathExpr === "") return subPath;
  const values = containerVariables(variables.filter(({ value }) => value !== undefined));
  const expanded = expand(subPathExpr, {
    get(name) {
      const value = values.get(name);
      if (value === undefined) throw new Error(`missing value for ${JSON.stringify(name)}`);
      return value;
    },
  });
  if (expanded.startsWith("/")) throw new Error("it must not be an absolute path");
  if (expanded.split("/").includes("..")) throw new Error("it must not contain '..'");
  return expanded;
}

function ourMount(hostPath: string, mountPath: string): ResolvedMount {
  return { hostPath, mountPath, readOnly: false, propagation: "None" };
}

/** Whether what is mounted at `mountPath` is, or holds, `path`: then it is the pod's own. */
function covers(mountPath: string, path: string): boolean {
  const directory = mountPath.replace(/\/+$/, "");
  return path === directory || path.startsWith(`${directory}/`);
}
