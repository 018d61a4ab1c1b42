// What happened lately, counted as Kubernetes counts it (client-go tools/record): the same of the same object is one event with its
// times, and what differs only in its message becomes one event after a while.
// Invariant: at most `eventsMax` events, and of one object and reason at most `similarMax` and a combined one within `similarMs`.

import type { Event as V1Event } from "kubernetes-types/core/v1";
import type { CountedEvent, EventObject, PodEvent, RecordEvent } from "../pod/event.ts";
import type { PodKey } from "../pod/names.ts";
import { type Change, ChangeLog } from "./change-log.ts";
import { toV1Event } from "./v1-event.ts";

export interface EventStoreOptions {
  readonly clock: { readonly wallMs: () => number };
  readonly nodeName: string;
  readonly isInitContainer: (key: PodKey, container: string) => boolean;
  /** Keeps it beyond this process: each new event, and of repeats those that are worth it. */
  readonly write: (event: CountedEvent) => void;
}

interface Entry {
  readonly event: CountedEvent;
  readonly shown: V1Event;
}

const eventsMax = 1000;
const similarMax = 10;
const similarMs = 10 * 60_000;
const rewriteMs = 5 * 60_000;
const messageLengthMax = 1024;
const combined = "(combined from similar events): ";

export class EventStore {
  readonly #options: EventStoreOptions;
  readonly #log: ChangeLog<V1Event>;
  /** The last to happen last. */
  readonly #entries = new Map<string, Entry>();
  readonly #writtenMs = new Map<string, number>();

  constructor(options: EventStoreOptions) {
    this.#options = options;
    this.#log = new ChangeLog(options.clock.wallMs());
  }

  get resourceVersion(): string {
    return String(this.#log.version);
  }

  /** The last to happen last. */
  list(): readonly V1Event[] {
    return [...this.#entries.values()].map(({ shown }) => shown);
  }

  since(version: number): readonly Change<V1Event>[] | undefined {
    return this.#log.since(version);
  }

  /** Tells of every change from now on; the result ends it. */
  subscribe(listener: (change: Change<V1Event>) => void): () => void {
    return this.#log.subscribe(listener);
  }

  readonly record: RecordEvent = (event) => {
    const nowMs = this.#options.clock.wallMs();
    const told = this.#combine({ ...event, message: oneLine(event.message) }, nowMs);
    const key = keyOf(told);
    const old = this.#entries.get(key)?.event;
    const counted = { ...told, count: (old?.count ?? 0) + 1, firstMs: old?.firstMs ?? nowMs, lastMs: nowMs };
    this.#log.tell(this.#put(key, counted));
    const isPowerOfTwo = Number.isInteger(Math.log2(counted.count));
    if (!isPowerOfTwo && Math.abs(nowMs - (this.#writtenMs.get(key) ?? 0)) < rewriteMs) return;
    this.#writtenMs.set(key, nowMs);
    this.#options.write(counted);
  };

  /** What agents before this one wrote, oldest first. May come after first events of this one, and hold those too. */
  restore(events: readonly CountedEvent[]): void {
    const ours = new Map(this.#entries);
    const theirs = new Map<string, CountedEvent>();
    for (const event of events) {
      const key = keyOf(event);
      if (ours.get(key)?.event.firstMs === event.firstMs) continue;
      theirs.delete(key);
      theirs.set(key, event);
    }
    const added = [...theirs.keys()].filter((key) => !ours.has(key));
    for (const key of added.slice(0, Math.max(0, ours.size + added.length - eventsMax))) theirs.delete(key);
    const changes: Change<V1Event>[] = [];
    for (const [key, event] of theirs) if (!ours.has(key)) changes.push(...this.#put(key, event));
    for (const [key, entry] of ours) {
      const before = theirs.get(key);
      const { event } = entry;
      if (before === undefined) this.#move(key, entry);
      else {
        const count = before.count + event.count;
        changes.push(...this.#put(key, { ...event, count, firstMs: before.firstMs }));
      }
    }
    this.#log.tell(changes);
  }

  #put(key: string, event: CountedEvent): readonly Change<V1Event>[] {
    const shown = (version: number) => this.#shown(key, event, version);
    const previous = this.#entries.get(key)?.shown;
    const change = this.#log.append(previous ? "modified" : "added", previous, shown);
    this.#move(key, { event, shown: change.object });
    return this.#entries.size > eventsMax ? [change, ...this.#forgetOldest()] : [change];
  }

  #move(key: string, entry: Entry): void {
    this.#entries.delete(key);
    this.#entries.set(key, entry);
  }

  #forgetOldest(): readonly Change<V1Event>[] {
    const [oldest] = this.#entries;
    if (oldest === undefined) return [];
    const [key, { event, shown }] = oldest;
    this.#entries.delete(key);
    this.#writtenMs.delete(key);
    return [this.#log.append("deleted", shown, (version) => this.#shown(key, event, version))];
  }

  #shown(key: string, event: CountedEvent, version: number): V1Event {
    const { nodeName, isInitContainer } = this.#options;
    const { object } = event;
    const isOfInit = object.kind === "Pod" && isInitContainer(object.key, object.container ?? "");
    return toV1Event(event, { key, nodeName, version, isInitContainer: isOfInit });
  }

  /** With many different messages about one thing, as when each has a time in it, the last stands for all. */
  #combine(event: PodEvent, nowMs: number): PodEvent {
    if (this.#entries.has(keyOf(event))) return event;
    const similarKey = keyOf({ ...event, message: combined });
    let similar = 0;
    for (const [key, entry] of this.#entries)
      if (key.startsWith(similarKey) && nowMs - entry.event.lastMs < similarMs) similar += 1;
    return similar < similarMax ? event : { ...event, message: `${combined}${event.message}` };
  }
}

/** What is counted together. Of combined events the message does not count. */
function keyOf({ object, type, reason, message }: PodEvent): string {
  const parts = [objectKey(object), type, reason, message.startsWith(combined) ? "" : message];
  return parts.join("\n");
}

function objectKey(object: EventObject): string {
  if (object.kind === "Node") return "Node";
  return [object.uid, object.key, object.container ?? ""].join(" ");
}

function oneLine(message: string): string {
  const line = message
    .trim()
    .replaceAll(/\s*\n\s*/g, "; ")
    .replaceAll(/\p{Cc}/gu, " "); // it is shown on terminals
  return line.length > messageLengthMax ? `${line.slice(0, messageLengthMax - 1)}…` : line;
}
