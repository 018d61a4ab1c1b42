// Serves 110 pods at /pods, and the same bytes at /plain by a route that does nothing else, for pod-list.ts to ask.

import { Hono } from "hono";
import type { RktUuid } from "../../src/pod/names.ts";
import type { ServerEnv } from "../../src/server/connection.ts";
import { podRoutes } from "../../src/server/pods.ts";
import { StatusStore } from "../../src/status/store.ts";
import { FakeClock } from "../fakes/fake-clock.ts";
import { baseDesired, basePod, baseRevision } from "../reconcile/base-world.ts";
import { listenAt } from "../server/at-socket.ts";

const clock = new FakeClock();
const status = new StatusStore({
  clock,
  hostIP: () => "192.0.2.1",
  events: () => [],
  sharedPids: () => undefined,
});
const names = Array.from({ length: 110 }, (_, number) => `pod-${number}`);
status.update({
  desired: baseDesired({ pods: names.map((name) => basePod({ name })) }),
  observation: {
    revisions: names.map((name, number) => ({
      ...baseRevision({ name }),
      uuid: `00000000-0000-4000-8000-${String(number).padStart(12, "0")}` as RktUuid,
    })),
    podDirectories: [],
  },
  waiting: new Map(),
  health: new Map(),
});
const bytes = status.listJson() as Uint8Array<ArrayBuffer>;
const headers = { "Content-Type": "application/json", "Content-Length": String(bytes.byteLength) };
const app = new Hono<ServerEnv>()
  .route("/", podRoutes({ status, timers: clock }))
  .get("/plain", () => new Response(bytes, { headers }));
const { address } = await listenAt(app, "http://127.0.0.1:0");
console.log(address);
