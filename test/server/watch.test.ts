// Who watches is told of what is and what changes, can go on where it was cut off, and costs nothing when it is slow.

import { describe, expect, test } from "bun:test";
import { Hono } from "hono";
import type { Pod } from "kubernetes-types/core/v1";
import type { ServerEnv } from "../../src/server/connection.ts";
import { podRoutes } from "../../src/server/pods.ts";
import { RequestError } from "../../src/server/request-error.ts";
import { unixConnection } from "./test-app.ts";
import { WatchedStore } from "./watched-store.ts";

function create() {
  const store = new WatchedStore();
  const { clock } = store;
  const opened: string[] = [];
  const connection = { ...unixConnection, keepOpen: () => void opened.push("open") };
  const app = new Hono<ServerEnv>().route("/", podRoutes({ status: store, timers: clock }));
  app.onError((error, c) => c.text(error.message, error instanceof RequestError ? error.status : 500));
  return {
    clock,
    store,
    opened,
    set: store.set.bind(store),
    ask: (path: string, init: RequestInit = {}) => app.request(path, init, connection),
  };
}

const events = { headers: { Accept: "text/event-stream" } };

/** Reads a stream by what ends a message in it. */
async function open(response: Response | Promise<Response>, separator = "\n") {
  const reader = (await response).body?.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  let isOver = false;
  return {
    /** Undefined: it has ended. */
    async next(): Promise<string | undefined> {
      while (!text.includes(separator) && !isOver) {
        const { done, value } = (await reader?.read()) ?? { done: true };
        isOver = done;
        text += value ?? "";
      }
      const [first = "", ...rest] = text.split(separator);
      text = rest.join(separator);
      return isOver && first === "" ? undefined : first;
    },
    leave: () => reader?.cancel(),
  };
}

/** `ADDED web`. */
async function openLines(response: Response | Promise<Response>) {
  const lines = await open(response);
  return {
    ...lines,
    async brief(): Promise<string | undefined> {
      const line = await lines.next();
      if (line === undefined) return undefined;
      const { type, object } = JSON.parse(line);
      return `${type} ${object.metadata?.name ?? object.reason ?? object.metadata.resourceVersion}`;
    },
  };
}

/** `added web 17`, with the id. */
async function openEvents(response: Response | Promise<Response>) {
  const messages = await open(response, "\n\n");
  return {
    ...messages,
    async brief(): Promise<string | undefined> {
      const message = await messages.next();
      if (message === undefined || message.startsWith(":")) return message;
      const fields = Object.fromEntries(message.split("\n").map((line) => line.split(/: (.*)/s)));
      const { metadata, reason } = JSON.parse(fields.data);
      return [fields.event, metadata?.name ?? reason, fields.id].filter(Boolean).join(" ");
    },
  };
}

describe("Kubernetes' watch", () => {
  test("tells first of what there is, then of each change", async () => {
    const { ask, set, opened } = create();
    set({ web: {}, db: {} });
    const response = await ask("/pods?watch=true");
    expect(response.headers.get("content-type")).toBe("application/json");
    const lines = await openLines(response);
    expect([await lines.brief(), await lines.brief()]).toEqual(["ADDED db", "ADDED web"]);
    set({ cache: {} });
    set({ web: { app: "x" } });
    set({ db: undefined });
    expect([await lines.brief(), await lines.brief(), await lines.brief()]).toEqual([
      "ADDED cache",
      "MODIFIED web",
      "DELETED db",
    ]);
    expect(opened).toEqual(["open"]);
  });

  test("goes on from the version of a list", async () => {
    const { ask, set } = create();
    set({ web: {} });
    const list = (await (await ask("/pods")).json()) as { metadata: { resourceVersion: string } };
    set({ db: {} });
    const lines = await openLines(ask(`/pods?watch=1&resourceVersion=${list.metadata.resourceVersion}`));
    expect(await lines.brief()).toBe("ADDED db");
    set({ web: { app: "x" } });
    expect(await lines.brief()).toBe("MODIFIED web");
  });

  test("says that a version is too old, and ends", async () => {
    const { ask, set } = create();
    set({ web: {} });
    for (const version of ["1", "9999999999999999", "nonsense"]) {
      const lines = await openLines(ask(`/pods?watch=true&resourceVersion=${version}`));
      expect([await lines.brief(), await lines.brief()]).toEqual(["ERROR Expired", undefined]);
    }
  });

  test("gives bookmarks to who wants them: after what there is at first, and each minute", async () => {
    const { ask, set, clock, store } = create();
    set({ web: {} });
    const lines = await open(ask("/pods?watch=true&allowWatchBookmarks=true&sendInitialEvents=true"));
    expect(JSON.parse((await lines.next()) ?? "")).toMatchObject({ type: "ADDED" });
    expect(JSON.parse((await lines.next()) ?? "")).toEqual({
      type: "BOOKMARK",
      object: {
        kind: "Pod",
        apiVersion: "v1",
        metadata: {
          resourceVersion: store.resourceVersion,
          annotations: { "k8s.io/initial-events-end": "true" },
        },
      },
    });
    const next = lines.next();
    await Bun.sleep(0);
    clock.advance(60_000);
    expect(JSON.parse((await next) ?? "").type).toBe("BOOKMARK");
  });

  test("ends after timeoutSeconds", async () => {
    const { ask, set, clock } = create();
    set({ web: {} });
    const lines = await openLines(ask("/pods?watch=true&timeoutSeconds=5"));
    expect(await lines.brief()).toBe("ADDED web");
    const next = lines.brief();
    await Bun.sleep(0);
    clock.advance(5000);
    expect(await next).toBeUndefined();
    expect((await ask("/pods?watch=true&timeoutSeconds=soon")).status).toBe(400);
  });

  test("tells of what comes to match a selector as added, and of what does no more as deleted", async () => {
    const { ask, set } = create();
    set({ web: { app: "web" }, db: { app: "db" } });
    const lines = await openLines(ask("/pods?watch=true&labelSelector=app%3Dweb"));
    expect(await lines.brief()).toBe("ADDED web");
    set({ db: { app: "web" } });
    set({ web: { app: "other" } });
    set({ web: { app: "another" } });
    set({ db: undefined });
    expect([await lines.brief(), await lines.brief(), await lines.brief()]).toEqual([
      "ADDED db",
      "DELETED web",
      "DELETED db",
    ]);
    const one = await openLines(ask("/pods?watch=true&fieldSelector=metadata.name%3Dweb"));
    expect(await one.brief()).toBe("ADDED web");
    const path = await openLines(ask("/pods/default/web?watch=true"));
    expect(await path.brief()).toBe("ADDED web");
    expect((await ask("/pods?watch=true&labelSelector=%3D")).status).toBe(400);
  });
});

test("regression: who begins from a version was told that pods are deleted that it had not selected", async () => {
  const { ask, set, store } = create();
  set({ web: { app: "web" }, db: { app: "db" } });
  const version = store.resourceVersion;
  set({ db: { app: "other" } });
  set({ db: undefined });
  set({ web: { app: "web", tier: "1" } });
  set({ web: { app: "other" } });
  set({ web: { app: "web" } });
  set({ web: undefined });
  const lines = await openLines(ask(`/pods?watch=true&labelSelector=app%3Dweb&resourceVersion=${version}`));
  expect([await lines.brief(), await lines.brief(), await lines.brief(), await lines.brief()]).toEqual([
    "MODIFIED web",
    "DELETED web",
    "ADDED web",
    "DELETED web",
  ]);
});

describe("server-sent events", () => {
  test("tell of what there is, from where to go on, and of each change with its version", async () => {
    const { ask, set, store } = create();
    set({ web: {}, db: {} });
    const response = await ask("/pods", events);
    expect(response.headers.get("content-type")).toBe("text/event-stream; charset=utf-8");
    const stream = await openEvents(response);
    const version = Number(store.resourceVersion);
    expect([await stream.brief(), await stream.brief(), await stream.brief()]).toEqual([
      "added db",
      "added web",
      `bookmark ${version}`,
    ]);
    set({ web: { app: "x" } });
    set({ db: undefined });
    expect([await stream.brief(), await stream.brief()]).toEqual([
      `modified web ${version + 1}`,
      `deleted db ${version + 2}`,
    ]);
  });

  test("go on after the last one that was seen", async () => {
    const { ask, set, store } = create();
    set({ web: {}, db: {} });
    const version = Number(store.resourceVersion);
    set({ web: { app: "x" } });
    set({ db: undefined });
    const again = { headers: { ...events.headers, "Last-Event-ID": String(version) } };
    const stream = await openEvents(ask("/pods", again));
    expect([await stream.brief(), await stream.brief()]).toEqual([
      `modified web ${version + 1}`,
      `deleted db ${version + 2}`,
    ]);
  });

  test("begin anew, and say so, where that is not known any more", async () => {
    const { ask, set, store } = create();
    const version = store.resourceVersion;
    for (let number = 0; number < 514; number++) set({ web: { number: String(number) } });
    const again = { headers: { ...events.headers, "Last-Event-ID": version } };
    const stream = await openEvents(ask("/pods", again));
    expect([await stream.brief(), await stream.brief(), await stream.brief()]).toEqual([
      "reset Expired",
      "added web",
      `bookmark ${store.resourceVersion}`,
    ]);
  });

  test("show that they are alive, and where to go on when nothing of it was for this client", async () => {
    const { ask, set, clock, store } = create();
    set({ web: {} });
    const stream = await openEvents(ask("/pods?labelSelector=none", events));
    await stream.brief();
    const heartbeat = stream.brief();
    await Bun.sleep(0);
    clock.advance(15_000);
    expect(await heartbeat).toBe(": still there");
    set({ web: { app: "x" } });
    const bookmark = stream.brief();
    await Bun.sleep(0);
    clock.advance(15_000);
    expect(await bookmark).toBe(`bookmark ${store.resourceVersion}`);
  });
});

test("many changes at once are no reason to cut anybody", async () => {
  const { ask, set } = create();
  const lines = await openLines(ask("/pods?watch=true"));
  const next = lines.brief();
  set(Object.fromEntries(Array.from({ length: 700 }, (_, number) => [`pod-${number}`, {}])));
  expect(await next).toBe("ADDED pod-0");
  for (let number = 1; number < 700; number++) await lines.brief();
  set({ last: {} });
  expect(await lines.brief()).toBe("ADDED last");
});

test("who is too slow is cut", async () => {
  const { ask, set } = create();
  set({ web: {} });
  const lines = await openLines(ask("/pods?watch=true"));
  await lines.brief();
  for (let number = 0; number < 600; number++) set({ web: { number: String(number) } });
  expect(await lines.brief()).toBeUndefined();
});

test("nothing is left of who has gone", async () => {
  const { ask, set, clock } = create();
  set({ web: {} });
  const gone = new AbortController();
  const lines = await openLines(ask("/pods?watch=true&timeoutSeconds=5", { signal: gone.signal }));
  await lines.brief();
  const next = lines.brief();
  await Bun.sleep(0);
  expect(clock.nextAlarmMs).toBe(5000);
  gone.abort();
  expect(await next).toBeUndefined();
  expect(clock.nextAlarmMs).toBeUndefined();

  const other = await openLines(ask("/pods?watch=true&timeoutSeconds=5"));
  await other.brief();
  await other.leave();
  expect(clock.nextAlarmMs).toBeUndefined();
});

test("a list is of what is selected", async () => {
  const { ask, set } = create();
  set({ web: { app: "web" }, db: { app: "db" } });
  const names = async (query: string) =>
    ((await (await ask(`/pods${query}`)).json()) as { items: Pod[] }).items.map(
      ({ metadata }) => metadata?.name,
    );
  expect(await names("")).toEqual(["db", "web"]);
  expect(await names("?labelSelector=app!%3Dweb")).toEqual(["db"]);
  expect(await names("?fieldSelector=status.phase%3DRunning")).toEqual([]);
  expect(await names("?fieldSelector=metadata.namespace%3Ddefault,metadata.name%3Dweb")).toEqual(["web"]);
});
