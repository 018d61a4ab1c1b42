// Rows of a volume.

import type {
  ConfigMapProjection,
  ConfigMapVolumeSource,
  DownwardAPIProjection,
  DownwardAPIVolumeFile,
  DownwardAPIVolumeSource,
  EmptyDirVolumeSource,
  HostPathVolumeSource,
  KeyToPath,
  ProjectedVolumeSource,
  SecretVolumeSource,
  Volume,
  VolumeProjection,
} from "kubernetes-types/core/v1.d.ts";
import type { JsonObject } from "../pod/json.ts";
import { absolutePath, configKey, dnsLabel, dnsSubdomain, filePath, noParentSteps } from "./format.ts";
import { resourceField, volumeField } from "./reference-schema.ts";
import {
  choice,
  flag,
  list,
  mode,
  never,
  optional,
  quantity,
  type RowsOf,
  required,
  struct,
  text,
} from "./row.ts";

const cloud = "it needs a cluster's storage";

/** In the order in which Kubernetes looks at them. */
export const volumeSources = [
  "emptyDir",
  "hostPath",
  "secret",
  "downwardAPI",
  "configMap",
  "projected",
] as const;

const keyToPath = struct({
  key: required(text(configKey)),
  path: required(text(filePath)),
  mode: optional(mode),
} satisfies RowsOf<KeyToPath>);

const items = optional(list(keyToPath), "every key, as a file of its name");

const downwardFile = struct({
  path: required(text(filePath)),
  mode: optional(mode),
  fieldRef: optional(volumeField),
  resourceFieldRef: optional(resourceField),
} satisfies RowsOf<DownwardAPIVolumeFile>);

const configMap = struct({
  name: required(text(dnsSubdomain)),
  items,
  optional: optional(flag),
  defaultMode: optional(mode, "default: 0644"),
} satisfies RowsOf<ConfigMapVolumeSource>);

const secret = struct({
  secretName: required(text(dnsSubdomain)),
  items,
  optional: optional(flag),
  defaultMode: optional(mode, "default: 0600, and not Kubernetes' 0644"),
} satisfies RowsOf<SecretVolumeSource>);

const downwardAPI = struct({
  items: optional(list(downwardFile)),
  defaultMode: optional(mode, "default: 0644"),
} satisfies RowsOf<DownwardAPIVolumeSource>);

const projectedObject = struct({
  name: required(text(dnsSubdomain)),
  items,
  optional: optional(flag),
} satisfies RowsOf<ConfigMapProjection>);

const projection = struct({
  configMap: optional(projectedObject),
  secret: optional(projectedObject),
  downwardAPI: optional(
    struct({ items: optional(list(downwardFile)) } satisfies RowsOf<DownwardAPIProjection>),
  ),
  serviceAccountToken: never("there is no API server to give a token"),
  clusterTrustBundle: never("there is no API server to ask for it"),
} satisfies RowsOf<VolumeProjection>);

const projected = struct({
  sources: optional(list(projection)),
  defaultMode: optional(mode, "default: 0644, of files from a Secret 0600"),
} satisfies RowsOf<ProjectedVolumeSource>);

const hostPath = struct({
  // Kubernetes takes a relative path. It would be relative to the daemon's own directory, which nobody means; rkt refuses it, late.
  path: required(text(absolutePath, noParentSteps)),
  type: optional(
    choice(["DirectoryOrCreate", "Directory", "FileOrCreate", "File", "Socket", "CharDevice", "BlockDevice"]),
    "without one: no check, and a directory is made where nothing is",
  ),
} satisfies RowsOf<HostPathVolumeSource>);

const emptyDir = struct({
  medium: optional(choice(["Memory"], ["HugePages"]), "without one: on disk"),
  sizeLimit: optional(
    quantity,
    "of `Memory` the file system's size; on disk a pod that holds more is evicted",
  ),
} satisfies RowsOf<EmptyDirVolumeSource>);

export const volume = struct({
  name: required(text(dnsLabel)),
  hostPath: optional(hostPath),
  emptyDir: optional(emptyDir, "what a volume without a source is", emptyUnlessGiven),
  configMap: optional(configMap),
  secret: optional(secret),
  projected: optional(projected),
  downwardAPI: optional(downwardAPI),
  awsElasticBlockStore: never(cloud),
  azureDisk: never(cloud),
  azureFile: never(cloud),
  cephfs: never(cloud),
  cinder: never(cloud),
  csi: never(cloud),
  ephemeral: never(cloud),
  fc: never(cloud),
  flexVolume: never(cloud),
  flocker: never(cloud),
  gcePersistentDisk: never(cloud),
  gitRepo: never("Kubernetes itself has removed it"),
  glusterfs: never(cloud),
  iscsi: never(cloud),
  nfs: never("mount it on the machine and use hostPath"),
  persistentVolumeClaim: never(cloud),
  photonPersistentDisk: never(cloud),
  portworxVolume: never(cloud),
  quobyte: never(cloud),
  rbd: never(cloud),
  scaleIO: never(cloud),
  storageos: never(cloud),
  vsphereVolume: never(cloud),
} satisfies RowsOf<Volume>);

function emptyUnlessGiven(written: JsonObject): JsonObject | undefined {
  return volumeSources.some((source) => source in written) ? undefined : {};
}
