// A set of pods that somebody changes all the time, and that tell by themselves what becomes of them.
// Each container takes a port of the machine's, which only one can have, says so where it cannot, serves the version that it is of, and
// writes that down when it starts.

import { mkdir, readFile } from "node:fs/promises";
import type { Pod } from "kubernetes-types/core/v1.d.ts";
import { writeAci } from "../aci.ts";
import type { Machine } from "../e2e/machine.ts";
import type { Random } from "./random.ts";

/**
 * `steady` is never touched, `labelled` gets other labels, `edited` other containers, `configured` in turn another ConfigMap or other containers;
 * `staged` has an init container and a sidecar, `crashing` ends again and again. All but the first two come and go.
 */
export type PodKind = "steady" | "labelled" | "edited" | "configured" | "staged" | "crashing";

export interface ChangingPod {
  readonly name: string;
  readonly kind: PodKind;
  readonly port: number;
  /** In a network of its own. */
  readonly hasNetwork: boolean;
  readonly hasHook: boolean;
  isThere: boolean;
  /** Each makes another revision. */
  version: number;
  label: number;
  word: number;
}

export type DirectedChange = "edit" | "configure" | "remove" | "removeFailed";

/** To which pod each is done. */
const changed: Readonly<Record<DirectedChange, (pod: ChangingPod) => boolean>> = {
  edit: ({ kind, hasHook }) => kind === "edited" && hasHook,
  configure: ({ kind }) => kind === "configured",
  remove: ({ kind, hasHook }) => kind === "staged" || (kind === "edited" && !hasHook),
  removeFailed: ({ kind }) => kind === "crashing",
};

const firstPort = 20_000;

/** 20 pods; for more the same again. */
const kinds: readonly PodKind[] = [
  ...Array<PodKind>(4).fill("steady"),
  ...Array<PodKind>(3).fill("labelled"),
  ...Array<PodKind>(6).fill("edited"),
  ...Array<PodKind>(2).fill("configured"),
  ...Array<PodKind>(3).fill("staged"),
  ...Array<PodKind>(2).fill("crashing"),
];

export class ChangingPods {
  readonly #machine: Machine;
  readonly #random: Random;
  readonly pods: readonly ChangingPod[];

  constructor(machine: Machine, count: number, random: Random) {
    this.#machine = machine;
    this.#random = random;
    this.pods = Array.from({ length: count }, (_, index) => {
      const kind = kinds[index % kinds.length] ?? "edited";
      const nth = index - kinds.indexOf(kind);
      return {
        name: `${kind}${index}`,
        kind,
        port: firstPort + 2 * index,
        hasNetwork: nth === 1 && (kind === "steady" || kind === "edited"),
        hasHook: nth === 2 && (kind === "steady" || kind === "edited"),
        isThere: true,
        version: 0,
        label: 0,
        word: 0,
      };
    });
  }

  get wanted(): readonly ChangingPod[] {
    return this.pods.filter(({ isThere }) => isThere);
  }

  async writeAll(): Promise<void> {
    await mkdir(`${this.#machine.path}/told`, { recursive: true });
    for (const pod of this.pods) await this.#write(pod);
  }

  /** One change that somebody might make. */
  async change(): Promise<void> {
    const pod = this.#random.oneOf(this.pods.filter(({ kind }) => kind !== "steady"));
    if (pod.kind === "labelled") pod.label++;
    else if (!pod.isThere) {
      pod.isThere = true;
      pod.version++;
    } else if (this.#random.next() < 0.2) {
      pod.isThere = false;
      return this.#machine.remove(`${pod.name}.yaml`);
    } else if (pod.kind === "configured" && this.#random.next() < 0.5) pod.word++;
    else pod.version++;
    // Another image under the same name has to be fetched.
    if (this.#random.next() < 0.1) await writeAci(this.#machine.image, { version: String(pod.version) });
    await this.#write(pod);
  }

  /** One that leads to the same each time. */
  async changeSo(change: DirectedChange): Promise<void> {
    const pod = this.wanted.findLast(changed[change]);
    if (pod === undefined) throw new Error(`no pod is left to ${change}`);
    switch (change) {
      case "edit":
        pod.version++;
        return this.#write(pod);
      case "configure":
        pod.word++;
        return this.#write(pod);
      case "remove":
      case "removeFailed":
        pod.isThere = false;
        return this.#machine.remove(`${pod.name}.yaml`);
      default:
        return change satisfies never;
    }
  }

  /** They come back as all others do. */
  async removeCrashing(): Promise<void> {
    for (const pod of this.wanted.filter(({ kind }) => kind === "crashing")) {
      pod.isThere = false;
      await this.#machine.remove(`${pod.name}.yaml`);
    }
  }

  async removeAll(): Promise<void> {
    for (const { name } of this.wanted) await this.#machine.remove(`${name}.yaml`);
  }

  #write(pod: ChangingPod): Promise<void> {
    return this.#machine.write(`${pod.name}.yaml`, podManifest(pod, this.#machine));
  }

  /** `container version` of each start of a container of the pod's. */
  async starts({ name }: ChangingPod): Promise<readonly string[]> {
    const text = await readFile(`${this.#machine.path}/told/${name}`, "utf8").catch(() => "");
    return text.split("\n").filter((line) => line !== "");
  }

  /** Each container that did not get its port. */
  async overlaps(): Promise<string> {
    return readFile(`${this.#machine.path}/told/overlaps`, "utf8").catch(() => "");
  }

  /** A line for each pod that is not there as it was written last, and for each that is there all the same. */
  async differences(): Promise<readonly string[]> {
    const pods = new Map((await this.#machine.pods()).map((pod) => [pod.metadata?.name ?? "", pod]));
    const differences = this.wanted.map(async (wanted) => {
      const pod = pods.get(`${wanted.name}-node`);
      pods.delete(`${wanted.name}-node`);
      return pod === undefined ? `${wanted.name}: missing` : this.#difference(wanted, pod);
    });
    const told = await Promise.all(differences);
    return [...told.flatMap((line) => line ?? []), ...[...pods.keys()].map((name) => `${name}: not wanted`)];
  }

  async #difference(wanted: ChangingPod, { metadata, status }: Pod): Promise<string | undefined> {
    const { name, kind, port, version } = wanted;
    if (metadata?.labels?.count !== String(wanted.label)) return `${name}: its labels`;
    if (kind === "crashing") {
      const last = (await this.starts(wanted)).at(-1);
      return last === `main ${version}` ? undefined : `${name}: started ${last}, not ${version}`;
    }
    if (status?.conditions?.find(({ type }) => type === "Ready")?.status !== "True")
      return `${name}: not Ready`;
    const address = `${wanted.hasNetwork ? status.podIP : "127.0.0.1"}:${port}`;
    const served = [await get(`http://${address}/version`), await get(`http://${address}/config/word`)];
    const isRight = served[0] === String(version) && served[1] === String(wanted.word);
    return isRight ? undefined : `${name}: serves ${served}, not ${[version, wanted.word]}`;
  }
}

async function get(url: string): Promise<string | undefined> {
  return fetch(url, { signal: AbortSignal.timeout(1000) }).then(
    async (response) => (response.ok ? (await response.text()).trim() : undefined),
    () => undefined,
  );
}

function podManifest(pod: ChangingPod, { image, path }: Machine): string {
  const { name, kind, version, port, hasNetwork } = pod;
  const container = (of: string, script: string, more = "") => `
    - name: ${of}
      image: ${image}
      command: [/bin/sh, -c, ${JSON.stringify(`echo ${of} ${version} >>/told/${name}; ${script}`)}]
      volumeMounts: [{name: told, mountPath: /told}, {name: config, mountPath: /srv/config}]${more}`;
  const serve = (on: number, then: string) =>
    `echo ${version} >/srv/version; httpd -p ${on} -h /srv || echo ${name} ${version} >>/told/overlaps; ${then}`;
  const sidecar = container("side", serve(port + 1, "exec sleep 1000000"), "\n      restartPolicy: Always");
  const hook = "\n      lifecycle: {postStart: {exec: {command: [touch, /tmp/started]}}}";
  const probe = `\n      livenessProbe: {httpGet: {path: /version, port: ${port}}, periodSeconds: 2}`;
  const extra = `${pod.hasHook ? hook : ""}${kind === "labelled" ? probe : ""}`;
  const serveThen = serve(port, kind === "crashing" ? "sleep 0.5; exit 1" : "exec sleep 1000000");
  return `apiVersion: v1
kind: Pod
metadata:
  name: ${name}
  labels: {count: "${pod.label}"}
  annotations: {gantry.io/restart-backoff: 1s, gantry.io/restart-backoff-max: 2s}
spec:
  hostNetwork: ${!hasNetwork}
  terminationGracePeriodSeconds: 2
  ${kind === "staged" ? `initContainers:${container("init", "true")}${sidecar}` : ""}
  containers:${container("main", serveThen, extra)}
  volumes:
    - {name: told, hostPath: {path: ${path}/told}}
    - {name: config, configMap: {name: ${name}}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: ${name}}
data: {word: "${pod.word}"}
`;
}
