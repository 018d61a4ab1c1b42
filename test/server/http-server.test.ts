// What clients that mean no good, or do not care, can take of the agent: over real sockets.

import { afterAll, describe, expect, test } from "bun:test";
import type { Answerer } from "../../src/server/connection.ts";
import { tempDir } from "../temp-dir.ts";
import { waitUntil } from "../wait-until.ts";
import { curled, listenAt, rawClient, statusOf } from "./at-socket.ts";
import { logLine, silentLog, testApp } from "./test-app.ts";

const dir = await tempDir();
afterAll(() => dir[Symbol.asyncDispose]());
const addresses = [`unix://${dir.path}/http.sock`, "http://127.0.0.1:0"];
const follow = "/pods/default/web-edge/logs?follow=true";

/** Reads the body, and says how long it was. */
const reader: Answerer = {
  fetch: async (request) => new Response(`${(await request.bytes()).length}\n`),
};

function problemIn(text: string): { status: number; requestId: string } {
  return JSON.parse(text.slice(text.indexOf("\r\n\r\n") + 4));
}

describe.each(addresses)("at %s", (address) => {
  test("a header that is too long is a 431, and its id is in the log", async () => {
    let log = "";
    await using listener = await listenAt(testApp().app, address, {
      write: (line) => {
        log += line;
      },
    });
    const client = rawClient(listener.address, `GET / HTTP/1.1\r\nX: ${"y".repeat(20_000)}\r\n\r\n`);
    await client.closed;
    expect(client.text()).toStartWith("HTTP/1.1 431 Request Header Fields Too Large\r\n");
    const problem = problemIn(client.text());
    expect(problem.status).toBe(431);
    expect(log).toContain(problem.requestId);
  });

  test.each([
    ["no HTTP", "\x16\x03\x01\x00\xa5garbage\r\n\r\n"],
    ["HTTP/0.9", "GET /pods\r\n\r\n"],
    ["two lengths", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"],
    [
      "a length and chunks",
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ],
    ["a space before the colon", "GET / HTTP/1.1\r\nHost : a\r\n\r\n"],
    ["a bare line feed in a name", "GET / HTTP/1.1\r\nHost: a\r\nA\nB: c\r\n\r\n"],
  ])("%s is a 400 and the end of the connection", async (_what, bytes) => {
    await using listener = await listenAt(testApp().app, address);
    const client = rawClient(listener.address, bytes);
    await client.closed;
    expect(client.text()).toMatch(/^HTTP\/1\.1 400 /);
    expect(problemIn(client.text()).status).toBe(400);
  });

  test("a body that says it is too long is a 413", async () => {
    await using listener = await listenAt(testApp().app, address);
    const head = "POST /pods HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000\r\n\r\n";
    const client = rawClient(listener.address, head);
    await client.closed;
    const expected = address.startsWith("unix") ? 413 : 403; // who does not know our name is not even told that
    expect(problemIn(client.text()).status).toBe(expected);
  });

  test("a body that is too long and does not say so is a 413", async () => {
    await using listener = await listenAt(
      {
        fetch: (request) =>
          request.bytes().then(
            () => new Response("all"),
            (error) => new Response(error.message, { status: 413 }),
          ),
      },
      address,
    );
    const client = rawClient(
      listener.address,
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
    );
    const chunk = `4000\r\n${"x".repeat(0x4000)}\r\n`;
    for (let sent = 0; sent < 8; sent++) client.socket.write(chunk);
    await client.closed;
    expect(client.text()).toStartWith("HTTP/1.1 413 ");
    expect(client.text()).toContain("The body is longer than 65536 bytes");
  });

  test("a body that nobody reads ends the connection, and never is the next request", async () => {
    await using listener = await listenAt(testApp().app, address);
    const inner = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
    const client = rawClient(
      listener.address,
      `POST /pods HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${inner.length + 10}\r\n\r\n${inner}`,
    );
    await client.closed;
    expect(client.text().match(/HTTP\/1\.1 /g)).toHaveLength(1);
  });

  test("of requests that are sent at once one is answered at a time, and what came meanwhile is dropped with the connection", async () => {
    let asked = 0;
    const { promise: answered, resolve: answer } = Promise.withResolvers<void>();
    const slow: Answerer = {
      async fetch() {
        asked += 1;
        await answered;
        return new Response("done");
      },
    };
    await using listener = await listenAt(slow, address);
    const client = rawClient(listener.address, "GET / HTTP/1.1\r\nHost: a\r\n\r\n".repeat(50));
    await waitUntil("the first request", () => asked > 0);
    answer();
    await client.closed;
    expect(asked).toBe(1);
    expect(client.text().match(/HTTP\/1\.1 /g)).toHaveLength(1);
    expect(client.text()).toContain("\r\nConnection: close\r\n");
    expect(client.text()).toContain("done");
  });

  test.each([0, 100_000])(
    "who sends thousands of requests at once is cut, also with answers of %d bytes",
    async (size) => {
      let asked = 0;
      const quick: Answerer = {
        fetch() {
          asked += 1;
          return new Response("x".repeat(size), { headers: { "content-length": String(size) } });
        },
      };
      await using listener = await listenAt(quick, address);
      const client = rawClient(listener.address, "GET / HTTP/1.1\r\nHost: a\r\n\r\n".repeat(5000));
      await client.closed;
      expect(asked).toBeLessThan(100);
    },
  );

  test("a header that trickles in is cut, and so is a connection that says nothing", async () => {
    await using listener = await listenAt(testApp().app, address, { limits: { headerMs: 300 } });
    const silent = rawClient(listener.address);
    const half = rawClient(listener.address, "GET / HTTP/1.1\r\n");
    const slow = rawClient(listener.address, "GET / HTTP/1.1\r\n");
    const trickle = setInterval(() => slow.socket.write("X-A: b\r\n"), 50);
    for (const client of [silent, half, slow]) expect(await client.closed).toBeLessThan(3000);
    clearInterval(trickle);
    expect(half.text()).toStartWith("HTTP/1.1 408 ");
  });

  test("a body that trickles in is cut", async () => {
    await using listener = await listenAt(reader, address, { limits: { bodyMs: 300 } });
    const slow = rawClient(listener.address, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n");
    const trickle = setInterval(() => slow.socket.write("x"), 50);
    expect(await slow.closed).toBeLessThan(3000);
    clearInterval(trickle);
  });

  test("a connection that is kept but not used is closed", async () => {
    await using listener = await listenAt(testApp().app, address, { limits: { silenceMs: 300 } });
    const client = rawClient(listener.address, "GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
    expect(await client.closed).toBeLessThan(5000);
    expect(client.text()).toStartWith("HTTP/1.1 ");
  });

  test("an answer that is not taken is given up", async () => {
    const { promise: gone, resolve } = Promise.withResolvers<void>();
    const endless: Answerer = {
      fetch: () =>
        new Response(
          new ReadableStream({ pull: (c) => c.enqueue(new Uint8Array(65_536)), cancel: () => resolve() }),
        ),
    };
    await using listener = await listenAt(endless, address, { limits: { silenceMs: 300 } });
    const client = rawClient(listener.address, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    client.socket.pause();
    await gone;
    client.socket.destroy();
  });

  test("what is followed is cut by no silence", async () => {
    const log = silentLog("first");
    await using listener = await listenAt(testApp({ log: log.open }).app, address, {
      limits: { silenceMs: 100 },
    });
    const { port } = new URL(listener.address);
    const client = rawClient(listener.address, `GET ${follow} HTTP/1.1\r\nHost: localhost:${port}\r\n\r\n`);
    await waitUntil("the first line", () => client.text().includes("first"));
    // That nothing ends it is only seen by letting several times that time pass.
    expect(await Promise.race([client.closed, Bun.sleep(1000).then(() => "open")])).toBe("open");
    client.socket.destroy();
    await waitUntil("it to be ended", () => log.openCount() === 0);
  });

  test("a log that is not followed is cut when it is not taken, but not where one must be let in", async () => {
    const { promise: ended, resolve } = Promise.withResolvers<string>();
    async function* endless() {
      try {
        for (;;) yield [logLine("x".repeat(65_536))];
      } finally {
        resolve("ended");
      }
    }
    const { app } = testApp({
      log: () => ({ kind: "stream", container: "app", isRunning: true, lines: endless() }),
    });
    await using listener = await listenAt(app, address, { limits: { silenceMs: 100 } });
    const { port } = new URL(listener.address);
    const path = "/pods/default/web-edge/logs";
    const client = rawClient(listener.address, `GET ${path} HTTP/1.1\r\nHost: localhost:${port}\r\n\r\n`);
    await waitUntil("its beginning", () => client.text() !== "");
    client.socket.pause();
    const isCut = !address.startsWith("unix");
    // That nothing ends it is only seen by letting several times that time pass.
    const isOver = isCut ? ended : Promise.race([ended, Bun.sleep(1000).then(() => "open")]);
    expect(await isOver).toBe(isCut ? "ended" : "open");
    client.socket.destroy();
    await ended;
  });

  test("connections over the limit get a 503 that says so, and what was there goes on", async () => {
    await using listener = await listenAt(testApp().app, address, { limits: { connections: 5 } });
    const held = Array.from({ length: 5 }, () => rawClient(listener.address, "GET /"));
    await waitUntil("them to count", async () => (await statusOf(listener.address, "/healthz")) === 503);
    expect(JSON.parse(await curled(listener.address, "/healthz"))).toMatchObject({
      status: 503,
      detail: "There are 5 connections already",
    });
    for (const { socket } of held) socket.destroy();
    await waitUntil("room", async () => (await statusOf(listener.address, "/healthz")) === 200);
  });

  test("a thousand connections that say little keep nobody from being answered", async () => {
    await using listener = await listenAt(testApp().app, address);
    const held = Array.from({ length: 1000 }, () => rawClient(listener.address, "GET /"));
    await waitUntil("them to be connected", () => held.every(({ socket }) => !socket.connecting));
    expect(await statusOf(listener.address, "/pods")).toBe(200);
    for (const { socket } of held) socket.destroy();
  });

  test("followers over the limit get a 429, and one that leaves makes room", async () => {
    const log = silentLog("first");
    await using listener = await listenAt(testApp({ log: log.open }).app, address, {
      limits: { followers: 2 },
    });
    const { port } = new URL(listener.address);
    const request = `GET ${follow} HTTP/1.1\r\nHost: localhost:${port}\r\n\r\n`;
    const [first, second] = [rawClient(listener.address, request), rawClient(listener.address, request)];
    await waitUntil("both", () => [first, second].every(({ text }) => text().includes("first")));
    expect(JSON.parse(await curled(listener.address, follow))).toMatchObject({
      status: 429,
      detail: "2 logs and streams are followed already",
    });
    first.socket.destroy();
    await waitUntil("room", () => log.openCount() === 1);
    const third = rawClient(listener.address, request);
    await waitUntil("the third", () => third.text().includes("first"));
    for (const { socket } of [second, third]) socket.destroy();
    await waitUntil("all to be ended", () => log.openCount() === 0);
  });

  test("an answer that fails is cut, and the log says why", async () => {
    let log = "";
    const write = (line: string) => {
      log += line;
    };
    const failing: Answerer = {
      fetch: () => new Response(new ReadableStream({ pull: () => Promise.reject(new Error("broken")) })),
    };
    await using listener = await listenAt(failing, address, { write });
    await rawClient(listener.address, "GET / HTTP/1.1\r\nHost: a\r\n\r\n").closed;
    expect(log).toContain("Cannot send an answer");
    expect(log).toContain("broken");
  });

  test("regression: a container's log that failed was in the agent's log twice", async () => {
    let log = "";
    const write = (line: string) => {
      log += line;
    };
    async function* lines() {
      yield [logLine("first")];
      throw new Error("journalctl failed");
    }
    const { app, world } = testApp({
      log: () => ({ kind: "stream", container: "app", isRunning: true, lines: lines() }),
    });
    await using listener = await listenAt(app, address, { write });
    const { port } = new URL(listener.address);
    const client = rawClient(listener.address, `GET ${follow} HTTP/1.1\r\nHost: localhost:${port}\r\n\r\n`);
    await client.closed;
    expect(client.text()).not.toEndWith("\r\n0\r\n\r\n");
    expect(world.logged).toEqual([expect.stringContaining("journalctl failed")]);
    expect(log).toBe("");
  });

  test("an upgrade to something else than a WebSocket is answered as if it were not asked for", async () => {
    await using listener = await listenAt(testApp().app, address);
    expect(await curled(listener.address, "/healthz", "--http2")).toBe("ok\n");
  });
});
