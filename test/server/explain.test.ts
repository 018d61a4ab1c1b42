// An explanation as people read it, and as programs do, with the last lines of whom it is about.

import { expect, test } from "bun:test";
import { Hono } from "hono";
import { podKey } from "../../src/pod/names.ts";
import type { LogLine, PodLog, PodLogQuery } from "../../src/pod/pod-log.ts";
import type { ServerEnv } from "../../src/server/connection.ts";
import { explainRoutes } from "../../src/server/explain.ts";
import { RequestError } from "../../src/server/request-error.ts";
import type { Explanation } from "../../src/status/explain.ts";
import { waitUntil } from "../wait-until.ts";
import { nowMs, silentLog, stream, testApp, unixConnection } from "./test-app.ts";
import { WatchedStore } from "./watched-store.ts";

const web = podKey("default", "web-node");
const explanation: Explanation = {
  namespace: "default",
  name: "web-node",
  isReady: false,
  summary: "default/web-node is not Ready: ContainerFailed",
  steps: [
    {
      pod: podKey("default", "db-node"),
      reason: "ContainerFailed",
      message: 'container "main" ended with exit code 3',
      hint: "Mend it.",
      sinceMs: nowMs - 12_000,
      log: { container: "main", previous: true },
    },
    {
      pod: web,
      reason: "CrashLoopBackOff",
      message: "it is started again",
      hint: "",
      nextTryMs: nowMs + 148_000,
    },
    { pod: web, reason: "ErrImagePull", message: "one\u001b[31mtwo", hint: "", nextTryMs: nowMs - 1 },
  ],
};

function create(open: Parameters<typeof explainRoutes>[0]["logs"]["open"]) {
  const store = new WatchedStore();
  const status = Object.assign(store, {
    explain: (namespace: string, name: string) =>
      namespace === "default" && name === "web-node" ? explanation : undefined,
  });
  const app = new Hono<ServerEnv>().route(
    "/",
    explainRoutes({ status, logs: { open }, clock: { wallMs: () => nowMs } }),
  );
  app.onError((error, c) => c.text(error.message, error instanceof RequestError ? error.status : 500));
  return (path = "/pods/default/web-node/explain", init: RequestInit = {}) =>
    app.request(path, init, unixConnection);
}

test("for curl it is text", async () => {
  const asked: Partial<PodLogQuery>[] = [];
  const ask = create(({ signal: _, ...query }) => {
    asked.push(query);
    return stream(["connecting", "no database\u0007"]);
  });
  expect(await (await ask()).text()).toBe(`default/web-node is not Ready: ContainerFailed

1. default/db-node: ContainerFailed (12s ago)
   container "main" ended with exit code 3
     | connecting
     | no database\ufffd
   Mend it.

2. CrashLoopBackOff
   it is started again
   Next try: in 2m28s.

3. ErrImagePull
   one\ufffd[31mtwo
   Next try: now.
`);
  expect(asked).toEqual([
    {
      namespace: "default",
      name: "db-node",
      container: "main",
      revisions: "previous",
      follow: false,
      tailLines: 5,
    },
  ]);
});

test("for programs it is JSON", async () => {
  const ask = create(() => stream(["connecting"]));
  const json = await (await ask(undefined, { headers: { Accept: "application/json" } })).json();
  expect(json).toEqual({
    ...explanation,
    steps: explanation.steps.map((step, index) =>
      index === 0 ? { ...step, logLines: ["connecting"] } : step,
    ),
  });
});

test("a log that cannot be read, or does not end, takes nothing from the rest", async () => {
  const broken = create(() => ({
    kind: "stream",
    container: "main",
    isRunning: false,
    // biome-ignore lint/correctness/useYield: it fails before
    lines: (async function* () {
      throw new Error("journal");
    })(),
  }));
  expect(await (await broken()).text()).toContain("2. CrashLoopBackOff");
  const none = create(() => ({ kind: "noPrevious" }));
  expect(await (await none()).text()).toContain("2. CrashLoopBackOff");
  const gone = new AbortController();
  const silent = silentLog("one");
  const answer = create(silent.open)(undefined, { signal: gone.signal });
  await waitUntil("its log to be read", () => silent.openCount() === 1);
  gone.abort();
  expect(await (await answer).text()).toContain("     | one\n");
  expect(silent.openCount()).toBe(0);
});

test("of a pod that is not there nothing is explained", async () => {
  const ask = create(() => stream([]));
  const response = await ask("/pods/default/nope/explain");
  expect([response.status, await response.text()]).toEqual([
    404,
    'Pod "nope" not found in namespace "default"',
  ]);
});

test("the app has it", async () => {
  const { app } = testApp();
  const response = await app.request("/pods/default/web-edge/explain", {}, unixConnection);
  expect([response.status, await response.text()]).toEqual([200, "default/web-edge is Ready.\n"]);
});

test("regression: each of many who asked at once had a journalctl", async () => {
  let open = 0;
  let openMax = 0;
  const { promise, resolve } = Promise.withResolvers<void>();
  const ask = create(() => {
    open += 1;
    openMax = Math.max(openMax, open);
    async function* lines() {
      await promise;
      open -= 1;
      yield* (stream(["late"]) as { lines: AsyncIterable<readonly LogLine[]> }).lines;
    }
    return { ...stream([]), lines: lines() } as PodLog;
  });
  const answers = Array.from({ length: 50 }, () => ask());
  await waitUntil("the first logs to be opened", () => open > 0);
  resolve();
  const texts = await Promise.all(answers.map(async (answer) => (await answer).text()));
  expect(openMax).toBe(8);
  expect(texts.filter((text) => text.includes("| late")).length).toBe(8);
  expect(texts.every((text) => text.includes("3. ErrImagePull"))).toBe(true);
  expect(await (await ask()).text()).toContain("| late");
});
