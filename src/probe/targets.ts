// Which containers have something to be probed, from what a pass saw. Pure.

import type { Desired } from "../pod/desired.ts";
import { expand } from "../pod/expansion.ts";
import type { Probe, ProbeKind } from "../pod/handler.ts";
import { type PodKey, type PodUid, podKeyOf, type RktUuid } from "../pod/names.ts";
import { isLive, type Observation, type Revision } from "../pod/observed-pod.ts";
import type { Container } from "../pod/pod.ts";
import { containersOf } from "../pod/stage.ts";

export type Probes = Readonly<Partial<Record<ProbeKind, Probe>>>;

/** A container that runs. */
export interface ProbeTarget {
  readonly uuid: RktUuid;
  readonly key: PodKey;
  readonly podUid: PodUid;
  readonly container: string;
  /** The pod's own, or the machine's where it is on its network; empty: not known. */
  readonly address: string;
  /** Undefined: it is of a version of the Pod that is not wanted any more, and whoever knew them goes by those. */
  readonly probes: Probes | undefined;
  /** Only readiness is of interest still. */
  readonly isStopping: boolean;
}

export function probeTargets(
  { desired, observation }: { readonly desired: Desired; readonly observation: Observation },
  hostIP: string,
): readonly ProbeTarget[] {
  const pods = new Map(desired.pods.map((pod) => [podKeyOf(pod), pod]));
  const podIPs = new Map(observation.revisions.map(({ uuid, podIP }) => [uuid, podIP]));
  // A pod on a network of its own whose address is not known is not asked at the machine's: others answer there.
  const addressOf = ({ key, podIP, networkOf }: Revision) =>
    podIP ||
    (networkOf && podIPs.get(networkOf)) ||
    (pods.get(key)?.spec.hostNetwork === false ? "" : hostIP);
  return observation.revisions
    .filter((revision) => isLive(revision) && revision.stage.kind !== "init")
    .flatMap((revision) => {
      const pod = pods.get(revision.key);
      const containers =
        pod?.specHash === revision.specHash ? containersOf(pod.spec, revision.stage) : undefined;
      return revision.apps
        .filter(({ state }) => state.kind === "running")
        .map(({ name }) => ({ name, probes: containers && probesOf(containers, name) }))
        .filter(({ probes }) => probes === undefined || Object.keys(probes).length > 0)
        .map(
          ({ name, probes }): ProbeTarget => ({
            uuid: revision.uuid,
            key: revision.key,
            podUid: revision.podUid,
            container: name,
            address: addressOf(revision),
            probes,
            isStopping: revision.state.kind === "stopping",
          }),
        );
    });
}

function probesOf(containers: readonly Container[], name: string): Probes {
  const container = containers.find((candidate) => candidate.name === name);
  const asked = (kind: ProbeKind, probe: Probe | undefined) =>
    container && probe && { [kind]: withVariables(probe, container) };
  return {
    ...asked("startup", container?.startupProbe),
    ...asked("liveness", container?.livenessProbe),
    ...asked("readiness", container?.readinessProbe),
  };
}

/** In a command `$(NAME)` stands for a variable of the container whose value the manifest says (kubelet ExpandContainerCommandOnlyStatic). */
function withVariables(probe: Probe, { env }: Container): Probe {
  const { handler } = probe;
  if (handler.kind !== "exec") return probe;
  const variables = new Map(
    env.flatMap(({ name, source }) => (source.kind === "value" ? [[name, source.value] as const] : [])),
  );
  const command = handler.command.map((argument) => expand(argument, variables));
  return { ...probe, handler: { ...handler, command } };
}
