// A pod in a pod unit of its own, for the engine's tests on a real systemd.

import { rm } from "node:fs/promises";
import { type AciOptions, writeAci } from "../aci.ts";
import { type RktWorld, rktWorld } from "../contract/rkt-command-line-world.ts";
import { waitUntil } from "../wait-until.ts";

const argv = [process.execPath, `${import.meta.dir}/../../src/main.ts`, "rkt"];

export interface Pod extends AsyncDisposable {
  readonly world: RktWorld;
  readonly uuid: string;
  readonly unit: string;
}

/** A pod whose unit has been started. */
export async function runningPod(
  manifest: (id: string) => object,
  {
    entries = [],
    flags = ["--net=host"],
  }: { entries?: AciOptions["entries"]; flags?: readonly string[] } = {},
): Promise<Pod> {
  const world = await rktWorld(argv);
  if (entries.length > 0) await writeAci(`${world.path}/busybox.aci`, { entries });
  const uuid = await world.prepareManifest(manifest(await world.fetch("busybox.aci")));
  const unit = `gantry-${uuid}.service`;
  const file = `/run/systemd/system/${unit}`;
  const command = [...argv, ...world.options, "run-prepared", ...flags, uuid].join(" ");
  await Bun.write(
    file,
    `[Service]\nSlice=gantry-test.slice\nKillMode=mixed\nTimeoutStopSec=5\nExecStart=${command}\n`,
  );
  await Bun.$`systemctl start ${unit}`.quiet();
  return {
    world,
    uuid,
    unit,
    async [Symbol.asyncDispose]() {
      await Bun.$`systemctl stop ${unit}`.quiet().nothrow();
      await rm(file);
      await Bun.$`systemctl reset-failed ${unit}`.quiet().nothrow();
      await world[Symbol.asyncDispose]();
    },
  };
}

export function scripts(apps: Readonly<Record<string, string>>, change: object = {}) {
  return (id: string) => ({
    apps: Object.entries(apps).map(([name, script]) => ({
      name,
      image: { id },
      app: { exec: ["/bin/sh", "-c", script], user: "0", group: "0", ...change },
    })),
  });
}

export async function property(unit: string, name: string): Promise<string> {
  return (await Bun.$`systemctl show -P ${name} ${unit}`.quiet().text()).trim();
}

/** The app's own lines in the journal, once the last of them is there. */
export async function lines({ uuid }: Pod, app: string, last: string): Promise<readonly string[]> {
  return waitUntil(`${last} from ${app}`, async () => {
    const output = await Bun.$`journalctl -o cat -t ${app} -u gantry-${uuid}-${app}.service --no-pager`
      .quiet()
      .nothrow()
      .text();
    const found = output.trimEnd().split("\n");
    return found.includes(last) ? found : undefined;
  });
}
