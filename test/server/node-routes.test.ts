// What the kubelet tells of its node: the routes only, over values that stand still.

import { expect, test } from "bun:test";
import type { Node, PodList } from "kubernetes-types/core/v1.d.ts";
import type { ListedImage } from "../../src/pod/listed-image.ts";
import { imageRoutes } from "../../src/server/images.ts";
import { metricsRoutes } from "../../src/server/metrics.ts";
import { statsRoutes } from "../../src/server/stats.ts";

const podList: PodList = { kind: "PodList", apiVersion: "v1", metadata: {}, items: [] };
const node: Node = { kind: "Node", apiVersion: "v1", metadata: { name: "edge" } };
const image: ListedImage = {
  id: "sha512-1",
  names: ["example.com/app:1"],
  sizeBytes: 12,
  importedAt: "2026-01-01T00:00:00Z",
  lastUsedAt: "2026-01-02T00:00:00Z",
  isOurs: true,
  usedBy: ["default/web-edge"],
};
const stats = statsRoutes({
  stats: {
    nodeConditions: () => [],
    stuck: () => [],
    summary: async () => ({ node: { nodeName: "edge" }, pods: [] }),
    machine: async () => ({ num_cores: 2 }),
    node: async () => node,
    runningPods: () => podList,
  },
});
const metrics = metricsRoutes({
  metrics: { agent: async () => "a_total 1\n", resources: async () => "b_bytes 2\n" },
});

test.each([
  ["/stats/summary", { node: { nodeName: "edge" }, pods: [] }],
  ["/spec", { num_cores: 2 }],
  ["/runningpods", podList],
  ["/node", node],
])("%s", async (path, answer) => {
  const response = await stats.request(path);
  expect(response.headers.get("content-type")).toBe("application/json");
  expect(await response.json()).toEqual(answer);
});

test.each([
  ["/metrics", "a_total 1\n"],
  ["/metrics/resource", "b_bytes 2\n"],
])("%s is Prometheus' text, and HEAD tells its length", async (path, text) => {
  const response = await metrics.request(path);
  expect(response.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
  expect(await response.text()).toBe(text);
  const head = await metrics.request(path, { method: "HEAD" });
  expect(head.headers.get("content-length")).toBe(String(text.length));
  expect(await head.text()).toBe("");
});

test("/images", async () => {
  const response = await imageRoutes({ images: { list: async () => [image] } }).request("/images");
  expect(await response.json()).toEqual({ items: [image] });
});

test("regression: /images ran a program for each of many who asked at once", async () => {
  let runs = 0;
  const { promise, resolve } = Promise.withResolvers<void>();
  const routes = imageRoutes({
    images: {
      async list() {
        runs += 1;
        await promise;
        if (runs === 2) throw new Error("rkt failed");
        return [image];
      },
    },
  });
  routes.onError(({ message }, c) => c.text(message, 500));
  const answers = Array.from({ length: 50 }, () => routes.request("/images"));
  resolve();
  for (const answer of answers) expect(await (await answer).json()).toEqual({ items: [image] });
  expect(runs).toBe(1);
  expect(await (await routes.request("/images")).text()).toBe("rkt failed");
  expect((await routes.request("/images")).status).toBe(200);
});
