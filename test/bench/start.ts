// From a manifest to a pod's first line, and from the executable to an agent that answers.

import { executable } from "../e2e/executable.ts";
import { Machine, run } from "../e2e/machine.ts";
import { waitUntil } from "../wait-until.ts";
import { announcing, benchPod } from "./bench-pod.ts";
import { prepareByHand } from "./by-hand.ts";
import type { Figure } from "./figure.ts";
import { lineAtMs, wallMs } from "./journal-line.ts";
import { repeat } from "./rounds.ts";

const rounds = 20;

export async function startFigures(): Promise<readonly Figure[]> {
  await using machine = await Machine.create();
  await machine.startAgent();
  const floor = await repeat(rounds, (round) => startByHand(machine, round));
  const samples = await repeat(rounds, (round) => startOfOnePod(machine, `start ${round}`));
  const toHealthz = await repeat(rounds, () => startToHealthz(machine));
  await machine.stopAgent();
  await using confined = await Machine.create({ isConfined: true });
  await confined.startAgent();
  return [
    {
      what: "manifest in the directory -> app's first line; floor: rkt prepare + systemctl start",
      unit: "ms",
      samples,
      floor,
      target: { atMost: 300, ratioAtMost: 2.5 },
    },
    {
      what: "the same, agent as installed",
      unit: "ms",
      samples: await repeat(rounds, (round) => startOfOnePod(confined, `confined start ${round}`)),
      floor,
    },
    {
      what: "executable started -> /healthz 200",
      unit: "ms",
      samples: toHealthz,
      target: { atMost: 60 },
    },
  ];
}

async function startOfOnePod(machine: Machine, line: string): Promise<number> {
  const script = announcing(line, "told to end");
  const startedMs = wallMs();
  await machine.write("one.yaml", benchPod({ name: "one", image: machine.image, script }));
  const elapsedMs = (await lineAtMs(line)) - startedMs;
  await machine.remove("one.yaml");
  await waitUntil("the pod to be gone", async () => (await machine.pods()).length === 0);
  return elapsedMs;
}

async function startByHand(machine: Machine, round: number): Promise<number> {
  const script = announcing(`start by hand ${round}`, `end by hand ${round}`);
  await using pod = await prepareByHand(machine, { script, network: "host" });
  const startedMs = wallMs();
  await run("systemctl", "start", pod.unit);
  return pod.prepareMs + (await lineAtMs(`start by hand ${round}`)) - startedMs;
}

async function startToHealthz(machine: Machine): Promise<number> {
  const startedMs = performance.now();
  const argv = [
    await executable(),
    "agent",
    `--manifest-path=${machine.manifests}`,
    `--state-dir=${machine.path}/state2`,
    `--run-dir=${machine.path}/run2`,
    `--unit-dir=${machine.path}/units2`, // one agent for each
    `--listen=unix://${machine.path}/run2.sock`,
    "--rkt-path=builtin",
  ];
  const agent = Bun.spawn(argv, { stdin: "ignore", stdout: "ignore", stderr: "ignore" });
  let elapsedMs = 0;
  while (elapsedMs === 0) {
    const options = { unix: `${machine.path}/run2.sock` };
    const answer = await fetch("http://gantry/healthz", options).catch(() => undefined);
    if (answer?.ok) elapsedMs = performance.now() - startedMs;
    else await Bun.sleep(1);
  }
  agent.kill();
  await agent.exited;
  return elapsedMs;
}
