// Many who follow logs: what they cost the agent, of a pod that is silent and of one that writes all it can.

import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { waitUntil } from "../wait-until.ts";
import { Machine, run } from "./machine.ts";
import { manifest } from "./manifest.ts";

interface Follower {
  readonly socket: Socket;
  bytes: number;
  tail: string;
}

/** Not all at the same moment: a socket's queue is only so long, and who is in it is connected already. */
async function followMany(count: number, machine: Machine, pod: string): Promise<Follower[]> {
  const followers: Follower[] = [];
  while (followers.length < count) {
    followers.push(...Array.from({ length: 50 }, () => follow(machine, pod)));
    await waitUntil("them to be answered", () => followers.every(({ bytes }) => bytes > 0), 60_000);
  }
  return followers;
}

function follow(machine: Machine, pod: string): Follower {
  const socket = connect(machine.socket);
  const follower = { socket, bytes: 0, tail: "" };
  socket.on("data", (chunk) => {
    follower.bytes += chunk.length;
    follower.tail = (follower.tail + chunk.toString("latin1")).slice(-300);
  });
  socket.on("error", () => undefined);
  socket.write(
    `GET /pods/default/${pod}-node/logs?follow=true&tailLines=10 HTTP/1.1\r\nHost: gantry\r\n\r\n`,
  );
  return follower;
}

function journalctls(pid: number): number {
  return (
    Bun.spawnSync(["pgrep", "-P", String(pid), "journalctl"])
      .stdout.toString()
      .split("\n").length - 1
  );
}

/** How many there have been in all: the number in the last one's cursor. */
async function journalEntries(): Promise<number> {
  const last = await run("journalctl", "--lines=1", "--output=export");
  return Number.parseInt(/;i=([0-9a-f]+)/.exec(last)?.[1] ?? "", 16);
}

function rssMiB(pid: number): number {
  return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) / 1024;
}

test("a thousand who follow a silent pod cost one journalctl, and hear of it at once when it speaks", async () => {
  await using machine = await Machine.create();
  await machine.startAgent();
  const script =
    "trap 'echo spoken' USR1; trap 'exit 0' TERM; echo silence; while :; do sleep 1000 & wait $!; done";
  await machine.write("quiet.yaml", manifest("quiet", { image: machine.image, scripts: { main: script } }));
  await machine.waitForReady("quiet");
  const before = rssMiB(machine.agentPid);
  const followers = await followMany(1000, machine, "quiet");
  await waitUntil(
    "all to have the first line",
    () => followers.every(({ tail }) => tail.includes("silence")),
    60_000,
  );
  await waitUntil("one journalctl", () => journalctls(machine.agentPid) === 1);
  expect(rssMiB(machine.agentPid) - before).toBeLessThan(150);
  Bun.spawnSync(["systemctl", "kill", "--kill-whom=main", "--signal=USR1", "gantry-*-main.service"]);
  await waitUntil(
    "all to have the next",
    () => followers.every(({ tail }) => tail.includes("spoken")),
    15_000,
  );
  for (const { socket } of followers) socket.destroy();
  await waitUntil("no journalctl", () => journalctls(machine.agentPid) === 0);
}, 120_000);

test("two hundred who follow a pod that writes all it can, a few of them asleep, leave the agent well", async () => {
  await using machine = await Machine.create();
  await machine.startAgent();
  const line = "x".repeat(4000);
  const script = `trap 'exit 0' TERM; yes ${line} & wait`;
  await machine.write("loud.yaml", manifest("loud", { image: machine.image, scripts: { main: script } }));
  await machine.waitForReady("loud");
  const before = rssMiB(machine.agentPid);
  const followers = await followMany(200, machine, "loud");
  for (const { socket } of followers.slice(0, 40)) socket.pause();
  const listeners = followers.slice(40);
  await waitUntil("all who listen to hear", () => listeners.every(({ bytes }) => bytes > 5000), 60_000);
  let [most, slowestMs, journals] = [0, 0, 0];
  const heard = () => listeners.map(({ bytes }) => bytes);
  const sum = (numbers: readonly number[]) => numbers.reduce((all, one) => all + one, 0);
  const seconds = Number(process.env.FOLLOWERS_SECONDS ?? 5);
  const entries = await journalEntries();
  const [startedMs, first] = [performance.now(), heard()];
  const middle = Bun.sleep(seconds * 500).then(heard);
  for (const end = startedMs + seconds * 1000; performance.now() < end; ) {
    const asked = performance.now();
    expect((await machine.get("/healthz")).status).toBe(200);
    slowestMs = Math.max(slowestMs, performance.now() - asked);
    most = Math.max(most, rssMiB(machine.agentPid));
    journals = Math.max(journals, journalctls(machine.agentPid));
    await Bun.sleep(50);
  }
  const rate = (bytes: number) => bytes / 1000 / (performance.now() - startedMs); // MB/s
  const heardRate = rate(sum(heard()) - sum(first));
  const writtenRate = rate(((await journalEntries()) - entries) * line.length);
  console.log(`${writtenRate.toFixed(1)} MB/s written, ${heardRate.toFixed(1)} heard by ${listeners.length}`);
  expect(writtenRate).toBeGreaterThan(1);
  expect(heardRate).toBeGreaterThan(1);
  const halfway = await middle;
  await waitUntil(
    "all who listen to go on to hear",
    () => heard().every((bytes, at) => bytes > (halfway[at] ?? bytes)),
    30_000,
  );
  expect(journals).toBeLessThanOrEqual(6); // the one that follows, those that read, and one that ends
  expect(most - before).toBeLessThan(250);
  expect(slowestMs).toBeLessThan(10_000);
  for (const { socket } of followers) socket.destroy();
  await waitUntil("no journalctl", () => journalctls(machine.agentPid) === 0);
}, 180_000);
