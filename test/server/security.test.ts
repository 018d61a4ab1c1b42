// What nobody may do, on every route there is: leave a path by a parameter, do more than read without being known, change anything by reading.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Listener } from "../../src/server/listen.ts";
import { operations } from "../../src/server/openapi-operations.ts";
import { listenAt, rawClient } from "./at-socket.ts";
import { upgradeHead } from "./client-frame.ts";
import { testApp, unixConnection } from "./test-app.ts";

const routes = Object.keys(operations).map((key) => {
  const [method = "", path = ""] = key.split(" ");
  return { method, path, key };
});

function filled(path: string, values: Readonly<Record<string, string>>): string {
  return path.replaceAll(/:(\w+)/g, (_, name) => values[name] ?? "");
}

const sound = { namespace: "default", name: "web-edge", container: "app" };

describe("a parameter leads nowhere", () => {
  const hostile = [
    "..",
    "%2e%2e",
    "..%2f..%2f..%2fetc%2fpasswd",
    "%2fetc%2fpasswd",
    "..%5c..%5cetc",
    "%00",
    "web-edge%00",
    "web-edge%2flogs",
    "%ff%fe",
    "%",
    "a".repeat(5000),
    "__proto__",
    "constructor",
    "--help",
    "%0d%0aX-Injected:%201",
  ];
  const places = routes.flatMap(({ method, path, key }) =>
    [...path.matchAll(/:(\w+)/g)].map(([, name = ""]) => ({ method, path, name, key })),
  );

  test.each(places)("$key: $name", async ({ method, path, name }) => {
    const { app, world } = testApp();
    const asked: string[] = [];
    // As the runtime has it: only names that there are.
    world.command = ({ container }) => {
      asked.push(container ?? "");
      return { kind: "containerNotFound", containers: ["app"] };
    };
    world.log = ({ name: pod, container }) => {
      asked.push(container ?? "");
      return pod === "web-edge"
        ? { kind: "containerNotFound", containers: ["app"] }
        : { kind: "podNotFound" };
    };
    for (const value of hostile) {
      const target = `${filled(path, { ...sound, [name]: value })}?command=id&port=80`;
      // `/pods/default/..` is `/pods/` before anybody sees it: a path without a parameter.
      const { pathname } = new URL(target, "http://localhost");
      if (`${method} ${pathname.replace(/\/$/, "")}` in operations) continue;
      const response = await app.request(target, { method }, unixConnection);
      const what = `${method} ${target.slice(0, 100)}`;
      expect([what, response.status >= 400 && response.status < 500]).toEqual([what, true]);
      expect(response.headers.get("x-injected")).toBeNull();
    }
    expect(asked.some((container) => container.includes("passwd") && !container.includes("/"))).toBe(false);
  });

  test("nor does one of the query", async () => {
    const { app } = testApp({ log: () => ({ kind: "containerNotFound", containers: ["app"] }) });
    for (const value of hostile) {
      for (const target of [
        `/pods/default/web-edge/logs?container=${value}`,
        `/pods/default/web-edge/exec?container=${value}&command=id`,
      ]) {
        const { status } = await app.request(
          target,
          { method: target.includes("exec") ? "POST" : "GET" },
          unixConnection,
        );
        expect([target.slice(0, 100), status]).toEqual([target.slice(0, 100), 404]);
      }
    }
  });
});

describe("who is not known", () => {
  const { app, world } = testApp();
  let loopback: Listener;
  beforeAll(async () => {
    loopback = await listenAt(app, "http://127.0.0.1:0");
  });
  afterAll(() => loopback[Symbol.asyncDispose]());

  const methods = ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PROPFIND"];
  const paths = [...new Set(routes.map(({ path }) => filled(path, sound)))];

  test.each(paths)("changes nothing at %s, by no method and no upgrade", async (path) => {
    const { port } = new URL(loopback.address);
    for (const method of ["GET", ...methods]) {
      const upgrade = upgradeHead(`${path}?command=id&port=80`, "v4.channel.k8s.io", method);
      for (const head of [upgrade, upgrade.replace("Upgrade: websocket\r\n", "").replace(", Upgrade", "")]) {
        if (method === "GET" && head !== upgrade) continue;
        const request = head
          .replace("Host: localhost", `Host: localhost:${port}`)
          .replace("keep-alive", "close");
        const client = rawClient(loopback.address, request);
        await client.closed;
        // A tunnel is not even refused: the connection is cut.
        const expected = method === "CONNECT" ? /^$/ : /^HTTP\/1\.1 4\d\d /;
        expect([method, client.text()]).toEqual([method, expect.stringMatching(expected)]);
      }
    }
    expect(world.acts).toEqual([]);
  });
});

test("to read changes nothing, whoever asks", async () => {
  const { app, world } = testApp();
  for (const { path } of routes) {
    for (const method of ["GET", "HEAD"]) {
      const response = await app.request(
        `${filled(path, sound)}?command=id&port=80`,
        { method },
        unixConnection,
      );
      await response.body?.cancel();
    }
  }
  expect(world.acts).toEqual([]);
});

test("HEAD has the status and the type of GET, and no body", async () => {
  for (const { method, path, key } of routes) {
    if (method !== "GET") continue;
    const { app } = testApp();
    const target = filled(path, sound);
    const [get, head] = [
      await app.request(target, {}, unixConnection),
      await app.request(target, { method: "HEAD" }, unixConnection),
    ];
    expect([key, head.status, head.headers.get("content-type")]).toEqual([
      key,
      get.status,
      get.headers.get("content-type"),
    ]);
    expect(await head.text()).toBe("");
    await get.body?.cancel();
  }
});
