// References of a Pod to itself and to the ConfigMaps and Secrets beside it: rows of environment variables and of volumes.

import type {
  ConfigMapKeySelector,
  ObjectFieldSelector,
  ResourceFieldSelector,
  SecretKeySelector,
} from "kubernetes-types/core/v1.d.ts";
import { configKey, dnsSubdomain } from "./format.ts";
import {
  choice,
  defaulted,
  flag,
  openChoice,
  optional,
  quantity,
  type RowsOf,
  required,
  struct,
  text,
} from "./row.ts";

/** `metadata.labels['KEY']` */
const oneOfMany =
  /^metadata\.(?:labels|annotations)\['(?:[a-z0-9][-a-z0-9.]{0,252}\/)?[A-Za-z0-9](?:[-\w.]{0,61}[A-Za-z0-9])?'\]$/;

const fieldOf = (paths: readonly string[]) =>
  struct({
    apiVersion: defaulted(choice(["v1"]), "v1"),
    fieldPath: required(
      openChoice(paths, oneOfMany),
      "or `metadata.labels['KEY']`, `metadata.annotations['KEY']`",
    ),
  } satisfies RowsOf<ObjectFieldSelector>);

export const environmentField = fieldOf([
  "metadata.name",
  "metadata.namespace",
  "metadata.uid",
  "spec.nodeName",
  "spec.serviceAccountName",
  "status.hostIP",
  "status.hostIPs",
  "status.podIP",
  "status.podIPs",
]);

export const volumeField = fieldOf([
  "metadata.name",
  "metadata.namespace",
  "metadata.uid",
  "metadata.labels",
  "metadata.annotations",
]);

export const resourceField = struct({
  containerName: optional(text(), "the container itself; required in a volume"),
  resource: required(
    choice(
      ["limits.cpu", "limits.memory", "requests.cpu", "requests.memory"],
      ["limits.ephemeral-storage", "requests.ephemeral-storage"],
    ),
  ),
  divisor: optional(quantity, "`1`; `1m` for cpu, a power of 1000 or 1024 for memory"),
} satisfies RowsOf<ResourceFieldSelector>);

export const keyOf = struct({
  name: required(text(dnsSubdomain)),
  key: required(text(configKey)),
  optional: optional(flag),
} satisfies RowsOf<ConfigMapKeySelector & SecretKeySelector>);
