// `bun run bench`: the numbers that matter to a user, each beside its floor measured in the same run; `bun run bench -- NAME…` for some
// of them alone. Never a test of time: it fails only where it could not measure.

import { loadavg } from "node:os";
import { manifestFigures } from "./decode.ts";
import { type Figure, printFigures } from "./figure.ts";
import { fleetFigures } from "./fleet.ts";
import { logFigures } from "./log.ts";
import { manyFigures } from "./many.ts";
import { probeFigures } from "./probe.ts";
import { pullFigures } from "./pull.ts";
import { deathFigures, editFigures } from "./replace.ts";
import { startFigures } from "./start.ts";

const benchmarks: Readonly<Record<string, () => Promise<readonly Figure[]> | readonly Figure[]>> = {
  start: startFigures,
  manifests: manifestFigures,
  death: deathFigures,
  edit: editFigures,
  probe: probeFigures,
  many: manyFigures,
  fleet: fleetFigures,
  log: logFigures,
  pull: pullFigures,
};

const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !Object.hasOwn(benchmarks, name));
if (unknown.length > 0) {
  console.error(`bench: there is no ${unknown.join(", ")}; there are ${Object.keys(benchmarks).join(", ")}`);
  process.exit(2);
}

for (const [name, measure] of Object.entries(benchmarks)) {
  if (asked.length > 0 && !asked.includes(name)) continue;
  const startedMs = performance.now();
  try {
    printFigures(await measure());
  } catch (error) {
    console.error(error); // the others may be measured all the same
    process.exitCode = 1;
  }
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(0);
  // On a machine that does something else the numbers are not worth much.
  console.log(`${name}: ${seconds} s, load ${loadavg()[0]?.toFixed(1)}\n`);
}
