// What is left of pods whose directories somebody has removed by hand, beside what merely looks like it.

import { expect, test } from "bun:test";
import { randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { readdir, rm, utimes, writeFile } from "node:fs/promises";
import { run } from "../e2e/machine.ts";
import { waitUntil } from "../wait-until.ts";
import { property, runningPod, scripts } from "./running-pod.ts";

const units = "/run/systemd/system";

async function unitsOf(uuid: string): Promise<readonly string[]> {
  return (await readdir(units)).filter((name) => name.includes(`${uuid}-`)).sort();
}

test("app units of a pod that is gone go once its own unit has ended, and others' never", async () => {
  await using pod = await runningPod(scripts({ web: "exec sleep 1000", side: "exec sleep 1000" }));
  const { uuid, world } = pod;
  const web = `gantry-${uuid}-web.service`;
  await waitUntil("its apps to run", async () => (await property(web, "SubState")) === "running");
  const strangers: Record<string, string> = {
    [`gantry-${randomUUID()}-web.service`]: "[Service]\nExecStart=/bin/sleep 1000\n",
    [`gantry-${randomUUID()}-app.service`]:
      "[Service]\nExecStart=/usr/bin/gantry rkt start-app /srv/other/pods/run/x app \n",
    "gantry-web.service": "[Service]\nExecStart=/bin/sleep 1000\n",
    [`.gantry-${randomUUID()}-new.service.tmp`]: "[Serv",
  };
  const half = `.gantry-${randomUUID()}-old.service.tmp`;
  for (const [name, text] of Object.entries({ ...strangers, [half]: "[Serv" }))
    await writeFile(`${units}/${name}`, text);
  await utimes(`${units}/${half}`, new Date(0), new Date(0));
  await using _strangers = {
    async [Symbol.asyncDispose]() {
      for (const name of Object.keys(strangers)) await rm(`${units}/${name}`, { force: true });
    },
  };
  const path = `${world.path}/rkt/pods/run/${uuid}`;
  await run(
    "sh",
    "-c",
    `awk '{print $2}' /proc/mounts | grep "^${path}/" | tac | xargs umount -l; rm -rf ${path}`,
  );

  expect((await world.rkt("gc")).exitCode).toBe(0);
  expect(await unitsOf(uuid)).toEqual([`gantry-${uuid}-side.service`, web]);
  expect(existsSync(`${units}/${half}`)).toBe(false);
  await run("systemctl", "stop", pod.unit);
  expect((await world.rkt("gc")).exitCode).toBe(0);
  expect(await unitsOf(uuid)).toEqual([]);
  for (const name of Object.keys(strangers)) expect(existsSync(`${units}/${name}`)).toBe(true);
});

test("a network namespace of a pod of which nothing else is left goes, and one of another name stays", async () => {
  await using pod = await runningPod(scripts({ web: "exec sleep 1000" }), { flags: ["--net=none"] });
  const [lost, other] = [`gantry-${randomUUID()}`, "gantry-others"];
  for (const name of [lost, other]) await run("ip", "netns", "add", name);
  expect((await pod.world.rkt("gc")).exitCode).toBe(0);
  const names = (await run("ip", "netns", "list")).split("\n").map((line) => line.split(" ")[0]);
  expect(names).not.toContain(lost);
  expect(names).toContain(other);
  expect(names).toContain(`gantry-${pod.uuid}`);
  await run("ip", "netns", "delete", other);
});
