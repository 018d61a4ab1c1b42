// What a running container writes, over a real socket.

import { afterAll, expect, test } from "bun:test";
import type { PodLogQuery } from "../../src/pod/pod-log.ts";
import { tempDir } from "../temp-dir.ts";
import { waitUntil } from "../wait-until.ts";
import { listenAt, statusOf } from "./at-socket.ts";
import { clientFrame } from "./client-frame.ts";
import { RawWebSocket } from "./raw-web-socket.ts";
import { silentLog, stream, testApp } from "./test-app.ts";

const dir = await tempDir();
const address = `unix://${dir.path}/attach.sock`;
const path = "/attach/default/web-edge/app";
const { app, world } = testApp();
const listener = await listenAt(app, address);
afterAll(async () => {
  await listener[Symbol.asyncDispose]();
  await dir[Symbol.asyncDispose]();
});

test("it comes on the output's channel, from now on, and ends well when the container does", async () => {
  let asked: PodLogQuery | undefined;
  world.log = (query) => {
    asked = query;
    return stream(["one", "two"]);
  };
  const client = new RawWebSocket(address, `${path}?output=1&error=1`);
  await client.closed;
  expect(client.textOn(1)).toBe("one\ntwo\n");
  expect(JSON.parse(client.textOn(3))).toEqual({ metadata: {}, status: "Success" });
  expect(asked).toMatchObject({ container: "app", revisions: "current", follow: true, tailLines: 0 });
});

test("it is ended when the client leaves, or closes; what that says counts for nothing", async () => {
  const log = silentLog("first");
  world.log = log.open;
  const clients = [new RawWebSocket(address, path), new RawWebSocket(address, path)] as const;
  await waitUntil("the lines", () => clients.every((client) => client.textOn(1) === "first\n"));
  clients[0].send(0, "input");
  clients[0].socket.write(clientFrame(8, Buffer.of(3, 232)));
  clients[1].socket.destroy();
  await waitUntil("both to be ended", () => log.openCount() === 0);
});

test("it is refused where there is nothing to attach to, or no such stream", async () => {
  const answer = async (query = "") => {
    const client = new RawWebSocket(address, `${path}${query}`);
    await client.closed;
    return client.raw;
  };
  expect(await answer("?stdin=true")).toContain("containers have no standard input and no terminal");
  expect(await answer("?tty=1")).toStartWith("HTTP/1.1 400 ");
  expect(await statusOf(address, path)).toBe(426);
  world.log = () => ({ ...stream(["x"]), isRunning: false }) as never;
  expect(await answer()).toContain('container \\"app\\" in pod \\"web-edge\\" is not running: it has ended');
  world.log = () => ({ kind: "notStarted", container: "app", reason: "ErrImagePull" });
  expect(await answer()).toContain("is not running: ErrImagePull");
  world.log = () => ({ kind: "podNotFound" });
  expect(await answer()).toStartWith("HTTP/1.1 404 ");
});
