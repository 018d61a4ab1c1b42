// The strings that must not be swapped, each with its own type, and the one place where each is made or read.

declare const brand: unique symbol;
type Branded<Name extends string> = string & { readonly [brand]: Name };

/** 32 lower-case hex digits for a static pod, or what `metadata.uid` says. */
export type PodUid = Branded<"PodUid">;
/** `namespace/name`: what a Pod is known by, across edits and restarts. */
export type PodKey = Branded<"PodKey">;
/** Lower-case hex digest of what the user wrote (see hash.ts): changes exactly when the pod must be replaced. */
export type SpecHash = Branded<"SpecHash">;
/** Digest of what a pod's projected volumes are made from (see content-hash.ts). */
export type ContentHash = Branded<"ContentHash">;
/** rkt's pod UUID, lower case with dashes. */
export type RktUuid = Branded<"RktUuid">;
/** A systemd unit's full name, suffix included. */
export type UnitName = Branded<"UnitName">;
/** rkt's full image id, `sha512-` and 64 hex digits. */
export type ImageId = Branded<"ImageId">;

/** Fit for a path and for a unit's name. */
const podUidPattern = /^[A-Za-z0-9][A-Za-z0-9_-]{0,127}$/;
const uuidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const imageIdPattern = /^sha512-[0-9a-f]{64}$/;
const podUnitPattern = /^gantry-([0-9a-f-]{36})\.service$/;

export function podKey(namespace: string, name: string): PodKey {
  return `${namespace}/${name}` as PodKey;
}

export function podKeyOf({ namespace, name }: { readonly namespace: string; readonly name: string }): PodKey {
  return podKey(namespace, name);
}

export function isPodUid(text: string): text is PodUid {
  return podUidPattern.test(text);
}

export function isRktUuid(text: string): text is RktUuid {
  return uuidPattern.test(text);
}

export function isImageId(text: string): text is ImageId {
  return imageIdPattern.test(text);
}

/** A glob for systemd that matches pod units, and not the units of single apps. */
export const podUnitGlob = "gantry-????????-????-????-????-????????????.service";

/** The pod unit of an rkt pod. */
export function podUnitName(uuid: RktUuid): UnitName {
  return `gantry-${uuid}.service` as UnitName;
}

/** The rkt pod of a pod unit; undefined for every other unit, also the engine's own of single apps. */
export function uuidOfPodUnit(unit: string): RktUuid | undefined {
  const uuid = podUnitPattern.exec(unit)?.[1];
  return uuid !== undefined && isRktUuid(uuid) ? uuid : undefined;
}

/** The built-in engine's unit of one app of a pod. App names are appc names (lower case, digits, single dashes). */
export function appUnitName(uuid: RktUuid, app: string): UnitName {
  return `gantry-${uuid}-${app}.service` as UnitName;
}

/** The slice that holds all that belongs to one pod. A uid with a dash would nest, so those become underscores. */
export function podSliceName(uid: PodUid): UnitName {
  return `gantry-${uid.replaceAll("-", "_")}.slice` as UnitName;
}

/** Where the built-in engine keeps the network namespace of an rkt pod, as ip-netns(8) has it. */
export function networkNamespacePath(uuid: RktUuid): string {
  return `/run/netns/gantry-${uuid}`;
}
