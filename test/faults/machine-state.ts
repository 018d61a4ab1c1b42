// What a machine really runs and what is left on it, seen without the agent.

import { readdir, readFile, utimes } from "node:fs/promises";
import { type Machine, run } from "../e2e/machine.ts";

export interface RunningStage {
  /** As in the manifest. */
  readonly pod: string;
  readonly stage: string;
  readonly unit: string;
}

/** Of all pod units that systemd runs, starts or stops. */
async function runningStages(): Promise<readonly RunningStage[]> {
  const states = "active,activating,deactivating,reloading";
  const list = await run(
    "systemctl",
    "list-units",
    "--plain",
    "--no-legend",
    `--state=${states}`,
    "gantry-*.service",
  );
  const units = list.split("\n").flatMap((line) => /^gantry-[0-9a-f-]{36}\.service/.exec(line)?.[0] ?? []);
  return Promise.all(
    units.map(async (unit) => {
      const text = await readFile(`/run/systemd/system/${unit}`, "utf8").catch(() => "");
      const value = (key: string) => new RegExp(`^${key}=(.*)$`, "m").exec(text)?.[1] ?? "";
      return { pod: value("PodName").replace(/-node$/, ""), stage: value("Stage"), unit };
    }),
  );
}

/** `pod stage` of each that is there more than once. */
export async function doubledStages(): Promise<readonly string[]> {
  const names = (await runningStages()).map(({ pod, stage }) => `${pod} ${stage}`);
  return names.filter((name, index) => names.indexOf(name) !== index);
}

/** `pod stage`, its unit and that unit's invocation: a restart changes them. */
export async function invocationsOf(pods: readonly string[]): Promise<readonly string[]> {
  const stages = (await runningStages()).filter(({ pod }) => pods.includes(pod));
  const told = stages.map(async ({ pod, stage, unit }) => {
    const invocation = await run("systemctl", "show", "--value", "-p", "InvocationID", unit);
    return `${pod} ${stage} ${unit} ${invocation.trim()}`;
  });
  return (await Promise.all(told)).sort();
}

/** What was being made before a kill: an embryo that is some seconds old may still be, and stays until the sweep of the hour. */
export async function ageEmbryos(machine: Machine): Promise<void> {
  const directory = `${machine.path}/state/rkt/pods/embryo`;
  for (const name of await readdir(directory)) await utimes(`${directory}/${name}`, 1, 1);
}

/** All that gantry has left, halves of files too, besides images and its own memory. */
export async function leftoversOf(machine: Machine): Promise<readonly string[]> {
  // It fails over what goes away meanwhile.
  const find = Bun.$`find ${machine.path}/state -xdev "(" -name "*.tmp" -o -path "*/rkt/cas/tmp/*" ")"`;
  const halves = (await find.quiet().nothrow().text()).split("\n").filter((path) => path !== "");
  const units = (await readdir("/run/systemd/system")).filter((name) => name.startsWith(".gantry-"));
  const temporary = (await readdir("/tmp")).filter((name) => /^gantry(?!-test-)/.test(name));
  return [...(await machine.leftovers()), ...halves, ...units, ...temporary];
}
