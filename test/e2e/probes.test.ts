// Probes as a person sees them: Ready comes and goes, what does not live is restarted, and nobody notices that the agent was.

import { expect, test } from "bun:test";
import { mkdir, rm, writeFile } from "node:fs/promises";
import type { EventList, Pod } from "kubernetes-types/core/v1";
import { waitUntil } from "../wait-until.ts";
import { isReady, Machine, uuidOf } from "./machine.ts";

interface Story {
  /** Lines of the container: its probes. */
  readonly probes: readonly string[];
  readonly restartPolicy?: string;
  readonly network?: "host" | "own";
}

const port = 8480;
const script = `[ -e /story/stubborn ] && trap '' TERM; httpd -f -p ${port} -h /story & wait; sleep 1000`;

/** A pod that serves the files of the story's directory by HTTP. */
function manifest(machine: Machine, { probes, restartPolicy = "Always", network = "host" }: Story): string {
  return `apiVersion: v1
kind: Pod
metadata:
  name: web
  annotations: {gantry.io/restart-backoff: 1s}
spec:
  hostNetwork: ${network === "host"}
  restartPolicy: ${restartPolicy}
  terminationGracePeriodSeconds: 30
  containers:
    - name: main
      image: ${machine.image}
      command: [/bin/sh, -c, ${JSON.stringify(script)}]
      volumeMounts: [{name: story, mountPath: /story}]
${probes.map((line) => `      ${line}\n`).join("")}
  volumes:
    - {name: story, hostPath: {path: ${machine.path}/story}}
`;
}

async function create(...files: readonly string[]): Promise<Machine> {
  const machine = await Machine.create();
  await mkdir(`${machine.path}/story`);
  for (const file of files) await add(machine, file);
  await machine.startAgent();
  return machine;
}

const add = (machine: Machine, file: string) => writeFile(`${machine.path}/story/${file}`, "");
const remove = (machine: Machine, file: string) => rm(`${machine.path}/story/${file}`);
const exec = (file: string, more = "") =>
  `{exec: {command: [test, -e, /story/${file}]}, periodSeconds: 1${more}}`;
const http = (file: string, more = "") =>
  `{httpGet: {path: /${file}, port: ${port}}, periodSeconds: 1${more}}`;

const container = (pod: Pod) => pod.status?.containerStatuses?.[0];
const isRunning = (pod: Pod) => container(pod)?.state?.running !== undefined;

async function unhealthy(machine: Machine): Promise<readonly string[]> {
  const { items } = (await (await machine.get("/events")).json()) as EventList;
  return items.filter(({ reason }) => reason === "Unhealthy").map(({ message }) => message ?? "");
}

test("Ready comes and goes with the readiness probe, and nothing is restarted", async () => {
  await using machine = await create();
  await machine.write("web.yaml", manifest(machine, { probes: [`readinessProbe: ${exec("ready")}`] }));
  const pod = await machine.waitForPod("web", "running", isRunning);
  expect(isReady(pod)).toBe(false);
  expect(container(pod)).toMatchObject({ ready: false, started: true });
  const units = await machine.runningUnits();

  await add(machine, "ready");
  await machine.waitForReady("web");
  await remove(machine, "ready");
  await machine.waitForPod("web", "not Ready", (it) => !isReady(it));
  await add(machine, "ready");
  const ready = await machine.waitForReady("web");
  expect(container(ready)?.restartCount).toBe(0);
  expect(await machine.runningUnits()).toEqual(units);
  expect(await unhealthy(machine)).toContain("Readiness probe failed:");
});

test("what does not live is restarted, by its probe's own grace period", async () => {
  await using machine = await create("live", "stubborn");
  const liveness = http("live", ", failureThreshold: 2, terminationGracePeriodSeconds: 2");
  await machine.write("web.yaml", manifest(machine, { probes: [`livenessProbe: ${liveness}`] }));
  const first = await machine.waitForReady("web");

  await remove(machine, "stubborn");
  await remove(machine, "live");
  const startedMs = performance.now();
  const ended = await machine.waitForPod("web", "restarted", (pod) => container(pod)?.restartCount === 1);
  expect(performance.now() - startedMs).toBeLessThan(15_000);
  expect(uuidOf(ended)).not.toBe(uuidOf(first) as string);
  expect(container(ended)?.lastState?.terminated).toMatchObject({ exitCode: 137 });
  expect(await unhealthy(machine)).toContain("Liveness probe failed: HTTP probe failed with statuscode: 404");

  await add(machine, "live");
  await machine.waitForReady("web");
});

test("startup holds the others back", async () => {
  await using machine = await create();
  const probes = [
    `startupProbe: ${exec("started", ", failureThreshold: 60")}`,
    `livenessProbe: ${exec("started", ", failureThreshold: 1")}`,
    `readinessProbe: ${http("ready")}`,
  ];
  await machine.write("web.yaml", manifest(machine, { probes }));
  await machine.waitForPod("web", "running", isRunning);
  await waitUntil("a check that counts", async () => (await unhealthy(machine)).length > 0);
  expect(container((await machine.pod("web")) ?? {})).toMatchObject({ started: false, restartCount: 0 });

  await add(machine, "started");
  await machine.waitForPod("web", "started", (pod) => container(pod)?.started === true);
  expect(isReady((await machine.pod("web")) ?? {})).toBe(false);
  await add(machine, "ready");
  const pod = await machine.waitForReady("web");
  expect(container(pod)?.restartCount).toBe(0);
});

test("with restartPolicy Never what does not live has failed", async () => {
  await using machine = await create("live");
  const liveness = exec("live", ", failureThreshold: 1, terminationGracePeriodSeconds: 1");
  const probes = [`livenessProbe: ${liveness}`];
  await machine.write("web.yaml", manifest(machine, { probes, restartPolicy: "Never" }));
  await machine.waitForReady("web");
  await remove(machine, "live");
  const pod = await machine.waitForPod("web", "Failed", ({ status }) => status?.phase === "Failed");
  expect(container(pod)).toMatchObject({ ready: false, restartCount: 0 });
  expect((await machine.runningUnits()).size).toBe(0);
});

test("what was Ready is Ready for the next agent, whose probes go on", async () => {
  await using machine = await create("ready");
  await machine.write("web.yaml", manifest(machine, { probes: [`readinessProbe: ${http("ready")}`] }));
  await machine.waitForReady("web");
  await machine.stopAgent("SIGKILL");
  await machine.startAgent();
  expect(isReady((await machine.waitForPod("web", "known", isRunning)) ?? {})).toBe(true);
  await remove(machine, "ready");
  await machine.waitForPod("web", "not Ready", (pod) => !isReady(pod));
});

test("a changed probe is asked at once, and restarts nothing", async () => {
  await using machine = await create("old");
  await machine.write("web.yaml", manifest(machine, { probes: [`readinessProbe: ${exec("old")}`] }));
  await machine.waitForReady("web");
  const units = await machine.runningUnits();
  await machine.write("web.yaml", manifest(machine, { probes: [`readinessProbe: ${exec("new")}`] }));
  await machine.waitForPod("web", "not Ready", (pod) => !isReady(pod));
  await add(machine, "new");
  await machine.waitForReady("web");
  expect(await machine.runningUnits()).toEqual(units);
});

test("a pod with a network of its own is asked at its own address", async () => {
  await using machine = await create("ready");
  const probes = [
    `startupProbe: {tcpSocket: {port: ${port}}, periodSeconds: 1}`,
    `readinessProbe: ${http("ready")}`,
  ];
  await machine.write("web.yaml", manifest(machine, { probes, network: "own" }));
  const pod = await machine.waitForReady("web");
  expect(pod.status?.podIP).not.toBe(pod.status?.hostIP);
  await remove(machine, "ready");
  await machine.waitForPod("web", "not Ready", (it) => !isReady(it));
});
