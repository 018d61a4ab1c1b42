// The volume that a complete wire form says.

import { parseQuantity } from "../pod/quantity.ts";
import type { DownwardFile, KeyToPath, ProjectedSource, Volume } from "../pod/volume.ts";
import { resourceFieldOf } from "./pod-part-of.ts";
import type { PodManifest } from "./schema.ts";

type WireVolume = NonNullable<PodManifest["spec"]["volumes"]>[number];
type WireObject = NonNullable<
  NonNullable<NonNullable<WireVolume["projected"]>["sources"]>[number]["configMap"]
>;
type WireDownward = NonNullable<WireVolume["downwardAPI"]>;

const fileMode = 0o644;
/** Kubernetes' is 0644 too, behind directories that only the pod can reach. */
const secretMode = 0o600;

export function volumeOf(volume: WireVolume): Volume {
  const { name, hostPath, configMap, secret, projected, downwardAPI } = volume;
  if (hostPath !== undefined)
    return { name, kind: "hostPath", path: hostPath.path, type: hostPath.type ?? "" };
  if (configMap !== undefined) {
    return projection(name, [objectSource("configMap", configMap, configMap.defaultMode)]);
  }
  if (secret !== undefined) {
    const { secretName, ...rest } = secret;
    return projection(name, [objectSource("secret", { name: secretName, ...rest }, secret.defaultMode)]);
  }
  if (downwardAPI !== undefined)
    return projection(name, [downwardSource(downwardAPI, downwardAPI.defaultMode)]);
  if (projected !== undefined) {
    const mode = projected.defaultMode;
    const sources = projected.sources?.flatMap((source) => [
      ...(source.configMap === undefined ? [] : [objectSource("configMap", source.configMap, mode)]),
      ...(source.secret === undefined ? [] : [objectSource("secret", source.secret, mode)]),
      ...(source.downwardAPI === undefined ? [] : [downwardSource(source.downwardAPI, mode)]),
    ]);
    return projection(name, sources ?? []);
  }
  const { medium = "", sizeLimit } = volume.emptyDir ?? {};
  return { name, kind: "emptyDir", medium, sizeLimit: bytesOf(sizeLimit) };
}

function projection(name: string, sources: readonly ProjectedSource[]): Volume {
  return { name, kind: "projected", sources, isSecret: sources.some(({ kind }) => kind === "secret") };
}

function objectSource(
  kind: "configMap" | "secret",
  { name, items, optional }: WireObject,
  defaultMode: number | undefined,
): ProjectedSource {
  return {
    kind,
    name,
    items: items?.map(({ key, path, mode }): KeyToPath => ({ key, path, mode })),
    optional: optional ?? false,
    defaultMode: defaultMode ?? (kind === "secret" ? secretMode : fileMode),
  };
}

function downwardSource(
  { items }: Pick<WireDownward, "items">,
  defaultMode: number | undefined,
): ProjectedSource {
  return {
    kind: "downwardAPI",
    items: items?.flatMap(downwardFile) ?? [],
    defaultMode: defaultMode ?? fileMode,
  };
}

function downwardFile(item: NonNullable<WireDownward["items"]>[number]): DownwardFile[] {
  const { path, mode, fieldRef, resourceFieldRef } = item;
  if (fieldRef !== undefined) {
    return [{ path, mode, source: { kind: "field", fieldPath: fieldRef.fieldPath } }];
  }
  // Neither has been reported.
  return resourceFieldRef === undefined ? [] : [{ path, mode, source: resourceFieldOf(resourceFieldRef) }];
}

/** 0 is Kubernetes' "no limit" as well. */
function bytesOf(quantity: string | undefined): number | undefined {
  const parsed = quantity === undefined ? undefined : parseQuantity(quantity);
  if (parsed === undefined || parsed.problem !== undefined || parsed.milli === 0n) return undefined;
  return Number((parsed.milli + 999n) / 1000n);
}
