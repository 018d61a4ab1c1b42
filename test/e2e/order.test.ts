// Pods that come after others: at the start, and in reverse when the machine goes down.

import { expect, test } from "bun:test";
import { mkdir, writeFile } from "node:fs/promises";
import { waitUntil } from "../wait-until.ts";
import { Machine, run, uuidOf } from "./machine.ts";

/** Writes the uptime when it starts, when it is told to end and when it does, a moment later. */
const witness = (name: string, file: string) => {
  const note = (what: string) => `read -r up _ </proc/uptime; echo ${name} ${what} $up >>${file}`;
  return `trap '${note("told")}; sleep 0.3; ${note("ended")}; exit 0' TERM; ${note("started")}; while :; do sleep 1 & wait $!; done`;
};

function pod(name: string, machine: Machine, more: { annotations?: string; probe?: string } = {}): string {
  return `apiVersion: v1
kind: Pod
metadata:
  name: ${name}
  annotations: {${more.annotations ?? ""}}
spec:
  hostNetwork: true
  terminationGracePeriodSeconds: 5
  containers:
    - name: main
      image: ${machine.image}
      command: [/bin/sh, -c, ${JSON.stringify(witness(name, "/shared/times"))}]
      volumeMounts: [{name: shared, mountPath: /shared}]${more.probe ?? ""}
  volumes:
    - {name: shared, hostPath: {path: ${machine.path}/shared}}
`;
}

const readyFile = `
      readinessProbe: {exec: {command: [test, -e, /shared/ready]}, periodSeconds: 1}`;

test("a pod is started when the one that it comes after is Ready, and stopped before it", async () => {
  await using machine = await Machine.create();
  await mkdir(`${machine.path}/shared`);
  const times = async () => {
    const text = await Bun.file(`${machine.path}/shared/times`)
      .text()
      .catch(() => "");
    return text.split("\n").flatMap((line) => line.split(" ").slice(0, 2).join(" ") || []);
  };
  await machine.write("web.yaml", pod("web", machine, { annotations: "gantry.io/after: default/db" }));
  await machine.startAgent();
  const waiting = await machine.waitForPod("web", "seen", () => true);
  expect(waiting.status?.phase).toBe("Pending");
  await machine.write("db.yaml", pod("db", machine, { probe: readyFile }));
  await machine.waitForPod("db", "running", (it) => uuidOf(it) !== undefined);
  await waitUntil("its first line", async () => (await times()).includes("db started"));
  expect((await machine.runningUnits()).size).toBe(1);
  await writeFile(`${machine.path}/shared/ready`, "");
  await machine.waitForReady("web");
  await waitUntil("its first line", async () => (await times()).includes("web started"));

  // As at a shutdown: systemd stops them all in one transaction, without the agent.
  await machine.stopAgent();
  await run("systemctl", "stop", "gantry.slice");
  expect(await times()).toEqual([
    "db started",
    "web started",
    "web told",
    "web ended",
    "db told",
    "db ended",
  ]);
});
