// Watching over real sockets: by curl, by many at once, and by somebody who does not read.

import { afterAll, describe, expect, test } from "bun:test";
import { Hono } from "hono";
import type { Pod } from "kubernetes-types/core/v1";
import type { ServerEnv } from "../../src/server/connection.ts";
import { Watch } from "../../src/server/watch.ts";
import { tempDir } from "../temp-dir.ts";
import { waitUntil } from "../wait-until.ts";
import { curl, listenAt, rawClient } from "./at-socket.ts";
import { WatchedStore } from "./watched-store.ts";

const dir = await tempDir();
afterAll(() => dir[Symbol.asyncDispose]());

function create() {
  const store = new WatchedStore();
  const watch = new Watch<Pod>({ source: store, kind: "Pod", timers: store.clock, stallMs: 300 });
  let goneCount = 0;
  const app = new Hono<ServerEnv>().get("/pods", (c) => {
    c.req.raw.signal.addEventListener("abort", () => {
      goneCount += 1;
    });
    return watch.respond(c, () => true);
  });
  return { store, app, goneCount: () => goneCount };
}

describe.each([`unix://${dir.path}/watch.sock`, "http://127.0.0.1:0"])("at %s", (address) => {
  test("curl sees each change as it happens", async () => {
    const { store, app } = create();
    await using listener = await listenAt(app, address);
    store.set({ web: {} });
    const client = curl(listener.address, "/pods", "-H", "Accept: text/event-stream");
    let text = "";
    const reading = (async () => {
      for await (const chunk of client.stdout) text += new TextDecoder().decode(chunk);
    })();
    await waitUntil("what there is", () => text.includes("event: bookmark"));
    store.set({ db: {} });
    await waitUntil("the change", () => /^event: added\ndata: .*"name":"db"/m.test(text));
    client.kill();
    await reading;
    await waitUntil("nobody to be left", () => store.clock.nextAlarmMs === undefined);
  });

  test("a client that takes nothing is cut, and holds no more than a part of what it could have", async () => {
    const { store, app, goneCount } = create();
    await using listener = await listenAt(app, address);
    store.set({ web: {} });
    const client = rawClient(listener.address, "GET /pods?watch=true HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
    await waitUntil("what there is", () => client.text().includes('"ADDED"'));
    client.socket.pause();
    const filler = "x".repeat(100_000);
    for (let number = 0; number < 200; number++) {
      store.set({ web: { filler: `${filler}${number}` } });
      await Bun.sleep(0); // the server's turn
    }
    await waitUntil("it to be cut", () => goneCount() === 1);
    client.socket.resume();
    await client.closed;
    expect(client.text().length).toBeLessThan(15_000_000);
  });
});

test("two hundred watch at once, and none is left when they leave", async () => {
  const { store, app } = create();
  await using listener = await listenAt(app, `unix://${dir.path}/many.sock`);
  store.set({ web: {} });
  const request = "GET /pods?watch=true HTTP/1.1\r\nHost: gantry\r\n\r\n";
  const clients = Array.from({ length: 200 }, () => rawClient(listener.address, request));
  await waitUntil("all to be told", () => clients.every((client) => client.text().includes('"ADDED"')));
  store.set({ web: { app: "x" } });
  await waitUntil("all to be told again", () =>
    clients.every((client) => client.text().includes('"MODIFIED"')),
  );
  for (const { socket } of clients) socket.destroy();
  await waitUntil("nobody to be left", () => store.clock.nextAlarmMs === undefined);
});
