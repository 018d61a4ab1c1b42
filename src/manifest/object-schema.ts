// Rows of ConfigMap and Secret documents. Invariant: what a Secret holds is in no message.

import type { ConfigMap, Secret } from "kubernetes-types/core/v1.d.ts";
import type { ObjectMeta } from "kubernetes-types/meta/v1.d.ts";
import { annotationKey, base64, configKey, dnsLabel, dnsSubdomain, labelKey, labelValue } from "./format.ts";
import {
  anything,
  choice,
  defaulted,
  flag,
  ignored,
  optional,
  type RowsOf,
  required,
  secretMap,
  struct,
  text,
  textMap,
  type ValueOf,
} from "./row.ts";

const anyText = () => undefined;
/** Unlike a Pod's these do no harm, and `kubectl get -o yaml` writes them. */
const written = ignored("an API server wrote it", anything);

const metadata = struct({
  name: required(text(dnsSubdomain)),
  namespace: defaulted(text(dnsLabel), "default", "it serves the pods of its namespace"),
  labels: ignored("nothing selects by them", textMap(labelKey, labelValue)),
  annotations: ignored("nothing reads them", textMap(annotationKey, anyText)),
  uid: written,
  creationTimestamp: written,
  deletionGracePeriodSeconds: written,
  deletionTimestamp: written,
  finalizers: written,
  generateName: written,
  generation: written,
  managedFields: written,
  ownerReferences: written,
  resourceVersion: written,
  selfLink: written,
} satisfies RowsOf<ObjectMeta>);

const immutable = optional(flag, "the file is what changes it");

export const configMapSchema = struct({
  apiVersion: defaulted(choice(["v1"]), "v1"),
  kind: defaulted(choice(["ConfigMap"]), "ConfigMap"),
  metadata: required(metadata),
  data: optional(textMap(configKey, anyText)),
  binaryData: optional(textMap(configKey, base64), "base64"),
  immutable,
} satisfies RowsOf<ConfigMap>);

export const secretSchema = struct({
  apiVersion: defaulted(choice(["v1"]), "v1"),
  kind: defaulted(choice(["Secret"]), "Secret"),
  metadata: required(metadata),
  type: defaulted(text(), "Opaque"),
  data: optional(secretMap(configKey, base64), "base64"),
  stringData: optional(secretMap(configKey, anyText), "wins over `data`"),
  immutable,
} satisfies RowsOf<Secret>);

export type ConfigMapManifest = ValueOf<typeof configMapSchema>;
export type SecretManifest = ValueOf<typeof secretSchema>;
