// What a pod's directory keeps of each revision beside its unit and its rkt pod, a file each, from its preparation to its removal.
// Invariant: pure. What matters of a marker is in its name, since a full disk leaves a file without its content.

import type { HookHandler } from "../pod/handler.ts";
import { type ImageId, isRktUuid, type RktUuid } from "../pod/names.ts";
import type { Failure, Reason } from "../pod/observed-pod.ts";
import type { Ownership } from "../rkt/ownership.ts";

/** Which of its containers' message files are a revision's. */
export interface MessageFiles {
  readonly id: string;
  /** Containers whose log speaks for them where they failed without a message. */
  readonly fallbackToLogs: readonly string[];
}

/** Written when it is prepared. */
export interface RevisionRecord extends MessageFiles {
  /** What it was made for; undefined: an earlier gantry kept only the message files. */
  readonly mark: Ownership | undefined;
  readonly start: RevisionStart | undefined;
  readonly apps: readonly { readonly name: string; readonly imageId: ImageId }[];
  readonly hasPostStart: boolean;
  /** By container, as last accepted: its end may be asked for when its manifest is gone. */
  readonly preStop: Readonly<Record<string, HookHandler>>;
}

/** On the monotonic clock (Clock.nowMs) of that boot, but for the wall clock's `preparedAtMs`. */
export interface RevisionStart {
  readonly bootId: string;
  readonly preparedMs: number;
  readonly preparedAtMs: number;
  /** When the Pod's life began. */
  readonly activeSinceMs: number;
}

/** Undefined for what we never wrote: it must not keep us from looking at all the others. */
export function parseRecord(text: string): RevisionRecord | undefined {
  const record = parseObject<RevisionRecord>(text);
  if (record?.id === undefined || record.fallbackToLogs === undefined) return undefined;
  const { id, fallbackToLogs } = record;
  const later = { mark: undefined, start: undefined, apps: [], hasPostStart: false, preStop: {} };
  return { ...later, ...record, id, fallbackToLogs };
}

/**
 * `finished`: written by its unit when it ends (systemd/pod-unit.ts). `stopped` and `killed`: Runtime.stop() was about to end it, to make room
 * or for the reason of its own that is in the name. `started`: it was about to be, at this time of its boot. `ready`: it was Ready once.
 */
export type RevisionFile =
  | { readonly kind: "attempt" | "finished" | "stopped" | "post-started" | "ready" }
  | { readonly kind: "started"; readonly atMs: number }
  | { readonly kind: "killed"; readonly reason: Reason };

export function revisionFileName(file: RevisionFile, uuid: RktUuid): string {
  if (file.kind === "started") return `started-${file.atMs}-${uuid}`;
  return file.kind === "killed" ? `killed-${file.reason}-${uuid}` : `${file.kind}-${uuid}`;
}

/** Undefined for what is no revision's. */
export function parseRevisionFileName(name: string): { file: RevisionFile; uuid: RktUuid } | undefined {
  const [, kind, atMs, reason, uuid = ""] =
    /^(attempt|finished|stopped|post-started|ready|started-(\d+)|killed-([A-Za-z]+))-([0-9a-f-]{36})$/.exec(
      name,
    ) ?? [];
  if (!isRktUuid(uuid)) return undefined;
  if (atMs !== undefined) return { file: { kind: "started", atMs: Number(atMs) }, uuid };
  if (reason !== undefined) return { file: { kind: "killed", reason: reason as Reason }, uuid };
  return { file: { kind: kind as Exclude<RevisionFile["kind"], "started" | "killed"> }, uuid };
}

/** What a `stopped` or `killed` marker says beside its name. */
export interface StopMarker {
  /** Of the cause; empty: none. */
  readonly message: string;
  /** preStop hooks came first. They may make it end by itself, which then is no end of its own accord. */
  readonly hasHooks: boolean;
}

/** Empty is that of an earlier gantry, and of a full disk. */
export function parseStopMarker(text: string): StopMarker {
  return { message: "", hasHooks: false, ...parseObject<StopMarker>(text) };
}

function parseObject<T>(text: string): Partial<T> | undefined {
  try {
    return JSON.parse(text) as Partial<T>;
  } catch {
    return undefined;
  }
}

/** All that is there of one revision. */
export interface RevisionTraces {
  readonly record: RevisionRecord | undefined;
  /** On the monotonic clock of its boot. */
  readonly startedMs: number | undefined;
  /** The finish marker's text, and when it was written, in milliseconds since the epoch. */
  readonly finished: { readonly text: string; readonly writtenAtMs: number } | undefined;
  readonly stopped: StopMarker | undefined;
  readonly killed: (StopMarker & { readonly reason: Failure["reason"] }) | undefined;
  readonly isPostStarted: boolean;
  readonly wasReady: boolean;
}

export const noTraces: RevisionTraces = {
  record: undefined,
  startedMs: undefined,
  finished: undefined,
  stopped: undefined,
  killed: undefined,
  isPostStarted: false,
  wasReady: false,
};
