// A stream of what changes in a store: server-sent events, which can be resumed by the last one's id, or the lines of a Kubernetes watch.
// Invariant: of a client nothing is kept but the version that it has been told; who falls further behind than the store remembers is cut.

import type { Timers } from "../host/clock.ts";
import type { Change } from "../status/change-log.ts";
import type { ServerContext } from "./connection.ts";
import { RequestError } from "./request-error.ts";
import { eventFormat, lineFormat, type WatchFormat } from "./watch-format.ts";

export interface Watched<T> {
  readonly resourceVersion: string;
  list(): readonly T[];
  /** Undefined: not all of them are known any more. */
  since(version: number): readonly Change<T>[] | undefined;
  subscribe(listener: (change: Change<T>) => void): () => void;
}

export interface WatchOptions<T> {
  readonly source: Watched<T>;
  /** Of its objects. */
  readonly kind: string;
  readonly timers: Timers;
  /** How long a client may take nothing of what it has asked for. */
  readonly stallMs?: number;
}

const stallMs = 60_000;
/** Proxies and people tell by it that the connection is alive. */
const heartbeatMs = 15_000;
/** As the API server does, for who has asked for bookmarks. */
const bookmarkMs = 60_000;

/** Of a program that asks for a stream, not a list. */
export function isWatch({ req }: ServerContext): boolean {
  return ["true", "1"].includes(req.query("watch") ?? "") || wantsEvents(req.header("accept"));
}

function wantsEvents(accept = ""): boolean {
  return accept.includes("text/event-stream");
}

export class Watch<T extends object> {
  readonly #options: WatchOptions<T>;
  /** An object is serialised once for all who watch. */
  readonly #json = new WeakMap<T, string>();

  constructor(options: WatchOptions<T>) {
    this.#options = options;
  }

  respond(c: ServerContext, matches: (object: T) => boolean): Response {
    const query = decodeWatchQuery(c);
    const headers = {
      "Content-Type": query.isEvents ? "text/event-stream; charset=utf-8" : "application/json",
    };
    if (c.req.raw.method === "HEAD") return new Response(null, { headers });
    c.env.keepOpen(this.#options.stallMs ?? stallMs);
    const follower = new Follower({
      ...this.#options,
      query,
      matches,
      format: query.isEvents ? eventFormat : lineFormat,
      json: (object) => this.#jsonOf(object),
      left: c.req.raw.signal,
    });
    return new Response(follower.stream(), { headers });
  }

  #jsonOf(object: T): string {
    const known = this.#json.get(object) ?? JSON.stringify(object);
    this.#json.set(object, known);
    return known;
  }
}

interface WatchQuery {
  readonly isEvents: boolean;
  /** Undefined: from what there is now. */
  readonly since: number | undefined;
  /** Undefined: what there is at first is told too, unless there is a version to begin from. */
  readonly sendInitial: boolean | undefined;
  readonly wantsBookmarks: boolean;
  readonly timeoutMs: number | undefined;
}

function decodeWatchQuery({ req }: ServerContext): WatchQuery {
  const isEvents = wantsEvents(req.header("accept"));
  const version = req.header("last-event-id") || req.query("resourceVersion") || "0";
  const timeout = req.query("timeoutSeconds") ?? "";
  if (!/^\d{0,9}$/.test(timeout)) throw new RequestError(400, "timeoutSeconds must be a whole number");
  const initial = req.query("sendInitialEvents");
  return {
    isEvents,
    // What is no version of ours is too old.
    since: version === "0" ? undefined : /^\d{1,16}$/.test(version) ? Number(version) : -1,
    sendInitial: initial === undefined ? undefined : initial === "true",
    wantsBookmarks: isEvents || req.query("allowWatchBookmarks") === "true",
    timeoutMs: timeout === "" || Number(timeout) === 0 ? undefined : Number(timeout) * 1000,
  };
}

interface FollowerOptions<T> extends WatchOptions<T> {
  readonly query: WatchQuery;
  readonly format: WatchFormat;
  /** The client has gone. */
  readonly left: AbortSignal;
  matches(object: T): boolean;
  json(object: T): string;
}

class Follower<T> {
  readonly #options: FollowerOptions<T>;
  readonly #encoder = new TextEncoder();
  /** Up to which it has been told, or spared. */
  #version = 0;
  /** The version that it would begin again from. */
  #toldVersion = 0;
  readonly #end = new AbortController();
  readonly #ended: AbortSignal;

  constructor(options: FollowerOptions<T>) {
    this.#options = options;
    this.#ended = AbortSignal.any([options.left, this.#end.signal]);
  }

  /** Pulled, so that nothing is made for who does not take it. */
  stream(): ReadableStream<Uint8Array> {
    const { query, timers } = this.#options;
    const end = () => this.#end.abort();
    if (query.timeoutMs !== undefined)
      this.#ended.addEventListener("abort", timers.after(query.timeoutMs, end), { once: true });
    let first: string | undefined = this.#begin();
    return new ReadableStream(
      {
        pull: async (controller) => {
          const text = first ?? (await this.#next());
          first = undefined;
          if (text !== undefined) controller.enqueue(this.#encoder.encode(text));
          if (this.#ended.aborted) controller.close();
        },
        cancel: end,
      },
      { highWaterMark: 0 },
    );
  }

  /** What is told at once; may be nothing. */
  #begin(): string | undefined {
    const { source, query, format } = this.#options;
    const { since } = query;
    if (since !== undefined && source.since(since) === undefined) {
      if (!format.startsAnew) this.#end.abort();
      const message = `too old resource version: ${since < 0 ? "unknown" : since} (${source.resourceVersion})`;
      return format.expired(message) + (format.startsAnew ? this.#all() : "");
    }
    if (query.sendInitial ?? since === undefined) return this.#all();
    this.#version = since ?? Number(source.resourceVersion);
    this.#toldVersion = this.#version;
    return undefined;
  }

  /** Without ids but the last: who was told half of it must begin anew. */
  #all(): string {
    const { source, query, format, matches, json } = this.#options;
    const all = source.list().filter((object) => matches(object));
    this.#version = Number(source.resourceVersion);
    this.#toldVersion = this.#version;
    const told = all.map((object) => format.change("added", json(object), undefined)).join("");
    return query.wantsBookmarks ? told + this.#bookmark(query.sendInitial === true) : told;
  }

  /** Undefined: it is over. */
  async #next(): Promise<string | undefined> {
    const { source, format, query } = this.#options;
    for (;;) {
      const changes = source.since(this.#version);
      if (changes === undefined) this.#end.abort(); // too slow: it may begin again
      if (this.#ended.aborted || changes === undefined) return undefined;
      const told = changes.map((change) => this.#tell(change)).join("");
      if (told !== "") return told;
      if (changes.length > 0) continue;
      const isChanged = await this.#wait(query.isEvents ? heartbeatMs : bookmarkMs);
      if (isChanged || this.#ended.aborted) continue;
      const isBehind = this.#version !== this.#toldVersion;
      if (query.wantsBookmarks && (isBehind || !query.isEvents)) return this.#bookmark(false);
      if (format.heartbeat !== "") return format.heartbeat;
    }
  }

  #tell({ kind, object, previous, version }: Change<T>): string {
    const { format, matches, json } = this.#options;
    this.#version = version;
    const isKnown = previous !== undefined && matches(previous);
    const isMatch = kind !== "deleted" && matches(object);
    if (!isKnown && !isMatch) return "";
    this.#toldVersion = version;
    return format.change(isMatch ? (isKnown ? "modified" : "added") : "deleted", json(object), version);
  }

  #bookmark(isInitialEnd: boolean): string {
    const { format, kind } = this.#options;
    this.#toldVersion = this.#version;
    const annotations = { "k8s.io/initial-events-end": "true" };
    const metadata = { resourceVersion: String(this.#version), ...(isInitialEnd && { annotations }) };
    return format.change("bookmark", JSON.stringify({ kind, apiVersion: "v1", metadata }), this.#version);
  }

  /** Whether something has changed by then; also resolves when it is over. */
  async #wait(ms: number): Promise<boolean> {
    const { source, timers } = this.#options;
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const leave = () => resolve(false);
    const unsubscribe = source.subscribe(() => resolve(true));
    const cancel = timers.after(ms, leave);
    this.#ended.addEventListener("abort", leave, { once: true });
    try {
      return await promise;
    } finally {
      unsubscribe();
      cancel();
      this.#ended.removeEventListener("abort", leave);
    }
  }
}
