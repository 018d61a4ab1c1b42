// A Pod that asks for nothing special, for tests to change one thing of.

import type { PodUid, SpecHash } from "../../src/pod/names.ts";
import type { Pod, PodSpec } from "../../src/pod/pod.ts";
import { plainLife, plainPodSpec } from "../plain-pod.ts";

type Changes = Partial<Omit<Pod, "spec">> & { readonly spec?: Partial<PodSpec> };

/** On a network of its own. */
export function podOf({ spec, ...fields }: Changes): Pod {
  return {
    uid: "0123456789abcdef0123456789abcdef" as PodUid,
    namespace: "default",
    name: "web-node1",
    labels: {},
    annotations: {},
    specHash: "00112233445566778899aabbccddeeff" as SpecHash,
    source: { file: "/etc/gantry/manifests/web.yaml", document: 0 },
    life: plainLife,
    wire: {},
    ...fields,
    spec: { ...plainPodSpec, hostNetwork: false, nodeName: "node1", ...spec },
  };
}
