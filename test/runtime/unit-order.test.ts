// At a shutdown systemd stops all at once, but for what it is told to keep in order.

import { expect, test } from "bun:test";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { podUnitName } from "../../src/pod/names.ts";
import type { Pod } from "../../src/pod/pod.ts";
import { plainMount } from "../plain-pod.ts";
import { waitUntil } from "../wait-until.ts";
import { RuntimeMachine } from "./runtime-machine.ts";

/** Takes half a second to end, and writes down when it begins to and when it has. */
function slowToEnd(machine: RuntimeMachine, name: string): Pod {
  const script = `trap 'echo ${name} ends >>/data/order; sleep 0.5; echo ${name} has ended >>/data/order; exit 0' TERM; touch /data/${name}; while :; do sleep 0.05; done`;
  const mount = { ...plainMount, name: "data", mountPath: "/data" };
  const volume = { name: "data", kind: "hostPath", path: `${machine.path}/data`, type: "" } as const;
  return machine.makePod(
    name,
    { command: ["/bin/sh", "-c", script], volumeMounts: [mount] },
    { volumes: [volume], terminationGracePeriodSeconds: 30 },
  );
}

test("what comes after others has ended, apps included, before they are told to, whichever was there first", async () => {
  await using machine = await RuntimeMachine.create();
  await mkdir(`${machine.path}/data`);
  const database = await machine.start(slowToEnd(machine, "database"));
  const web = await machine.start(slowToEnd(machine, "web"), { after: [database.uuid] });
  // As when a pod has crashed and those that wait for it have not.
  const cache = await machine.start(slowToEnd(machine, "cache"), {
    before: [web.uuid],
    after: [database.uuid],
  });

  await waitUntil("all to listen", async () => (await readdir(`${machine.path}/data`)).length === 3);

  const units = [database, cache, web].map(({ uuid }) => podUnitName(uuid));
  const stopper = "/run/systemd/system/stopper.service";
  const all = `Conflicts=${units.join(" ")}\nAfter=${units.join(" ")}`;
  await writeFile(stopper, `[Unit]\n${all}\n[Service]\nType=oneshot\nExecStart=/bin/true\n`);
  try {
    await Bun.$`systemctl start stopper.service`.quiet();
    const order = await readFile(`${machine.path}/data/order`, "utf8");
    expect(order.trimEnd().split("\n")).toEqual(
      ["web", "cache", "database"].flatMap((name) => [`${name} ends`, `${name} has ended`]),
    );
  } finally {
    await rm(stopper);
  }
});
