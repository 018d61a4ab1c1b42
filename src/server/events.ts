// GET /events: v1.EventList, the last to happen last, and what happens from now on.

import { Hono } from "hono";
import type { EventList, Event as V1Event } from "kubernetes-types/core/v1";
import type { Timers } from "../host/clock.ts";
import type { ServerContext, ServerEnv } from "./connection.ts";
import { jsonResponse } from "./response.ts";
import { selection } from "./selection.ts";
import { isWatch, Watch, type Watched } from "./watch.ts";

export type EventsView = Watched<V1Event>;

export interface EventRoutesOptions {
  readonly events: EventsView;
  readonly timers: Timers;
}

export function eventRoutes({ events, timers }: EventRoutesOptions): Hono<ServerEnv> {
  const watch = new Watch<V1Event>({ source: events, kind: "Event", timers });
  return new Hono<ServerEnv>().get("/events", (c) => {
    const isSelected = eventSelection(c);
    if (isWatch(c)) return watch.respond(c, isSelected);
    const list: EventList = {
      kind: "EventList",
      apiVersion: "v1",
      metadata: { resourceVersion: events.resourceVersion },
      items: events.list().filter((event) => isSelected(event)),
    };
    return jsonResponse(list);
  });
}

/** `fieldSelector`, as kubectl has it, and for short `namespace` and `involvedObject.name`. */
function eventSelection(c: ServerContext): (event: V1Event) => boolean {
  const isSelected = selection(c) ?? (() => true);
  const namespace = c.req.query("namespace") || undefined;
  const name = c.req.query("involvedObject.name") || undefined;
  return (event) =>
    (namespace === undefined || event.metadata?.namespace === namespace) &&
    (name === undefined || event.involvedObject.name === name) &&
    isSelected(event);
}
