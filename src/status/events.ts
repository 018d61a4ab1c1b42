// What happened lately, counted as Kubernetes counts it (client-go tools/record): the same of the same object is one event with its
// times, and what differs only in its message becomes one event after a while.
// Invariant: at most `eventsMax` events, and of one object and reason at most `similarMax` and a combined one within `similarMs`.

import type { CountedEvent, EventObject, PodEvent, RecordEvent } from "../pod/event.ts";
import { type Change, ChangeLog } from "./change-log.ts";

export interface KeptEvent extends CountedEvent {
  readonly version: number;
}

export interface EventStoreOptions {
  readonly clock: { readonly wallMs: () => number };
  /** Keeps it beyond this process: each new event, and of repeats those that are worth it. */
  readonly write: (event: CountedEvent) => void;
}

const eventsMax = 1000;
const similarMax = 10;
const similarMs = 10 * 60_000;
const rewriteMs = 5 * 60_000;
const messageLengthMax = 1024;
const combined = "(combined from similar events): ";

export class EventStore {
  readonly #options: EventStoreOptions;
  readonly #log: ChangeLog<KeptEvent>;
  /** The last to happen last. */
  readonly #events = new Map<string, KeptEvent>();
  readonly #writtenMs = new Map<string, number>();

  constructor(options: EventStoreOptions) {
    this.#options = options;
    this.#log = new ChangeLog(options.clock.wallMs());
  }

  get version(): number {
    return this.#log.version;
  }

  /** The last to happen last. */
  list(): readonly KeptEvent[] {
    return [...this.#events.values()];
  }

  since(version: number): readonly Change<KeptEvent>[] | undefined {
    return this.#log.since(version);
  }

  /** Tells of every change from now on; the result ends it. */
  subscribe(listener: (change: Change<KeptEvent>) => void): () => void {
    return this.#log.subscribe(listener);
  }

  readonly record: RecordEvent = (event) => {
    const nowMs = this.#options.clock.wallMs();
    const told = this.#combine({ ...event, message: oneLine(event.message) }, nowMs);
    const key = keyOf(told);
    const old = this.#events.get(key);
    const counted = { ...told, count: (old?.count ?? 0) + 1, firstMs: old?.firstMs ?? nowMs, lastMs: nowMs };
    this.#put(key, counted);
    const isPowerOfTwo = Number.isInteger(Math.log2(counted.count));
    if (!isPowerOfTwo && Math.abs(nowMs - (this.#writtenMs.get(key) ?? 0)) < rewriteMs) return;
    this.#writtenMs.set(key, nowMs);
    this.#options.write(counted);
  };

  /** What agents before this one wrote, oldest first. May come after first events of this one, and hold those too. */
  restore(events: readonly CountedEvent[]): void {
    const ours = new Map(this.#events);
    const theirs = new Map<string, CountedEvent>();
    for (const event of events) {
      const key = keyOf(event);
      if (ours.get(key)?.firstMs === event.firstMs) continue;
      theirs.delete(key);
      theirs.set(key, event);
    }
    for (const [key, event] of theirs) if (!ours.has(key)) this.#put(key, event);
    for (const [key, event] of ours) {
      const before = theirs.get(key);
      if (before) this.#put(key, { ...event, count: before.count + event.count, firstMs: before.firstMs });
      else this.#move(key, event);
    }
  }

  #put(key: string, event: CountedEvent): void {
    const kind = this.#events.has(key) ? "modified" : "added";
    const change = this.#log.append(kind, (version) => ({ ...event, version }));
    this.#move(key, change.object);
    this.#log.tell([change]);
    const [oldest] = this.#events;
    if (this.#events.size <= eventsMax || oldest === undefined) return;
    this.#events.delete(oldest[0]);
    this.#writtenMs.delete(oldest[0]);
    this.#log.tell([this.#log.append("deleted", (version) => ({ ...oldest[1], version }))]);
  }

  #move(key: string, event: KeptEvent): void {
    this.#events.delete(key);
    this.#events.set(key, event);
  }

  /** With many different messages about one thing, as when each has a time in it, the last stands for all. */
  #combine(event: PodEvent, nowMs: number): PodEvent {
    if (this.#events.has(keyOf(event))) return event;
    const similarKey = keyOf({ ...event, message: combined });
    let similar = 0;
    for (const [key, { lastMs }] of this.#events)
      if (key.startsWith(similarKey) && nowMs - lastMs < similarMs) similar += 1;
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
