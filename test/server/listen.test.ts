import { afterAll, describe, expect, test } from "bun:test";
import { stat, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import type { Answerer } from "../../src/server/connection.ts";
import { ListenError } from "../../src/server/listen.ts";
import { tempDir } from "../temp-dir.ts";
import { waitUntil } from "../wait-until.ts";
import { curl, curled, listenAt, statusOf } from "./at-socket.ts";
import { logLine, silentLog, stream, testApp } from "./test-app.ts";

const dir = await tempDir();
afterAll(() => dir[Symbol.asyncDispose]());
const text: Answerer = { fetch: () => new Response("hello") };

async function failure(promise: Promise<unknown>): Promise<ListenError> {
  const error = await promise.catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(ListenError);
  return error as ListenError;
}

describe("the unix socket", () => {
  test("answers, is 0660, and is gone afterwards", async () => {
    const path = `${dir.path}/mode.sock`;
    {
      await using listener = await listenAt(text, `unix://${path}`);
      expect(await curled(listener.address, "/")).toBe("hello");
      expect(((await stat(path)).mode & 0o777).toString(8)).toBe("660");
    }
    expect(await stat(path).catch(() => undefined)).toBeUndefined();
  });

  test("takes the place of one that nobody listens on any more", async () => {
    const path = `${dir.path}/stale.sock`;
    const left = Bun.spawn(
      [
        "bun",
        "-e",
        `Bun.listen({ unix: ${JSON.stringify(path)}, socket: { data() {} } }); process.kill(process.pid, 9)`,
      ],
      { stdout: "ignore" },
    );
    await left.exited;
    expect((await stat(path)).isSocket()).toBe(true);
    await using listener = await listenAt(text, `unix://${path}`);
    expect(await curled(listener.address, "/")).toBe("hello");
  });

  test("regression: what a killed process of the same number had left beside it kept the agent from starting", async () => {
    const path = `${dir.path}/left.sock`;
    await writeFile(`${path}.${process.pid}`, "");
    await using listener = await listenAt(text, `unix://${path}`);
    expect(await curled(listener.address, "/")).toBe("hello");
  });

  test("leaves alone one that is answered, and a file that is no socket", async () => {
    const path = `${dir.path}/taken.sock`;
    const other = createServer().listen(path);
    expect((await failure(listenAt(text, `unix://${path}`))).message).toBe(
      `Cannot listen on unix://${path}: another process listens on it`,
    );
    other.close();
    await writeFile(`${dir.path}/file`, "precious");
    await failure(listenAt(text, `unix://${dir.path}/file`));
    expect(await Bun.file(`${dir.path}/file`).text()).toBe("precious");
  });

  test("cannot be made where there is no directory", async () => {
    await failure(listenAt(text, `unix://${dir.path}/none/gantry.sock`));
    await failure(listenAt(text, `unix://${dir.path}/file/gantry.sock`));
  });
});

describe("TCP", () => {
  test("is for loopback only", async () => {
    for (const address of [
      "http://0.0.0.0:0",
      "http://192.0.2.1:80",
      "http://[::]:0",
      "http://gantry.example:80",
    ]) {
      expect((await failure(listenAt(text, address))).message).toContain(
        "anyone who reached it could read every log",
      );
    }
    for (const address of ["127.0.0.1:1", "unix://run/x.sock", "http://127.0.0.1:1/x"]) {
      expect((await failure(listenAt(text, address))).message).toContain("must be like unix:///");
    }
  });

  test("knows its own port, refuses other sites and a second listener", async () => {
    const { app } = testApp();
    await using listener = await listenAt(app, "http://127.0.0.1:0");
    const status = (...options: string[]) => statusOf(listener.address, "/pods", ...options);
    expect(await status()).toBe(200);
    expect(await status("-H", "Host: evil.example")).toBe(403);
    expect(await status("-H", "Origin: http://evil.example")).toBe(403);
    expect(await status("-X", "DELETE")).toBe(405);
    expect(await status("-I")).toBe(200);
    expect((await failure(listenAt(app, listener.address))).address).toBe(listener.address);
  });
});

const path = "/pods/default/web-edge/logs";
const addresses = [`unix://${dir.path}/follow.sock`, "http://127.0.0.1:0"];

describe.each(addresses)("at %s", (address) => {
  test("a followed log is ended when the server is", async () => {
    const log = silentLog("first");
    const { app } = testApp({ log: log.open });
    const listener = await listenAt(app, address);
    const client = curl(listener.address, `${path}?follow=true`);
    const reader = client.stdout.getReader();
    await reader.read();
    await listener[Symbol.asyncDispose]();
    await waitUntil("it to be ended", () => log.openCount() === 0);
    expect(await client.exited).not.toBe(0);
  });

  test("a log whose reading fails is cut, so that the client can tell, and the agent's log has the reason", async () => {
    const { promise: firstRead, resolve: fail } = Promise.withResolvers<void>();
    async function* lines() {
      yield [logLine("first")];
      await firstRead;
      throw new Error("journalctl: exit code 1");
    }
    const { app, world } = testApp({
      log: () => ({ kind: "stream", container: "app", isRunning: true, lines: lines() }),
    });
    await using listener = await listenAt(app, address);
    const client = curl(listener.address, path);
    const reader = client.stdout.getReader();
    expect(new TextDecoder().decode((await reader.read()).value)).toBe("first\n");
    fail();
    expect(await client.exited).not.toBe(0);
    expect(world.logged.join()).toContain("journalctl: exit code 1");
  });

  test("a client that does not read holds the log back", async () => {
    let made = 0;
    const line = "x".repeat(1000);
    function* endless() {
      for (;;) {
        made++;
        yield line;
      }
    }
    const { app } = testApp({ log: () => stream(endless()) });
    await using listener = await listenAt(app, address);
    const client = curl(listener.address, path, "--limit-rate", "1k", "-o", "/dev/null");
    let before = -1;
    for (let i = 0; i < 200 && before !== made; i++) {
      before = made;
      await Bun.sleep(50);
    }
    expect(before).toBe(made);
    expect(made).toBeLessThan(20_000);
    client.kill("SIGKILL");
  });
});
