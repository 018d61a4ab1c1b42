import { describe, expect, test } from "bun:test";
import type { App } from "../../src/server/app.ts";
import { operations } from "../../src/server/openapi-operations.ts";
import { testApp, unixConnection } from "./test-app.ts";

async function get(app: ReturnType<typeof testApp>["app"], path: string, init: RequestInit = {}) {
  const response = await app.request(path, init, unixConnection);
  return { response, text: await response.text() };
}

describe("pods", () => {
  test("are a v1.PodList", async () => {
    const { app, world } = testApp();
    const { response, text } = await get(app, "/pods");
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toBe("application/json");
    expect(text.endsWith("\n")).toBe(true);
    expect(JSON.parse(text)).toEqual({
      kind: "PodList",
      apiVersion: "v1",
      metadata: { resourceVersion: "7" },
      items: world.pods,
    });
  });

  test("are found one by one, by namespace and name", async () => {
    const { app, world } = testApp();
    const { response, text } = await get(app, "/pods/default/web-edge");
    expect(response.status).toBe(200);
    expect(JSON.parse(text)).toEqual(world.pods[0]);
  });

  test("that are not there are a 404 which names the ones that may be meant", async () => {
    const { app } = testApp();
    const { response, text } = await get(app, "/pods/default/web");
    expect(response.status).toBe(404);
    expect(JSON.parse(text).detail).toBe(
      'Pod "web" not found in namespace "default", but "web-edge" is there',
    );
    expect(JSON.parse((await get(app, "/pods/other/web")).text).detail).toBe(
      'Pod "web" not found in namespace "other"',
    );
  });
});

describe("errors", () => {
  test("have one shape, with the request's id in the body and in the header", async () => {
    const { app } = testApp();
    const { response, text } = await get(app, "/nothing");
    expect(response.headers.get("content-type")).toBe("application/problem+json");
    const requestId = response.headers.get("x-request-id");
    expect(requestId).toMatch(/^[0-9a-f-]{36}$/);
    expect(JSON.parse(text)).toEqual({
      type: "about:blank",
      title: "Not Found",
      status: 404,
      detail: "There is no /nothing",
      requestId,
    });
  });

  test("are in the log with their ids, as far as a person would read on", async () => {
    const { app, world } = testApp();
    const ids: (string | null)[] = [];
    for (let count = 0; count < 100; count++)
      ids.push((await get(app, "/nothing")).response.headers.get("x-request-id"));
    expect(world.logged).toHaveLength(20);
    expect(
      world.logged.every((line, at) => line.startsWith("refused ") && line.includes(ids[at] ?? "none")),
    ).toBe(true);
    world.nowMs += 1000;
    await get(app, "/nothing");
    expect(world.logged.slice(20).map((line) => line.split(" {")[0])).toEqual([
      "refused more, which is not listed",
      "refused",
    ]);
  });

  test("of ours are a 500 that tells the log, not the client", async () => {
    const { app, world } = testApp({
      log: () => {
        throw new Error("secret");
      },
    });
    const { response, text } = await get(app, "/pods/default/web-edge/logs");
    expect(response.status).toBe(500);
    expect(text).not.toContain("secret");
    expect(world.logged[0]).toContain("secret");
    expect(world.logged[0]).toContain(response.headers.get("x-request-id") ?? "no id");
  });

  test("are what every path and method without an answer gets", async () => {
    const { app } = testApp();
    for (const path of [
      "/pods//",
      "/pods/default",
      "/pods/default/",
      "/pods/default/web-edge/run",
      "/logs",
      "//pods",
    ]) {
      expect((await get(app, path)).response.status).toBe(404);
    }
    for (const method of ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"]) {
      expect((await get(app, "/pods", { method })).response.status).toBe(404);
    }
  });
});

test("a path may end in a slash, as the kubelet's do", async () => {
  const { app } = testApp();
  const plain = Object.keys(operations).flatMap((key) => (/^GET ([^:]+)$/.exec(key) ?? []).slice(1));
  const paths = plain.filter((path) => path !== "/");
  expect(paths).toContain("/stats/summary");
  for (const path of [...paths, "/pods/default/web-edge", "/pods/default/web-edge/logs"]) {
    const { response } = await get(app, `${path}/`);
    expect([path, response.status]).toEqual([path, 200]);
  }
});

describe("on TCP", () => {
  const onTcp = async (headers: Record<string, string>, method = "GET") =>
    (
      await testApp().app.request(
        "/pods",
        { method, headers },
        { ...unixConnection, door: { kind: "loopback", port: 10255 } },
      )
    ).status;

  test("our own names and addresses are served", async () => {
    for (const host of [
      "127.0.0.1:10255",
      "localhost:10255",
      "LOCALHOST:10255",
      "127.9.9.9:10255",
      "[::1]:10255",
    ]) {
      expect(await onTcp({ host })).toBe(200);
    }
    expect(await onTcp({ host: "localhost:10255", origin: "http://localhost:10255" })).toBe(200);
  });

  test("a foreign Host is refused (DNS rebinding)", async () => {
    for (const host of [
      "evil.example:10255",
      "127.0.0.1.evil.example:10255",
      "localhost.evil.example:10255",
      "localhost:80",
      "localhost",
      "127.0.0.1:10255:10255",
      "evil.example@localhost:10255",
      "",
    ]) {
      expect(await onTcp({ host })).toBe(403);
    }
    expect(await onTcp({})).toBe(403);
  });

  test("a foreign Origin is refused", async () => {
    for (const origin of [
      "http://evil.example",
      "https://localhost:10255",
      "http://localhost:8080",
      "http://localhost:10255.evil.example",
      "null",
    ]) {
      expect(await onTcp({ host: "localhost:10255", origin })).toBe(403);
    }
  });

  test("a WebSocket is refused, another upgrade is not taken up", async () => {
    const host = "localhost:10255";
    for (const upgrade of ["websocket", "WebSocket"]) expect(await onTcp({ host, upgrade })).toBe(403);
    expect(await onTcp({ host, upgrade: "h2c" })).toBe(200);
  });

  test("nothing but reading is allowed", async () => {
    const host = "localhost:10255";
    expect(await onTcp({ host }, "HEAD")).toBe(200);
    for (const method of ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"]) {
      expect(await onTcp({ host }, method)).toBe(405);
    }
  });
});

describe("health", () => {
  test("is ok when every check passes", async () => {
    const { app } = testApp({ checks: [{ name: "dbus", error: undefined }] });
    for (const path of ["/healthz", "/livez", "/readyz"]) {
      const { response, text } = await get(app, path);
      expect([response.status, text]).toEqual([200, "ok\n"]);
    }
  });

  test("names what fails, why and for how long", async () => {
    const { app } = testApp({
      checks: [
        { name: "dbus", error: "connection lost", sinceMs: Date.parse("2026-11-24T11:59:48Z") },
        { name: "manifests", error: undefined },
        { name: "rkt", error: "exit code 254" },
      ],
    });
    const brief = await get(app, "/readyz");
    expect([brief.response.status, brief.text]).toEqual([
      503,
      "dbus: connection lost (for 12s)\nrkt: exit code 254\n",
    ]);
    expect((await get(app, "/readyz?verbose")).text).toBe(
      "[-] dbus: connection lost (for 12s)\n[+] manifests: ok\n[-] rkt: exit code 254\nreadyz failed\n",
    );
  });
});

test("manifests are listed with what became of each, and a problem's one line", async () => {
  const problem = {
    code: "UnknownField",
    file: "/etc/gantry/manifests/db.yaml",
    line: 4,
    column: 7,
    field: "spec.containers[0].imag",
    message: "unknown field",
    hint: 'did you mean "image"?',
  } as const;
  const skipped = {
    path: "/etc/gantry/manifests/db.yaml~",
    state: "skipped",
    reason: "an editor's backup",
  } as const;
  const { app } = testApp({
    files: [{ path: problem.file, state: "rejected", problems: [problem], excerpt: [] }, skipped],
  });
  expect(JSON.parse((await get(app, "/manifests")).text)).toEqual({
    path: "/etc/gantry/manifests",
    held: ["default/web-edge"],
    files: [
      {
        path: problem.file,
        state: "rejected",
        problems: [
          {
            ...problem,
            text: '/etc/gantry/manifests/db.yaml:4:7: spec.containers[0].imag: unknown field (did you mean "image"?)',
          },
        ],
        excerpt: [],
      },
      skipped,
    ],
  });
});

describe("a delete is confirmed", () => {
  const post = (app: App, connection = unixConnection) =>
    app.request("/manifests/confirm-delete", { method: "POST" }, connection);

  test("on the unix socket, and the answer is what will be deleted", async () => {
    const response = await post(testApp().app);
    expect([response.status, await response.json()]).toEqual([200, { deleted: ["default/web-edge"] }]);
  });

  test("not where nobody can see what is missing", async () => {
    const response = await post(testApp({ confirmed: { refusal: "it cannot be read" } }).app);
    expect(response.status).toBe(409);
    expect(await response.json()).toMatchObject({ detail: "Nothing is deleted: it cannot be read" });
  });

  test.each([
    [{ kind: "network", isKnown: true }, 200],
    [{ kind: "network", isKnown: false }, 401],
    [{ kind: "loopback", port: 10255 }, 405],
  ] as const)("%j: %d", async (door, status) => {
    const headers = { Host: "localhost:10255" };
    const { app } = testApp();
    const init = { method: "POST", headers };
    const response = await app.request("/manifests/confirm-delete", init, { ...unixConnection, door });
    expect(response.status).toBe(status);
  });

  test("not by reading", async () => {
    expect((await testApp().app.request("/manifests/confirm-delete", {}, unixConnection)).status).toBe(404);
  });
});
