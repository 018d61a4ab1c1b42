// What a Pod's annotations say of its life. Invariant: a value that is wrong is a problem, and then the default stands for it.

import { type PodKey, podKey } from "../pod/names.ts";
import type { LifeSettings } from "../pod/pod.ts";
import { annotation } from "./annotations.ts";
import { quote } from "./decode-scalar.ts";
import { parseDuration } from "./duration.ts";
import { dnsLabel, dnsSubdomain } from "./format.ts";
import type { PodManifest } from "./schema.ts";

const defaultFirstMs = 10_000;
const defaultMaxMs = 300_000;

const hour = { text: "1h", ms: 3_600_000 };
const day = { text: "24h", ms: 24 * hour.ms };

/** Told of the annotation and of why its value is wrong. */
export type OnWrong = (name: string, message: string) => void;

export function lifeOf({ metadata, spec }: PodManifest, onWrong: OnWrong = () => undefined): LifeSettings {
  const annotations = metadata.annotations ?? {};
  const duration = (name: string, most: typeof hour) => {
    const text = annotations[name];
    const ms = text === undefined ? undefined : parseDuration(text);
    if (text === undefined || (ms !== undefined && ms >= 1000 && ms <= most.ms)) return ms;
    onWrong(name, `Invalid value: ${quote(text)}: must be a duration from 1s to ${most.text}, as 90s or 5m`);
    return undefined;
  };
  const firstMs = duration(annotation.restartBackOff, hour);
  const maxMs = duration(annotation.restartBackOffMax, hour);
  if (firstMs !== undefined && maxMs !== undefined && maxMs < firstMs) {
    const text = quote(annotations[annotation.restartBackOffMax] ?? "");
    onWrong(
      annotation.restartBackOffMax,
      `Invalid value: ${text}: must not be less than ${annotation.restartBackOff}`,
    );
  }
  return {
    after: podsNamed(annotations[annotation.after] ?? "", {
      namespace: metadata.namespace,
      nodeName: spec.nodeName ?? "",
      onWrong: (message) => onWrong(annotation.after, message),
    }),
    rollbackAfterMs: duration(annotation.rollbackAfter, day),
    restartBackOff: {
      firstMs: firstMs ?? Math.min(defaultFirstMs, maxMs ?? defaultMaxMs),
      maxMs: Math.max(maxMs ?? defaultMaxMs, firstMs ?? 0),
    },
  };
}

interface NamedBy {
  /** Of a name that says none. */
  readonly namespace: string;
  readonly nodeName: string;
  readonly onWrong: (message: string) => void;
}

/** By their names as written in their manifests, or as the status shows them, with the node's at the end. */
function podsNamed(text: string, { namespace, nodeName, onWrong }: NamedBy): readonly PodKey[] {
  const names = text.split(",").map((part) => part.trim());
  return names.flatMap((written) => {
    if (written === "") return [];
    const parts = written.split("/");
    const name = parts.at(-1) ?? "";
    const ofNamespace = parts.length === 1 ? namespace : (parts[0] ?? "");
    const problem =
      parts.length > 2 ? "must be NAMESPACE/NAME" : (dnsLabel(ofNamespace) ?? dnsSubdomain(name));
    if (problem !== undefined) {
      onWrong(`Invalid value: ${quote(written)}: ${problem}`);
      return [];
    }
    return [podKey(ofNamespace, name.endsWith(`-${nodeName}`) ? name : `${name}-${nodeName}`)];
  });
}
