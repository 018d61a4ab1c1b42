// An app over values that a test sets, and a log source that shows whether it was ended.

import type { NodeCondition, Pod, Event as V1Event } from "kubernetes-types/core/v1";
import { nodeObject, readMachine } from "../../src/node/machine.ts";
import { statsSummary } from "../../src/node/summary.ts";
import type { ManifestFile } from "../../src/pod/desired.ts";
import { type PodKey, podKey } from "../../src/pod/names.ts";
import type { LogLine, PodLog, PodLogQuery } from "../../src/pod/pod-log.ts";
import type { Stuck } from "../../src/pod/stuck.ts";
import { type App, type AppOptions, createApp } from "../../src/server/app.ts";
import type { Connection } from "../../src/server/connection.ts";
import type { CommandSource } from "../../src/server/exec.ts";
import type { HealthCheck } from "../../src/server/health.ts";
import type { FoundPorts } from "../../src/server/port-forward.ts";
import { runningPodList } from "../../src/status/running-pods.ts";
import { checkAnswer } from "./description.ts";

export const nowMs = Date.parse("2026-11-24T12:00:00Z");

export interface World {
  /** The wall clock. */
  nowMs: number;
  pods: Pod[];
  events: V1Event[];
  nodeConditions: NodeCondition[];
  stuck: Stuck[];
  files: ManifestFile[];
  unreadable: string | undefined;
  /** What a confirmed delete answers. */
  confirmed: { readonly deleted: readonly PodKey[] } | { readonly refusal: string };
  checks: HealthCheck[];
  /** What the log source answers. */
  log: (query: PodLogQuery) => PodLog;
  /** What starts commands, and where the ports of every pod are. */
  command: CommandSource["start"];
  ports: FoundPorts;
  /** Which of what does more than read was asked for. */
  readonly acts: string[];
  /** What was written to the agent's own log. */
  readonly logged: string[];
}

const podList = { kind: "PodList", apiVersion: "v1", metadata: { resourceVersion: "7" } };
const unmeasured = {
  startedAtMs: nowMs - 3_600_000,
  cpu: undefined,
  memory: undefined,
  network: undefined,
  nodeFs: undefined,
  imageFs: undefined,
  tasks: undefined,
  tasksMax: undefined,
};
const unchanging = { resourceVersion: "7", since: () => [], subscribe: () => () => undefined };

export function testApp(change: Partial<World> = {}): { app: App; world: World } {
  const world: World = {
    nowMs,
    pods: [pod("web-edge", {})],
    events: [],
    nodeConditions: [],
    stuck: [],
    files: [],
    unreadable: undefined,
    confirmed: { deleted: [podKey("default", "web-edge")] },
    checks: [],
    log: () => stream(["one", "two"]),
    command: () => ({ kind: "podNotFound" }),
    ports: { kind: "podNotFound" },
    acts: [],
    logged: [],
    ...change,
  };
  const write = (message: string, fields: object = {}) => {
    world.logged.push(`${message} ${JSON.stringify(fields)}`);
  };
  const options: AppOptions = {
    status: {
      list: () => world.pods,
      listJson: () => new TextEncoder().encode(`${JSON.stringify({ ...podList, items: world.pods })}\n`),
      get: (namespace, name) =>
        world.pods.find(({ metadata }) => metadata?.namespace === namespace && metadata.name === name),
      explain: (namespace, name) =>
        world.pods.some(({ metadata }) => metadata?.namespace === namespace && metadata.name === name)
          ? { namespace, name, isReady: true, summary: `${namespace}/${name} is Ready.`, steps: [] }
          : undefined,
      ...unchanging,
    },
    events: { list: () => world.events, ...unchanging },
    logs: { open: (query) => world.log(query) },
    commands: {
      start(asked) {
        world.acts.push("command");
        return world.command(asked);
      },
    },
    ports: {
      async find() {
        world.acts.push("ports");
        return world.ports;
      },
    },
    plans: {
      async plan() {
        world.acts.push("plan");
        return { files: [] };
      },
    },
    manifests: {
      path: "/etc/gantry/manifests",
      files: () => world.files,
      get unreadable() {
        return world.unreadable;
      },
      held: [podKey("default", "web-edge")],
      async confirmDelete() {
        world.acts.push("confirm-delete");
        return world.confirmed;
      },
    },
    stats: {
      nodeConditions: () => world.nodeConditions,
      stuck: () => world.stuck,
      summary: async () => statsSummary({ wallMs: world.nowMs, node: unmeasured, pods: [] }, "edge"),
      machine: () => readMachine(["/"]),
      node: async () =>
        nodeObject({
          name: "edge",
          address: "192.0.2.1",
          conditions: world.nodeConditions,
          machine: await readMachine(["/"]),
          version: "1.2.3",
        }),
      runningPods: () => runningPodList({ revisions: [] }),
    },
    metrics: { agent: async () => "", resources: async () => "" },
    images: { list: async () => [] },
    health: { checks: () => world.checks },
    clock: { wallMs: () => world.nowMs },
    timers: { after: () => () => undefined },
    log: { debug: write, info: write, warn: write, error: write },
    version: "1.2.3",
  };
  const app = createApp(options);
  const { fetch } = app;
  app.fetch = async (...asked) => {
    const response = await fetch(...asked);
    await checkAnswer(asked[0], response);
    return response;
  };
  return { app, world };
}

export const unixConnection: Connection = {
  door: { kind: "unix" },
  keepOpen: () => undefined,
  setTrailer: () => undefined,
  upgrade: undefined,
};

export function pod(name: string, status: Pod["status"] & object, containers = ["app"]): Pod {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { namespace: "default", name, uid: `of-${name}`, creationTimestamp: "2026-11-24T11:00:00Z" },
    spec: { containers: containers.map((container) => ({ name: container, image: "example.com/app" })) },
    status: {
      phase: "Running",
      conditions: [],
      startTime: "2026-11-24T11:00:00Z",
      containerStatuses: [],
      qosClass: "BestEffort",
      ...status,
    },
  };
}

export function stream(messages: Iterable<string>): PodLog {
  return { kind: "stream", container: "app", isRunning: true, lines: linesOf(messages) };
}

export function logLine(message: string, timestampUs = 1_764_000_000_000_042): LogLine {
  return {
    message,
    timestampUs,
    revision: "1",
    pid: 7,
    priority: 6,
    cursor: `s=${timestampUs}`,
    isNotice: false,
  };
}

async function* linesOf(messages: Iterable<string>): AsyncGenerator<readonly LogLine[]> {
  let timestampUs = 1_764_000_000_000_042;
  for (const message of messages) yield [logLine(message, timestampUs++)];
}

/** Logs that say `first` and then nothing until they are ended. */
export function silentLog(first: string): { open: World["log"]; openCount: () => number } {
  let openCount = 0;
  async function* lines(signal: AbortSignal): AsyncGenerator<readonly LogLine[]> {
    openCount++;
    try {
      yield [logLine(first)];
      const { promise: aborted, resolve: abort } = Promise.withResolvers<void>();
      signal.addEventListener("abort", () => abort());
      await aborted;
    } finally {
      openCount--;
    }
  }
  return {
    open: ({ signal }) => ({ kind: "stream", container: "app", isRunning: true, lines: lines(signal) }),
    openCount: () => openCount,
  };
}
