// How a change is written to who watches. Pure.

import type { Change } from "../status/change-log.ts";

type ChangeType = Change<unknown>["kind"] | "bookmark";

export interface WatchFormat {
  change(type: ChangeType, json: string, version: number | undefined): string;
  /** What was since the version that the client has is not known any more. */
  expired(message: string): string;
  /** All that there is follows it. */
  readonly startsAnew: boolean;
  readonly heartbeat: string;
}

/** WHATWG HTML, server-sent events. */
export const eventFormat: WatchFormat = {
  change: (type, json, version) =>
    `${version === undefined ? "" : `id: ${version}\n`}event: ${type}\ndata: ${json}\n\n`,
  expired: (message) => `event: reset\ndata: ${JSON.stringify({ reason: "Expired", message })}\n\n`,
  startsAnew: true,
  heartbeat: ": still there\n\n",
};

/** As the API server's. */
export const lineFormat: WatchFormat = {
  change: (type, json) => `{"type":"${type.toUpperCase()}","object":${json}}\n`,
  expired: (message) =>
    `${JSON.stringify({
      type: "ERROR",
      object: {
        kind: "Status",
        apiVersion: "v1",
        metadata: {},
        status: "Failure",
        message,
        reason: "Expired",
        code: 410,
      },
    })}\n`,
  startsAnew: false,
  heartbeat: "",
};
