// An event as v1.Event. Pure.
// Invariant: its name and uid are the same for every agent that tells of it.

import { createHash } from "node:crypto";
import type { ObjectReference, Event as V1Event } from "kubernetes-types/core/v1";
import type { CountedEvent, EventObject } from "../pod/event.ts";
import { rfc3339 } from "../pod/time.ts";

export interface EventContext {
  /** What has been counted together. */
  readonly key: string;
  readonly nodeName: string;
  readonly version: number;
  readonly isInitContainer: boolean;
}

export function toV1Event(event: CountedEvent, context: EventContext): V1Event {
  const { key, nodeName, version } = context;
  const { type, reason, message, count, firstMs, lastMs } = event;
  const involvedObject = referenceTo(event.object, context);
  const digest = createHash("md5").update(`${key}\n${firstMs}`).digest("hex");
  return {
    kind: "Event",
    apiVersion: "v1",
    metadata: {
      name: `${involvedObject.name}.${digest.slice(0, 16)}`,
      // A node is in no namespace, and its events are in this one.
      namespace: involvedObject.namespace ?? "default",
      uid: digest.replace(/(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-"),
      resourceVersion: String(version),
      creationTimestamp: rfc3339(firstMs),
    },
    involvedObject,
    reason,
    message,
    source: { component: "gantry", host: nodeName },
    firstTimestamp: rfc3339(firstMs),
    lastTimestamp: rfc3339(lastMs),
    count,
    type,
    reportingComponent: "gantry",
    reportingInstance: nodeName,
  };
}

function referenceTo(
  object: EventObject,
  { nodeName, isInitContainer }: EventContext,
): ObjectReference & { name: string } {
  // As the kubelet does, whose node has no uid to itself.
  if (object.kind === "Node") return { kind: "Node", name: nodeName, uid: nodeName };
  const [namespace = "", name = ""] = object.key.split("/");
  const field = isInitContainer ? "initContainers" : "containers";
  return {
    kind: "Pod",
    namespace,
    name,
    uid: object.uid,
    apiVersion: "v1",
    ...(object.container !== undefined && { fieldPath: `spec.${field}{${object.container}}` }),
  };
}
