// Ports of pods over a WebSocket: real servers on loopback, each connection carried by a process as the agent starts it.

import { afterAll, describe, expect, test } from "bun:test";
import { createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { startSession } from "../../src/host/session.ts";
import type { RunningCommand } from "../../src/pod/container-command.ts";
import { tempDir } from "../temp-dir.ts";
import { waitUntil } from "../wait-until.ts";
import { curled, listenAt, statusOf } from "./at-socket.ts";
import { RawWebSocket } from "./raw-web-socket.ts";
import { testApp } from "./test-app.ts";

const dir = await tempDir();
const address = `unix://${dir.path}/ports.sock`;
const main = join(import.meta.dir, "../../src/main.ts");
const carriers: RunningCommand[] = [];

function connect(port: number): RunningCommand {
  const argv = [process.execPath, main, "port-connect", String(port)];
  const carrier = startSession(argv, { env: process.env, hasInput: true, isTerminal: false });
  carriers.push(carrier);
  return carrier;
}

const { app, world } = testApp({ ports: { kind: "found", connect } });
const listener = await listenAt(app, address);
afterAll(async () => {
  await listener[Symbol.asyncDispose]();
  await dir[Symbol.asyncDispose]();
});

async function served(onSocket: (socket: Socket) => void, host = "127.0.0.1") {
  const server: Server = createServer({ allowHalfOpen: true }, onSocket);
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  const place = server.address();
  const port = typeof place === "object" ? (place?.port ?? 0) : 0;
  return { port, [Symbol.dispose]: () => void server.close() };
}

function forward(...ports: number[]): RawWebSocket {
  const query = ports.map((port) => `port=${port}`).join("&");
  return new RawWebSocket(address, `/portForward/default/web-edge?${query}`, "v4.channel.k8s.io");
}

const portBytes = (port: number) => Buffer.of(port & 0xff, port >> 8);
/** After the port itself. */
function dataOn(client: RawWebSocket, channel: number): string {
  const [, ...data] = client.messages.filter((message) => message.channel === channel);
  return Buffer.concat(data.map(({ bytes }) => bytes)).toString();
}

test("a connection is carried in both directions, to its end", async () => {
  using echo = await served((socket) => socket.on("data", (bytes) => socket.end(`you said ${bytes}`)));
  const client = forward(echo.port);
  client.send(0, "hello");
  await client.closed;
  expect(client.messages.slice(0, 2)).toEqual([
    { channel: 0, bytes: portBytes(echo.port) },
    { channel: 1, bytes: portBytes(echo.port) },
  ]);
  expect([dataOn(client, 0), dataOn(client, 1)]).toEqual(["you said hello", ""]);
});

test("several ports have channels of their own", async () => {
  using one = await served((socket) => socket.end("one"));
  using two = await served((socket) => socket.on("data", (bytes) => socket.end(`two ${bytes}`)), "::1");
  const client = forward(one.port, two.port);
  client.send(2, "and more");
  await client.closed;
  expect([dataOn(client, 0), dataOn(client, 2)]).toEqual(["one", "two and more"]);
});

test("where nothing listens the error channel says so", async () => {
  using closing = await served(() => undefined);
  const { port } = closing;
  closing[Symbol.dispose]();
  const client = forward(port);
  await client.closed;
  expect(dataOn(client, 1)).toBe(`nothing listens on port ${port}`);
});

test("what the client has sent is delivered, also when it leaves at once", async () => {
  let text = "";
  const { promise: ended, resolve } = Promise.withResolvers<void>();
  using sink = await served((socket) => {
    socket.on("data", (bytes) => {
      text += bytes;
    });
    socket.on("end", resolve);
  });
  const client = forward(sink.port);
  await waitUntil("the start", () => client.messages.length >= 2);
  client.send(0, "x".repeat(100_000));
  client.socket.end();
  await ended;
  expect(text).toHaveLength(100_000);
  expect(await carriers.at(-1)?.exitCode).toBeNumber(); // nothing is left of it
});

test("a port that sends without end is held back by a client that does not read", async () => {
  let sent = 0;
  using source = await served((socket) => {
    const chunk = Buffer.alloc(65_536);
    const write = () => {
      while (!socket.destroyed && socket.write(chunk)) sent++;
    };
    socket.on("error", () => undefined).on("drain", write);
    write();
  });
  const client = forward(source.port);
  client.socket.pause();
  let last = -1;
  await waitUntil("it to stand still", async () => {
    const isStill = sent > 0 && last === sent;
    last = sent;
    await Bun.sleep(100);
    return isStill;
  });
  expect(sent).toBeLessThan(500);
  client.socket.destroy();
});

describe("is refused", () => {
  test("without a port, with none, and with too many", async () => {
    for (const query of [
      "",
      "port=",
      "port=0",
      "port=65536",
      "port=80,x",
      "port=-1",
      `port=${"1,".repeat(200)}1`,
    ]) {
      expect(await statusOf(address, `/portForward/default/web-edge?${query}`)).toBe(400);
    }
    expect(await statusOf(address, "/portForward/default/web-edge?port=80")).toBe(426);
  });

  test("for a pod that is not there or does not run", async () => {
    const { ports } = world;
    for (const [kind, status] of [
      ["podNotFound", 404],
      ["notRunning", 409],
    ] as const) {
      world.ports = { kind };
      const client = new RawWebSocket(
        address,
        "/pods/default/web-edge/portforward?ports=80",
        "v4.channel.k8s.io",
      );
      await client.closed;
      expect(client.raw).toStartWith(`HTTP/1.1 ${status} `);
    }
    world.ports = ports;
  });

  test("by a plain POST", async () => {
    expect(
      JSON.parse(await curled(address, "/portForward/default/web-edge?port=80", "-X", "POST")).status,
    ).toBe(426);
  });
});
