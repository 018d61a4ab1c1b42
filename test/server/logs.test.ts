import { describe, expect, test } from "bun:test";
import type { PodLog, PodLogQuery } from "../../src/pod/pod-log.ts";
import type { Door } from "../../src/server/connection.ts";
import { waitUntil } from "../wait-until.ts";
import { logLine, nowMs, silentLog, stream, testApp, unixConnection } from "./test-app.ts";

async function logs(path: string, answer?: (query: PodLogQuery) => PodLog) {
  const asked: PodLogQuery[] = [];
  const { app, world } = testApp();
  world.log = (query) => {
    asked.push(query);
    return answer?.(query) ?? stream(["one", "two"]);
  };
  const response = await app.request(path, {}, unixConnection);
  const text = await response.text();
  return { response, text, asked, detail: text.startsWith("{") ? JSON.parse(text).detail : undefined };
}

const path = "/pods/default/web-edge/logs";

describe("a log", () => {
  test("is the lines as text", async () => {
    const { response, text } = await logs(path);
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toBe("text/plain; charset=utf-8");
    expect(text).toBe("one\ntwo\n");
  });

  test("has the same answer at the kubelet's path", async () => {
    const { text, asked } = await logs("/containerLogs/default/web-edge/app?tailLines=2");
    expect(text).toBe("one\ntwo\n");
    expect(asked[0]).toMatchObject({
      namespace: "default",
      name: "web-edge",
      container: "app",
      tailLines: 2,
    });
  });

  test("has timestamps with nine digits of the second", async () => {
    expect((await logs(`${path}?timestamps=true`)).text).toBe(
      "2025-11-24T16:00:00.000042000Z one\n2025-11-24T16:00:00.000043000Z two\n",
    );
  });

  test("is records, one JSON object a line, for who asks for them", async () => {
    const { app, world } = testApp();
    const notice = { ...logLine("… 5 messages suppressed"), isNotice: true };
    async function* lines() {
      yield [logLine("\u001b[31mred\u001b[m")];
      yield [notice];
    }
    world.log = () => ({ kind: "stream", container: "app", isRunning: true, lines: lines() });
    const headers = { accept: "application/x-ndjson" };
    const response = await app.request(path, { headers }, unixConnection);
    expect(response.headers.get("content-type")).toBe("application/x-ndjson");
    const records = (await response.text()).trimEnd().split("\n");
    const record = {
      timestamp: "2025-11-24T16:00:00.000042000Z",
      container: "app",
      priority: 6,
      pid: 7,
      revision: "1",
      cursor: "s=1764000000000042",
    };
    expect(records.map((line) => JSON.parse(line))).toEqual([
      { ...record, message: "\u001b[31mred\u001b[m" },
      { ...record, message: "… 5 messages suppressed", isNotice: true },
    ]);
  });

  test("more than so many are not read at once, and half of them not by who can only read", async () => {
    const { app } = testApp();
    const request = (door: Door) =>
      app.request(path, { headers: { host: "localhost:1" } }, { ...unixConnection, door });
    const loopback = { kind: "loopback", port: 1 } as const;
    const open: Response[] = [];
    for (let count = 0; count < 32; count++) open.push(await request(loopback));
    expect((await request(loopback)).status).toBe(429);
    for (let count = 0; count < 32; count++) open.push(await request({ kind: "unix" }));
    expect((await request({ kind: "unix" })).status).toBe(429);
    await Promise.all(open.map((response) => response.text()));
    expect((await request(loopback)).status).toBe(200);
  });

  test("is cut after limitBytes, and the source is ended", async () => {
    const { text, asked } = await logs(`${path}?limitBytes=6`);
    expect(text).toBe("one\ntw");
    expect(asked[0]?.signal.aborted).toBe(true);
  });

  test("that is only asked for its head is ended at once", async () => {
    let signal: AbortSignal | undefined;
    const { app } = testApp({
      log: (query) => {
        signal = query.signal;
        return stream(["one"]);
      },
    });
    const response = await app.request(`${path}?follow`, { method: "HEAD" }, unixConnection);
    expect(response.status).toBe(200);
    expect(signal?.aborted).toBe(true);
  });

  test("is wound up also when its reader goes away between two lines", async () => {
    const { promise: woundUp, resolve } = Promise.withResolvers<void>();
    function* lines() {
      try {
        for (;;) yield "line";
      } finally {
        resolve();
      }
    }
    const { app } = testApp({ log: () => stream(lines()) });
    const reader = (await app.request(path, {}, unixConnection)).body?.getReader();
    await reader?.read();
    await reader?.cancel();
    await woundUp;
  });

  test("whose reader goes away is ended", async () => {
    const log = silentLog("first");
    const { app } = testApp({ log: log.open });
    const response = await app.request(`${path}?follow`, {}, unixConnection);
    const reader = response.body?.getReader();
    expect(new TextDecoder().decode((await reader?.read())?.value)).toBe("first\n");
    await reader?.cancel();
    await waitUntil("it to be ended", () => log.openCount() === 0);
  });

  test("is read no faster than its reader takes it", async () => {
    let made = 0;
    function* endless() {
      for (;;) yield `line ${made++}`;
    }
    const { app } = testApp({ log: () => stream(endless()) });
    const response = await app.request(path, {}, unixConnection);
    const reader = response.body?.getReader();
    for (let read = 0; read < 10; read++) await reader?.read();
    expect(made).toBeLessThan(20);
    await reader?.cancel();
  });
});

describe("the parameters", () => {
  const cases: [parameters: string, query: Partial<PodLogQuery>][] = [
    [
      "",
      { container: undefined, follow: false, revisions: "current", tailLines: undefined, sinceUs: undefined },
    ],
    ["container=app&previous=1", { container: "app", revisions: "previous" }],
    ["allRevisions=true&previous=false", { revisions: "all" }],
    ["follow", { follow: true }],
    ["follow=false&previous=0", { follow: false, revisions: "current" }],
    ["tailLines=0", { tailLines: 0 }],
    ["sinceSeconds=90", { sinceUs: (nowMs - 90_000) * 1000 }],
    ["sinceSeconds=99999999999", { sinceUs: 0 }],
    ["stream=All&insecureSkipTLSVerifyBackend=true", { follow: false }],
    ["sinceTime=2026-11-24T11:00:00.5Z", { sinceUs: (nowMs - 3_600_000 + 500) * 1000 }],
    ["sinceTime=2026-11-24T11:00:00.000001001Z", { sinceUs: (nowMs - 3_600_000) * 1000 + 2 }],
    ["sinceTime=2026-11-24T11:00:00.123456789Z", { sinceUs: (nowMs - 3_600_000) * 1000 + 123_457 }],
    ["sinceTime=2026-11-24T12:00:00%2B01:00", { sinceUs: (nowMs - 3_600_000) * 1000 }],
    ["sinceTime=2026-11-24T12:00:00+01:00", { sinceUs: (nowMs - 3_600_000) * 1000 }],
  ];
  test.each(cases)("%p are understood", async (parameters, query) => {
    expect((await logs(`${path}?${parameters}`)).asked[0]).toMatchObject(query);
  });

  test.each([
    ["tailLines=-1", 'tailLines: "-1" is not a whole number of at least 0'],
    ["tailLines=all", 'tailLines: "all" is not a whole number of at least 0'],
    ["tailLines=", 'tailLines: "" is not a whole number of at least 0'],
    [
      "tailLines=99999999999999999999",
      'tailLines: "99999999999999999999" is not a whole number of at least 0',
    ],
    ["sinceSeconds=0", 'sinceSeconds: "0" is not a whole number of at least 1'],
    ["sinceTime=yesterday", 'sinceTime: "yesterday" is not a time like 2026-01-02T15:04:05Z'],
    [
      "sinceTime=2026-13-40T00:00:00Z",
      'sinceTime: "2026-13-40T00:00:00Z" is not a time like 2026-01-02T15:04:05Z',
    ],
    ["limitBytes=0", 'limitBytes: "0" is not a whole number of at least 1'],
    ["follow=maybe", 'follow: "maybe" is not true or false'],
    [
      "sinceSeconds=1&sinceTime=2026-11-24T11:00:00Z",
      "At most one of sinceSeconds and sinceTime may be given",
    ],
    [
      "tail=5",
      'Unknown parameter "tail"; there are container, follow, previous, timestamps, tailLines, sinceSeconds, sinceTime, limitBytes, stream, allRevisions, insecureSkipTLSVerifyBackend',
    ],
    ["previous=true&allRevisions=true", "At most one of previous and allRevisions may be given"],
    ["stream=Stderr", "stream: Stderr cannot be told apart: a log has standard output and error in one"],
    ["stream=stdout", 'stream: "stdout" is not All, Stdout or Stderr'],
  ])("%p are refused by name", async (parameters, detail) => {
    const answer = await logs(`${path}?${parameters}`);
    expect([answer.response.status, answer.detail, answer.asked]).toEqual([400, detail, []]);
  });
});

describe("a log that cannot be shown", () => {
  const cases: [what: string, stream: PodLog, status: number, detail: string][] = [
    ["no such pod", { kind: "podNotFound" }, 404, 'Pod "web-edge" not found in namespace "default"'],
    [
      "no such container",
      { kind: "containerNotFound", containers: ["a", "b"] },
      404,
      'container "c" not found in pod "web-edge", which has [a b]',
    ],
    [
      "several containers and none named",
      { kind: "containerRequired", containers: ["a", "b"] },
      400,
      "a container name must be specified for pod web-edge, choose one of: [a b]",
    ],
    [
      "no earlier one",
      { kind: "noPrevious" },
      400,
      'previous terminated container "c" in pod "web-edge" not found',
    ],
    [
      "not started yet",
      { kind: "notStarted", container: "c", reason: "ErrImagePull" },
      400,
      'container "c" in pod "web-edge" is waiting to start: ErrImagePull',
    ],
  ];
  test.each(cases)("for %s", async (_what, answer, status, detail) => {
    const result = await logs(`${path}?container=c`, () => answer);
    expect([result.response.status, result.detail]).toEqual([status, detail]);
  });
});
