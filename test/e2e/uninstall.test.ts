// An installed agent with directories of a person's choice, and its end: nobody else's things are touched, and none under an agent that runs.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdir, readdir, rm, stat, writeFile } from "node:fs/promises";
import { writeAci } from "../aci.ts";
import { waitUntil } from "../wait-until.ts";
import { call, gantry, journal, putExecutable } from "./installed-gantry.ts";
import { removeUnits, run } from "./machine.ts";
import { manifest } from "./manifest.ts";

const image = "/srv/images/busybox.aci";
/** A file system, as one that another one's files lie on too. */
const disk = "/srv/disk";
const runDir = "/srv/run/gantry";
const manifests = "/srv/manifests";
const config = "/etc/gantry/config.yaml";

const isThere = (path: string) =>
  stat(path).then(
    () => true,
    () => false,
  );

beforeAll(async () => {
  await putExecutable();
  await mkdir("/srv/images", { recursive: true });
  await writeAci(image);
  await mkdir(disk, { recursive: true });
  await run("mount", "-t", "tmpfs", "tmpfs", disk);
  await mkdir(`${disk}/photos`);
  await writeFile(`${disk}/photos/cat.jpg`, "cat");
});

afterAll(async () => {
  await run("systemctl", "stop", "gantry.service").catch(() => undefined);
  await removeUnits(disk);
  await run("umount", "-R", "/etc/gantry/shared").catch(() => undefined);
  await run("umount", "-R", disk).catch(() => undefined);
  for (const path of ["/etc/gantry", "/srv/run", "/srv/sockets", manifests, disk])
    await rm(path, { recursive: true, force: true });
  await rm("/etc/systemd/system/gantry.service", { force: true });
});

test("an installed agent that is told of other directories says that it has to be installed again", async () => {
  expect(call("install", "--now")).toMatchObject({ exitCode: 0, stderr: "" });
  await writeFile(
    config,
    JSON.stringify({
      manifestPath: manifests,
      stateDir: disk,
      runDir,
      listen: [`unix://${runDir}/gantry.sock`, "unix:///srv/sockets/gantry.sock", "http://127.0.0.1:80"],
      rkt: { path: "builtin", dir: `${disk}/images` },
    }),
  );
  await run("systemctl", "restart", "--no-block", "gantry.service");
  await waitUntil("the hint", () => /read-only.*run gantry install --now again/.test(journal()));
});

test("and then runs, also with sockets elsewhere and a port below 1024", async () => {
  await mkdir("/srv/sockets");
  expect(call("install", "--now")).toMatchObject({ exitCode: 0, stderr: "" });
  await writeFile(`${manifests}/web.yaml`, manifest("web", { image }));
  const socket = "--server=unix:///srv/sockets/gantry.sock";
  const wait = call("wait", socket, "pod/web", "--for=condition=Ready", "--timeout=20s");
  if (wait.exitCode !== 0) throw new Error(`${wait.stderr}${journal()}`);
  expect((await fetch("http://127.0.0.1:80/readyz")).status).toBe(200);
});

test("what somebody else has beside it or mounted in it is not purged", async () => {
  await mkdir("/etc/gantry/shared");
  await run("mount", "--bind", `${disk}/photos`, "/etc/gantry/shared");
  await writeFile(`${runDir}/note`, "mine");
  const { exitCode, stdout, stderr } = call("uninstall", "--purge", "--stop-pods");
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
  expect(stdout.split("\n")).toEqual([
    "stop gantry.service",
    "remove /etc/systemd/system/gantry.service",
    "remove /usr/local/share/man/man1/gantry.1",
    "stop 1 pod",
    "remove what pods have left",
    "remove /etc/gantry",
    "left in /etc/gantry: shared",
    `leave ${manifests} (manifestPath)`,
    `remove what gantry made in ${disk}`,
    `left in ${disk}: images, photos`,
    `remove what gantry made in ${runDir}`,
    `left in ${runDir}: note`,
    "remove /etc/sysusers.d/gantry.conf",
    "read systemd's units again",
    "",
  ]);
  expect(await readdir("/etc/gantry/shared")).toEqual(["cat.jpg"]);
  expect(await readdir(manifests)).toEqual(["web.yaml"]);
  expect(await readdir(`${disk}/images/pods/run`)).toEqual([]);
});

test("nothing is removed under an agent that somebody started, nor are its pods ended", async () => {
  await writeFile(config, `stateDir: ${disk}\nrunDir: ${runDir}\nmanifestPath: ${manifests}\n`);
  const agent = Bun.spawn([gantry, "agent"], { stdio: ["ignore", "ignore", "ignore"] });
  const podIsRunning = async () =>
    (await run("systemctl", "list-units", "--plain", "--no-legend", "--state=active", "gantry-*.service")) !==
    "";
  await waitUntil("the pod", podIsRunning);
  expect(call("uninstall", "--purge", "--stop-pods")).toEqual({
    exitCode: 1,
    stdout: "",
    stderr: `gantry: An agent runs that gantry.service does not (/run/systemd/system is locked); stop it first\n`,
  });
  const unit = "/etc/systemd/system/gantry.service";
  await writeFile(unit, "[Service]\nExecStart=/usr/local/bin/gantry agent\n");
  expect(call("uninstall", "--purge", "--stop-pods")).toEqual({
    exitCode: 1,
    stdout: "",
    stderr: `gantry: ${unit} is somebody's own (systemctl disable --now gantry, and move it away)\n`,
  });
  expect(await isThere(config)).toBe(true);
  expect(await podIsRunning()).toBe(true);
  expect(await readdir(disk)).toContain("pods");
  agent.kill();
  await agent.exited;
});
