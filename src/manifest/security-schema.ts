// Rows of the pod's and the container's securityContext.

import type {
  AppArmorProfile,
  Capabilities,
  PodSecurityContext,
  SELinuxOptions,
  SeccompProfile,
  SecurityContext,
} from "kubernetes-types/core/v1.d.ts";
import { capability } from "./format.ts";
import {
  choice,
  flag,
  integer,
  list,
  neverUnlessEmpty,
  optional,
  type RowsOf,
  required,
  settings,
  struct,
  text,
  threeWayFlag,
} from "./row.ts";

const windows = "it is for Windows";
const localProfile = "profiles of one's own are not loaded";

/** What Kubernetes takes; the kernel would take twice as much. */
const userId = integer(0, 2 ** 31 - 1);

const seLinuxOptions = struct({
  level: optional(text()),
  role: optional(text()),
  type: optional(text()),
  user: optional(text()),
} satisfies RowsOf<SELinuxOptions>);

const seccompProfile = struct({
  type: required(choice(["RuntimeDefault", "Unconfined"], ["Localhost"])),
  localhostProfile: neverUnlessEmpty(localProfile),
} satisfies RowsOf<SeccompProfile>);

const appArmorProfile = struct({
  type: required(choice(["Unconfined"], ["Localhost", "RuntimeDefault"]), "what it is without one"),
  localhostProfile: neverUnlessEmpty(localProfile),
} satisfies RowsOf<AppArmorProfile>);

const capabilities = struct({
  add: optional(list(text(capability)), "with or without `CAP_`; `ALL`"),
  drop: optional(list(text(capability)), "with or without `CAP_`; `ALL`"),
} satisfies RowsOf<Capabilities>);

export const podSecurityContext = settings({
  runAsUser: optional(userId),
  runAsGroup: optional(userId),
  runAsNonRoot: optional(flag),
  supplementalGroups: optional(list(userId)),
  fsGroup: optional(userId),
  fsGroupChangePolicy: optional(choice(["Always", "OnRootMismatch"]), "default: `Always`"),
  seLinuxOptions: optional(seLinuxOptions),
  seccompProfile: optional(seccompProfile),
  appArmorProfile: optional(appArmorProfile),
  sysctls: neverUnlessEmpty("set them for the machine, in /etc/sysctl.d"),
  windowsOptions: neverUnlessEmpty(windows),
} satisfies RowsOf<PodSecurityContext>);

export const containerSecurityContext = settings({
  runAsUser: optional(userId),
  runAsGroup: optional(userId),
  runAsNonRoot: optional(threeWayFlag),
  privileged: optional(flag),
  readOnlyRootFilesystem: optional(flag),
  allowPrivilegeEscalation: optional(threeWayFlag, "default: true"),
  capabilities: optional(capabilities),
  seccompProfile: optional(seccompProfile, "default: the pod's"),
  seLinuxOptions: optional(seLinuxOptions, "default: the pod's"),
  appArmorProfile: optional(appArmorProfile),
  procMount: optional(choice(["Default"], ["Unmasked"])),
  windowsOptions: neverUnlessEmpty(windows),
} satisfies RowsOf<SecurityContext>);
