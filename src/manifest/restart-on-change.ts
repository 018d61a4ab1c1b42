// Pods that ask for a restart when what their environment is made from changes. Without asking they keep what they were started
// with, as in Kubernetes; volumes are renewed in place either way.

import type { ConfigObjects } from "../pod/config-objects.ts";
import { wholeHash } from "../pod/hash.ts";
import type { Json } from "../pod/json.ts";
import type { Container, Pod } from "../pod/pod.ts";
import { allContainersOf } from "../pod/stage.ts";
import { annotation } from "./annotations.ts";

/** The Pod with a hash that covers what its variables take from ConfigMaps and Secrets too, if it asks for that. */
export function withContentInHash(pod: Pod, objects: ConfigObjects): Pod {
  if (pod.annotations[annotation.restartOnChange] !== "true") return pod;
  const contents = allContainersOf(pod.spec).flatMap((container) =>
    contentsOf(container, pod.namespace, objects),
  );
  return contents.length === 0 ? pod : { ...pod, specHash: wholeHash([pod.specHash, ...contents]) };
}

function contentsOf({ env, envFrom }: Container, namespace: string, objects: ConfigObjects): readonly Json[] {
  const find = (isSecret: boolean, name: string) =>
    (isSecret ? objects.secrets : objects.configMaps).get(`${namespace}/${name}`)?.data;
  const single = env.flatMap(({ source }) =>
    source.kind === "configMapKey" || source.kind === "secretKey"
      ? [base64(find(source.kind === "secretKey", source.name)?.get(source.key))]
      : [],
  );
  const whole = envFrom.map(({ kind, name }) => {
    const entries = Array.from(find(kind === "secret", name) ?? [], ([key, bytes]) => [key, base64(bytes)]);
    return Object.fromEntries(entries);
  });
  return [...single, ...whole];
}

function base64(bytes: Uint8Array | undefined): string | null {
  return bytes === undefined ? null : Buffer.from(bytes).toString("base64");
}
