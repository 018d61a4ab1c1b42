// What a manifest file holds, and what of it no other file may hold too.

import { type ConfigMap, type ConfigObjects, noConfigObjects, type Secret } from "../pod/config-objects.ts";
import { podKey } from "../pod/names.ts";
import type { Container, Pod } from "../pod/pod.ts";
import { doHostPortsClash, type HostPort } from "./host-port.ts";

export interface Content {
  readonly pods: readonly Pod[];
  readonly configMaps: readonly ConfigMap[];
  readonly secrets: readonly Secret[];
}

export interface Claim {
  /** As a problem names it: `name default/web`. */
  readonly text: string;
  /** The place in its object. */
  readonly field: string;
  /** What it is about; undefined: the text is all. */
  readonly port: HostPort | undefined;
}

export function doClaimsClash(a: Claim, b: Claim): boolean {
  if (a.port === undefined || b.port === undefined) return a.text === b.text;
  return doHostPortsClash(a.port, b.port);
}

/** Claims that differ in this never clash. */
export function topicOf({ text, port }: Claim): string {
  return port === undefined ? text : `${port.protocol} ${port.number}`;
}

export function podClaims({ namespace, name, uid, spec }: Pod): readonly Claim[] {
  const ports = (["containers", "initContainers"] as const).flatMap((list) =>
    spec[list].flatMap((container, index) => portClaims(container, `spec.${list}[${index}]`)),
  );
  const field = "metadata.name";
  return [
    { text: `name ${podKey(namespace, name)}`, field, port: undefined },
    { text: `uid ${uid}`, field, port: undefined },
    ...ports,
  ];
}

function portClaims({ ports }: Container, field: string): readonly Claim[] {
  return ports.flatMap(({ hostPort, hostIP, protocol }, index): Claim[] => {
    if (hostPort === 0) return [];
    const address = hostIP === "" ? "" : ` of ${hostIP}`;
    return [
      {
        text: `host port ${hostPort}/${protocol}${address}`,
        field: `${field}.ports[${index}].hostPort`,
        port: { protocol, hostIP, number: hostPort },
      },
    ];
  });
}

export function objectClaim(kind: "ConfigMap" | "Secret", { namespace, name }: ConfigMap | Secret): Claim {
  return { text: `${kind} ${namespace}/${name}`, field: "metadata.name", port: undefined };
}

export function claimsOf({ pods, configMaps, secrets }: Content): readonly Claim[] {
  return [
    ...pods.flatMap(podClaims),
    ...configMaps.map((object) => objectClaim("ConfigMap", object)),
    ...secrets.map((object) => objectClaim("Secret", object)),
  ];
}

export function objectsOf(contents: Iterable<Content>): ConfigObjects {
  const all = [...contents];
  const configMaps = all.flatMap((content) => content.configMaps);
  const secrets = all.flatMap((content) => content.secrets);
  if (configMaps.length + secrets.length === 0) return noConfigObjects;
  return { configMaps: byName(configMaps), secrets: byName(secrets) };
}

function byName<T extends ConfigMap | Secret>(objects: readonly T[]): ReadonlyMap<string, T> {
  return new Map(objects.map((object) => [`${object.namespace}/${object.name}`, object]));
}
