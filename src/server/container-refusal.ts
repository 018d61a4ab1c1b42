// Why a container cannot be reached, in the kubelet's words as far as it has any.

import type { NoContainer } from "../pod/pod-log.ts";
import { type PodsView, podNotFound } from "./pods.ts";
import { RequestError } from "./request-error.ts";

export interface AskedContainer {
  readonly namespace: string;
  readonly name: string;
  /** Undefined: the only one. */
  readonly container: string | undefined;
}

export function noContainer(refusal: NoContainer, status: PodsView, asked: AskedContainer): RequestError {
  const { namespace, name } = asked;
  switch (refusal.kind) {
    case "podNotFound":
      return podNotFound(status, namespace, name);
    case "containerNotFound": {
      const container = `container ${JSON.stringify(asked.container)}`;
      return new RequestError(
        404,
        `${container} not found in pod ${JSON.stringify(name)}, which has [${refusal.containers.join(" ")}]`,
      );
    }
    case "containerRequired":
      return new RequestError(
        400,
        `a container name must be specified for pod ${name}, choose one of: [${refusal.containers.join(" ")}]`,
      );
    default:
      return refusal satisfies never;
  }
}

export function notRunning(name: string, container: string, reason: string): RequestError {
  return new RequestError(
    409,
    `container ${JSON.stringify(container)} in pod ${JSON.stringify(name)} is not running: ${reason}`,
  );
}
