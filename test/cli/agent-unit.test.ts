// The agent's own unit: golden for today's systemd, and what older ones and other directories change in it.

import { expect, test } from "bun:test";
import { readFile, writeFile } from "node:fs/promises";
import { agentUnit } from "../../src/cli/agent-unit.ts";
import { readConfig } from "../../src/config/read-config.ts";
import { tempDir } from "../temp-dir.ts";

async function unitOf(
  change: {
    systemdVersion?: number;
    executable?: string;
    flags?: Record<string, string | readonly string[]>;
  } = {},
) {
  const config = `${import.meta.dir}/../config/fixtures/empty.yaml`;
  const flags = { config, "node-name": "edge1", ...change.flags };
  const { config: read } = await readConfig({ flags, environment: {} });
  const { executable = "/usr/local/bin/gantry", systemdVersion = 257 } = change;
  return agentUnit({ executable, config: read, systemdVersion });
}

/** Lines that are not in the usual one. */
async function different(change: Parameters<typeof unitOf>[0]): Promise<readonly string[]> {
  const usual = new Set((await unitOf()).split("\n"));
  return (await unitOf(change)).split("\n").filter((line) => !usual.has(line));
}

test("as it is written on a machine of today", async () => {
  const golden = `${import.meta.dir}/fixtures/gantry.service`;
  const unit = await unitOf();
  if (process.env.UPDATE_GOLDEN === "1") await writeFile(golden, unit);
  expect(unit).toBe(await readFile(golden, "utf8"));
});

test("systemd finds nothing wrong with it, and little exposed", async () => {
  await using dir = await tempDir();
  await writeFile(
    `${dir.path}/gantry.service`,
    await unitOf({ executable: "/bin/true", systemdVersion: 252 }),
  );
  const verify = Bun.spawnSync(["systemd-analyze", "verify", "--man=no", `${dir.path}/gantry.service`]);
  expect(verify.stderr.toString()).toBe("");
  const argv = [
    "systemd-analyze",
    "security",
    "--offline=true",
    "--threshold=30",
    `${dir.path}/gantry.service`,
  ];
  expect(Bun.spawnSync(argv).exitCode).toBe(0);
});

test("before systemd 253 a reload is a signal", async () => {
  expect(await different({ systemdVersion: 252 })).toEqual([
    "Type=notify",
    "ExecReload=/bin/kill -HUP $MAINPID",
  ]);
});

test("before systemd 250 it is not confined, as nothing could be done outside of it", async () => {
  const unit = await unitOf({ systemdVersion: 249 });
  expect(unit).not.toContain("CapabilityBoundingSet");
  expect(unit).toContain("ExecStart=/usr/local/bin/gantry agent\n");
});

test("other directories may be written, and are waited for", async () => {
  const flags = {
    "state-dir": "/srv/my state",
    "run-dir": "/srv/run",
    "manifest-path": "/srv/100%",
    "rkt-dir": "/srv/rkt",
    listen: ["unix:///srv/run/gantry.sock", "unix:///srv/a%20b/gantry.sock", "http://127.0.0.1:10255"],
  };
  expect(await different({ flags })).toEqual([
    'RequiresMountsFor=/srv/100%% "/srv/my state"',
    'ReadWritePaths=/run/systemd/system /srv/run "/srv/my state" -/srv/rkt "-/srv/a b"',
  ]);
});

test.each([
  ["https://0.0.0.0", true],
  ["https://0.0.0.0:1023", true],
  ["http://127.0.0.1:80", true],
  ["https://0.0.0.0:1024", false],
  ["https://0.0.0.0:0", false],
  ["unix:///run/gantry/gantry.sock", false],
])("the right to ports below 1024 only for who wants one: %s", async (address, isGiven) => {
  const right = isGiven ? ["CapabilityBoundingSet=CAP_NET_BIND_SERVICE"] : [];
  expect(await different({ flags: { listen: [address] } })).toEqual(right);
});

test("an executable with a blank in its path", async () => {
  expect(await different({ executable: "/opt/my tools/gantry" })).toEqual([
    'ExecStart="/opt/my tools/gantry" agent',
  ]);
});
