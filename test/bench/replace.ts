// How long a pod is away: after its app's death, and for an edit.

import { kill } from "node:process";
import { Machine, run, uuidOf } from "../e2e/machine.ts";
import { waitUntil } from "../wait-until.ts";
import { announcing, benchPod, pidOf } from "./bench-pod.ts";
import { prepareByHand } from "./by-hand.ts";
import type { Figure } from "./figure.ts";
import { lineAtMs, linesAtMs, wallMs } from "./journal-line.ts";
import { PodChanges } from "./pod-changes.ts";
import { repeat } from "./rounds.ts";

const networks = ["host", "default"] as const;
type Network = (typeof networks)[number];

const rounds = 7;
const ofNetwork = { host: "", default: " (network of its own)" };

export async function deathFigures(): Promise<readonly Figure[]> {
  await using machine = await Machine.create();
  await machine.startAgent();
  const figures: Figure[] = [];
  for (const network of networks) {
    const deaths = await repeat(rounds, (round) => death(machine, network, round));
    figures.push(
      {
        what: `app's death -> noticed${ofNetwork[network]}`,
        unit: "ms",
        samples: deaths.map(({ noticedMs }) => noticedMs),
        target: { atMost: 100 },
      },
      {
        what: `app's death -> first line of the next${ofNetwork[network]}`,
        unit: "ms",
        samples: deaths.map(({ restartedMs }) => restartedMs),
        target: { atMost: 400 },
      },
    );
  }
  await machine.stopAgent();
  await using confined = await Machine.create({ isConfined: true });
  await confined.startAgent();
  const deaths = await repeat(rounds, (round) => death(confined, "host", round));
  figures.push({
    what: "app's death -> first line of the next, agent as installed",
    unit: "ms",
    samples: deaths.map(({ restartedMs }) => restartedMs),
  });
  return figures;
}

/** The first of a pod, after which there is no back-off. */
async function death(machine: Machine, network: Network, round: number) {
  const line = `alive ${network} ${round}`;
  const script = announcing(line, "told to end");
  const isOnHostNetwork = network === "host";
  await machine.write("one.yaml", benchPod({ name: "one", image: machine.image, script, isOnHostNetwork }));
  const pid = await pidOf(await machine.waitForReady("one"));
  using changes = await PodChanges.follow(machine);
  const diedMs = wallMs();
  kill(pid, "SIGKILL");
  const noticedMs = (await changes.next(diedMs)) - diedMs;
  const restartedMs = await waitUntil("its next line", async () => {
    await Bun.sleep(100); // asked all the time, the asking would be what is measured
    const nextMs = (await linesAtMs(line)).find((atMs) => atMs > diedMs);
    return nextMs !== undefined && nextMs - diedMs;
  });
  await machine.remove("one.yaml");
  await waitUntil("the pod to be gone", async () => (await machine.pods()).length === 0);
  return { noticedMs, restartedMs };
}

export async function editFigures(): Promise<readonly Figure[]> {
  await using machine = await Machine.create();
  const figures: Figure[] = [];
  for (const network of networks) {
    await machine.startAgent();
    const samples = await repeat(rounds, (round) => edit(machine, network, round));
    const unit = `gantry-${uuidOf(await machine.waitForReady(`edited-${network}`))}.service`;
    const like = await Bun.file(`/run/systemd/system/${unit}`).text();
    await machine.stopAgent(); // which would look at what is done by hand
    figures.push({
      what: `edit: old app's last line -> new app's first${ofNetwork[network]}; floor: systemctl stop and start of such units`,
      unit: "ms",
      samples,
      floor: await repeat(rounds, (round) => editByHand(machine, { network, like }, round)),
      target: { ratioAtMost: 1.5 },
    });
  }
  return figures;
}

async function edit(machine: Machine, network: Network, round: number): Promise<number> {
  const name = `edited-${network}`;
  const script = announcing(`first ${network} ${round}`, `last ${network} ${round}`);
  const isOnHostNetwork = network === "host";
  await machine.write(`${name}.yaml`, benchPod({ name, image: machine.image, script, isOnHostNetwork }));
  const newMs = await lineAtMs(`first ${network} ${round}`);
  await machine.waitForReady(name);
  return round === 0 ? 0 : newMs - (await lineAtMs(`last ${network} ${round - 1}`));
}

async function editByHand(
  machine: Machine,
  { network, like }: { readonly network: Network; readonly like: string },
  round: number,
): Promise<number> {
  const word = `by hand ${network} ${round}`;
  const [old, last, first] = [`old ${word}`, `last ${word}`, `first ${word}`];
  await using before = await prepareByHand(machine, { script: announcing(old, last), network, like });
  await using after = await prepareByHand(machine, { script: announcing(first, "end"), network, like });
  await run("systemctl", "start", before.unit);
  await lineAtMs(old);
  await run("sh", "-c", `systemctl stop ${before.unit}; systemctl start ${after.unit}`);
  return (await lineAtMs(first)) - (await lineAtMs(last));
}
