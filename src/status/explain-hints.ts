// What can be done about it: one sentence for each kind of cause, or nothing. Pure.

import type { Failure, Reason } from "../pod/observed-pod.ts";

const byReason: Readonly<Partial<Record<Reason, string>>> = {
  ErrImageNeverPull: "Fetch the image beforehand, or let imagePullPolicy be IfNotPresent.",
  InvalidImageName: "Mend the container's image in the manifest.",
  CreateContainerConfigError:
    "Put what is missing beside the pod, in its namespace, or mark the reference as optional; the pod starts as soon as it is there.",
  FailedMount: "Look at the volume's path and type in the manifest, and at what is there on this machine.",
  FailedKillPod: "Something holds on to it: fuser -vm or lsof on the path tells what. It is tried again.",
  FailedPostStartHook: "Look at what the postStart hook runs: the container is ended when it fails.",
  Unhealthy: "Look at the probe's port, path or command, its timeoutSeconds and its failureThreshold.",
  DeadlineExceeded: "Raise activeDeadlineSeconds; an edit of the manifest starts the pod anew.",
  Evicted: "Let it use less, or raise its limit; the pod is started again by itself.",
  RolledBack: "Mend the manifest: the next version of it is tried again.",
};

const imageHints: readonly (readonly [pattern: RegExp, hint: string])[] = [
  [
    /\b(401|403|unauthorized|denied|authentication|credential)/i,
    "The registry wants to know who asks: imagePullSecrets, or /etc/gantry/auth.json.",
  ],
  [
    /\b(404|not found|manifest unknown|no such file)/i,
    "Look at the image's name and tag: there is none of that name.",
  ],
  [/x509|certificate/i, "The registry's certificate is not trusted by this machine."],
  [
    /connection refused|no such host|timed? ?out|timeout|unreachable|did not end in time|lookup|dial/i,
    "The registry cannot be reached: look at this machine's network and DNS.",
  ],
  [/no space left/i, "The disk is full."],
];

export function failureHint({ reason, message }: Failure): string {
  if (reason === "Evicted" && message.startsWith("The node was low"))
    return "Free what the machine is short of; the pod is started again by itself.";
  if (reason !== "ErrImagePull" && reason !== "ImagePullBackOff") return byReason[reason] ?? "";
  return imageHints.find(([pattern]) => pattern.test(message))?.[1] ?? "";
}

/** 128 and the signal's number for shells and Docker's images; the number alone is what rkt keeps. */
const signals: Readonly<Record<number, string>> = {
  6: "SIGABRT",
  9: "SIGKILL",
  11: "SIGSEGV",
  15: "SIGTERM",
};

/** ` with exit code 137 (SIGKILL)`; empty where that is not known. */
export function exitText(exitCode: number | undefined): string {
  if (exitCode === undefined) return "";
  const signal = signals[exitCode] ?? signals[exitCode - 128];
  return ` with exit code ${exitCode}${signal === undefined ? "" : ` (${signal})`}`;
}

export function exitHint(exitCode: number | undefined): string {
  switch (exitCode) {
    case 0:
      return "A container that is to run on must not end; for work that ends, restartPolicy is OnFailure or Never.";
    case 9:
    case 137:
      return "Killed: if it has a memory limit, it may have reached that, and the kernel's log (journalctl -k) says so.";
    case 126:
    case 203:
      return "The command could not be executed: is it in the image, and executable for the container's user?";
    case 127:
      return "The command was not found in the image.";
    default:
      return "";
  }
}
