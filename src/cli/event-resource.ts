// Events as `gantry get` and `gantry events` list them, in kubectl's columns.

import type { Event, EventList } from "kubernetes-types/core/v1";
import { formatAge } from "../pod/age.ts";
import { type Columns, type Resource, unknown } from "./resource.ts";
import type { Row } from "./table.ts";

export const eventResource: Resource<Event> = {
  names: ["events", "event", "ev"],
  isNamespaced: true,
  watchPath: "/events",
  async list(client) {
    const whole = await client.json<EventList>("/events");
    return { whole, items: whole.items };
  },
  withItems: (whole, items) => ({ ...whole, items }),
  nameOf: ({ metadata }) => metadata?.name ?? "",
  namespaceOf: ({ involvedObject, metadata }) => involvedObject.namespace ?? metadata?.namespace,
  isNamed: ({ metadata }, name) => metadata?.name === name,
  labelsOf: () => ({}),
  head: ({ isWide }) => [
    "LAST SEEN",
    "TYPE",
    "REASON",
    "OBJECT",
    ...(isWide ? ["SUBOBJECT"] : []),
    "MESSAGE",
  ],
  row: eventRow,
};

function eventRow(event: Event, { isWide, nowMs }: Columns): Row {
  const { type = "", reason = "", involvedObject, message = "" } = event;
  return [
    lastSeen(event, nowMs),
    { text: type, color: type === "Warning" ? "yellow" : undefined },
    reason,
    `${(involvedObject.kind ?? "").toLowerCase()}/${involvedObject.name ?? ""}`,
    ...(isWide ? [involvedObject.fieldPath ?? ""] : []),
    message,
  ];
}

/** `5m (x3 over 10m)`. */
function lastSeen({ firstTimestamp, lastTimestamp, eventTime, count = 1 }: Event, nowMs: number): string {
  const since = (time: string | undefined) =>
    time === undefined ? unknown : formatAge(nowMs - Date.parse(time));
  const last = since(lastTimestamp ?? eventTime ?? firstTimestamp);
  return count > 1 ? `${last} (x${count} over ${since(firstTimestamp)})` : last;
}
