// What becomes of a container's image, as events in the kubelet's words (pkg/kubelet/images).

import { errorChain } from "../host/error.ts";
import type { EventReason, PodEvent, RecordEvent } from "../pod/event.ts";
import { podKey } from "../pod/names.ts";
import type { Pod } from "../pod/pod.ts";
import { RuntimeError } from "../reconcile/runtime.ts";

export interface ImageEvents {
  present(): void;
  pulling(): void;
  pulled(took: Took): void;
  failed(error: unknown): void;
}

export interface Took {
  readonly pullMs: number;
  /** With the time that other pulls took first. */
  readonly allMs: number;
  /** Undefined: not known. */
  readonly sizeBytes: number | undefined;
}

export function imageEvents(
  record: RecordEvent,
  { namespace, name, uid }: Pick<Pod, "namespace" | "name" | "uid">,
  { name: container, image }: { readonly name: string; readonly image: string },
): ImageEvents {
  const object = { kind: "Pod", key: podKey(namespace, name), uid, container } as const;
  const tell = (type: PodEvent["type"], reason: EventReason, message: string) =>
    record({ object, type, reason, message });
  return {
    present: () => tell("Normal", "Pulled", `Container image "${image}" already present on machine`),
    pulling: () => tell("Normal", "Pulling", `Pulling image "${image}"`),
    pulled({ pullMs, allMs, sizeBytes }) {
      const took = `in ${formatMs(pullMs)} (${formatMs(allMs)} including waiting)`;
      const size = sizeBytes === undefined ? "" : ` Image size: ${sizeBytes} bytes.`;
      tell("Normal", "Pulled", `Successfully pulled image "${image}" ${took}.${size}`);
    },
    failed(error) {
      const message = errorChain(error);
      switch (error instanceof RuntimeError ? error.reason : undefined) {
        case "ImagePullBackOff":
          return tell("Normal", "BackOff", message);
        case "ErrImageNeverPull":
          return tell("Warning", "ErrImageNeverPull", message);
        default:
          return tell("Warning", "Failed", message);
      }
    },
  };
}

/** As Go prints a duration: `350ms`, `1.234s`, `1m2.5s`. */
function formatMs(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)}ms`;
  const minutes = Math.floor(ms / 60_000);
  return `${minutes > 0 ? `${minutes}m` : ""}${(Math.round(ms) % 60_000) / 1000}s`;
}
