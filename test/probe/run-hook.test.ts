// Lifecycle hooks by the kubelet's rules (pkg/kubelet/lifecycle/handlers_test.go), against real servers.

import { describe, expect, test } from "bun:test";
import { systemTimers } from "../../src/host/clock.ts";
import type { HookHandler } from "../../src/pod/handler.ts";
import type { Enter } from "../../src/probe/exec.ts";
import { createRunHook } from "../../src/probe/run-hook.ts";
import { httpGet, uuid } from "./check-once.ts";
import { rawServer } from "./raw-server.ts";

interface Once {
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  readonly enter?: Enter;
}

/** Why it failed. */
function runOnce(handler: HookHandler, once: Once = {}): Promise<string | undefined> {
  const { timeoutMs = 10_000, signal = new AbortController().signal } = once;
  const enter = once.enter ?? (() => Promise.reject(new Error("nothing to enter")));
  const runHook = createRunHook({ enter, timers: systemTimers, version: "1.2.3" });
  return runHook(handler, { uuid, container: "web", address: "127.0.0.1" }, { timeoutMs, signal });
}

describe("httpGet", () => {
  test("asks for the path at the pod's address", async () => {
    using server = rawServer("HTTP/1.1 200 OK\r\n\r\n");
    expect(await runOnce(httpGet(server.port, { path: "bar" }))).toBeUndefined();
    expect(server.requests[0]).toStartWith(
      `GET /bar HTTP/1.1\r\nHost: 127.0.0.1:${server.port}\r\nUser-Agent: gantry-lifecycle/1.2.3\r\n`,
    );
  });

  test("is content with any answer", async () => {
    using server = rawServer("HTTP/1.1 500 Internal Server Error\r\n\r\n");
    expect(await runOnce(httpGet(server.port))).toBeUndefined();
  });

  test("fails with what is none, which is not told", async () => {
    using server = rawServer("password hunter2\r\n\r\n");
    expect(await runOnce(httpGet(server.port))).toBe(
      `Get "http://127.0.0.1:${server.port}/": malformed HTTP response`,
    );
  });

  test("fails without one", async () => {
    expect(await runOnce(httpGet(1, { host: "localhost", path: "/bar" }))).toMatch(
      /^Get "http:\/\/localhost:1\/bar": dial tcp localhost:1: /,
    );
    using silent = rawServer();
    expect(await runOnce(httpGet(silent.port), { timeoutMs: 200 })).toContain("context deadline exceeded");
  });
});

test("tcpSocket succeeds where somebody listens", async () => {
  using server = rawServer();
  expect(await runOnce({ kind: "tcpSocket", host: "", port: server.port })).toBeUndefined();
  expect(await runOnce({ kind: "tcpSocket", host: "", port: 1 })).toBe(
    "dial tcp 127.0.0.1:1: connect: connection refused",
  );
});

describe("exec", () => {
  const exec = { kind: "exec", command: ["notify", "down"] } as const;
  const ends: [exitCode: number | undefined, problem: string | undefined][] = [
    [0, undefined],
    [3, "command exited with 3"],
    [undefined, "command did not end in time"],
  ];
  test.each(ends)("that ends with %p; what it wrote is not told", async (exitCode, problem) => {
    const enter = async () => ({ exitCode, output: "secret" });
    expect(await runOnce(exec, { enter })).toBe(problem as string);
  });

  test("is run once, in the container, for as long as there is time", async () => {
    const entered: unknown[] = [];
    const enter: Enter = async (id, app, command, { timeoutMs }) => {
      entered.push([id, app, command, timeoutMs]);
      throw new Error("rkt cannot enter", { cause: new Error("not running") });
    };
    expect(await runOnce(exec, { enter, timeoutMs: 1234 })).toBe("rkt cannot enter: not running");
    expect(entered).toEqual([[uuid, "web", ["notify", "down"], 1234]]);
  });
});

describe("sleep", () => {
  test("sleeps", async () => {
    const startedMs = performance.now();
    expect(await runOnce({ kind: "sleep", seconds: 0.2 })).toBeUndefined();
    expect(performance.now() - startedMs).toBeGreaterThan(150);
  });

  test("for longer than there is time fails", async () => {
    expect(await runOnce({ kind: "sleep", seconds: 1000 }, { timeoutMs: 100 })).toBe(
      "container terminated before sleep hook finished",
    );
  });
});

test("canceled, it throws the reason", async () => {
  const cancel = new AbortController();
  const sleeping = runOnce({ kind: "sleep", seconds: 1000 }, { signal: cancel.signal });
  cancel.abort(new Error("the agent ends"));
  await expect(sleeping).rejects.toThrow("the agent ends");
  const { signal } = cancel;
  await expect(runOnce({ kind: "tcpSocket", host: "", port: 1 }, { signal })).rejects.toThrow(
    "the agent ends",
  );
});
