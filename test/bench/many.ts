// Many pods at once, and whether the last of them take longer than the first.

import { Machine } from "../e2e/machine.ts";
import { waitUntil } from "../wait-until.ts";
import { announcing, benchPod } from "./bench-pod.ts";
import type { Figure } from "./figure.ts";
import { linesAtMs, wallMs } from "./journal-line.ts";

const batchCount = 6;
const batchSize = 50;

export async function manyFigures(): Promise<readonly Figure[]> {
  await using machine = await Machine.create();
  await machine.startAgent();
  const batches: number[] = [];
  for (let batch = 0; batch < batchCount; batch++) batches.push(await startBatch(machine, batch));
  const [first = 0] = batches;
  return [
    {
      what: `${batchSize} pods at once -> all of their first lines`,
      unit: "ms",
      samples: [first],
      target: { atMost: 3000 },
    },
    {
      what: `the last ${batchSize} of ${batchCount * batchSize}; floor: the first`,
      unit: "ms",
      samples: batches.slice(-1),
      floor: [first],
      target: { ratioAtMost: 1.5 },
    },
    { what: `${batchSize} of them removed -> gone`, unit: "ms", samples: [await removeBatch(machine)] },
  ];
}

async function startBatch(machine: Machine, batch: number): Promise<number> {
  const script = announcing(`batch ${batch}`, "end");
  const startedMs = wallMs();
  for (const name of namesOf(batch))
    await machine.write(`${name}.yaml`, benchPod({ name, image: machine.image, script }));
  const lines = await waitUntil(
    "all to run",
    async () => {
      await Bun.sleep(250); // asked all the time, the asking would be what is measured
      const found = await linesAtMs(`batch ${batch}`);
      return found.length === batchSize && found;
    },
    120_000,
  );
  return Math.max(...lines) - startedMs;
}

async function removeBatch(machine: Machine): Promise<number> {
  const startedMs = wallMs();
  for (const name of namesOf(0)) await machine.remove(`${name}.yaml`);
  const areGone = async () => {
    await Bun.sleep(100);
    return (await machine.pods()).length === (batchCount - 1) * batchSize;
  };
  await waitUntil("them to be gone", areGone, 120_000);
  return wallMs() - startedMs;
}

function namesOf(batch: number): readonly string[] {
  return Array.from({ length: batchSize }, (_, index) => `pod-${batch}-${index}`);
}
